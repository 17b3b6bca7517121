"""Files as Zotero writes them, with and without Better BibTeX: hand-written in their dialects."""

from datetime import UTC, datetime
from io import BytesIO

import pytest

from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Author, PaperData
from broadsheet.sources.files import FORMATS

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ARXIV = (Identifier("arxiv", "2611.00001"),)
TITLE = "On Bees and their Höhlen"

# File > Export Library > BibTeX.
PLAIN_BIBTEX = r"""
@misc{ant_bees_2026,
	title = {On {Bees} and their {H}{\"o}hlen},
	url = {http://arxiv.org/abs/2611.00001},
	doi = {10.48550/arXiv.2611.00001},
	abstract = {They hum. \textit{Loudly}.},
	urldate = {2026-11-19},
	publisher = {arXiv},
	author = {Ant, Ada and Bug, Bo},
	month = nov,
	year = {2026},
	note = {arXiv:2611.00001 [cs]},
	keywords = {Computer Science - Machine Learning},
	file = {Full Text PDF:/home/ada/Zotero/storage/ABCD2345/a.pdf:application/pdf},
}
"""
# File > Export Library > BibLaTeX.
BIBLATEX = r"""
@online{ant_bees_2026,
	title = {On Bees and their Höhlen},
	url = {http://arxiv.org/abs/2611.00001},
	doi = {10.48550/arXiv.2611.00001},
	number = {{arXiv}:2611.00001},
	publisher = {{arXiv}},
	author = {Ant, Ada and Bug, Bo},
	urldate = {2026-11-19},
	date = {2026-11-16},
	eprinttype = {arxiv},
	eprint = {2611.00001 [cs]},
	keywords = {Computer Science - Machine Learning},
}
"""
# Better BibLaTeX.
BETTER_BIBLATEX = r"""
@online{antBees2026,
  title = {On {{Bees}} and Their {{Höhlen}}},
  author = {Ant, Ada and Bug, Bo},
  date = {2026-11-16},
  eprint = {2611.00001},
  eprinttype = {arXiv},
  eprintclass = {cs},
  doi = {10.48550/arXiv.2611.00001},
  url = {http://arxiv.org/abs/2611.00001},
  urldate = {2026-11-19},
  abstract = {They hum.},
  pubstate = {prepublished},
  file = {/home/ada/Zotero/storage/ABCD2345/a.pdf}
}
"""
# Better BibTeX.
BETTER_BIBTEX = r"""
@misc{antBees2026,
  title = {On {{Bees}} and Their {{H{\"o}hlen}}},
  author = {Ant, Ada and Bug, Bo},
  year = 2026,
  month = nov,
  number = {arXiv:2611.00001},
  eprint = {2611.00001},
  primaryclass = {cs},
  publisher = {arXiv},
  doi = {10.48550/arXiv.2611.00001},
  urldate = {2026-11-19},
  archiveprefix = {arXiv}
}
"""
RIS = """TY  - GEN
TI  - On Bees and their Höhlen
AU  - Ant, Ada
AU  - Bug, Bo
AB  - They hum.
DA  - 2026/11/16/
PY  - 2026
DO  - 10.48550/arXiv.2611.00001
DP  - arXiv.org
PB  - arXiv
UR  - http://arxiv.org/abs/2611.00001
Y2  - 2026/11/19/08:00:00
KW  - Computer Science - Machine Learning
N1  - arXiv:2611.00001 [cs]
ER  -

"""
CSL = """[
  {
    "id": "http://zotero.org/users/12345/items/ABCD2345",
    "type": "article",
    "abstract": "They hum.",
    "DOI": "10.48550/arXiv.2611.00001",
    "note": "arXiv:2611.00001 [cs]",
    "number": "arXiv:2611.00001",
    "publisher": "arXiv",
    "source": "arXiv.org",
    "title": "On Bees and their Höhlen",
    "URL": "http://arxiv.org/abs/2611.00001",
    "author": [{"family": "Ant", "given": "Ada"}, {"family": "Bug", "given": "Bo"}],
    "accessed": {"date-parts": [["2026", 11, 19]]},
    "issued": {"date-parts": [["2026", 11, 16]]}
  }
]
"""
FILES = {
    "plain": ("bibtex", PLAIN_BIBTEX),
    "biblatex": ("bibtex", BIBLATEX),
    "better biblatex": ("bibtex", BETTER_BIBLATEX),
    "better bibtex": ("bibtex", BETTER_BIBTEX),
    "ris": ("ris", RIS),
    "csl": ("csl-json", CSL),
}


def papers(form: str, text: str) -> list[PaperData]:
    raw = text.encode()
    assert next(name for name, one in FORMATS.items() if one.recognises(raw, "library")) == form
    found = list(FORMATS[form].read(BytesIO(raw), "library", lambda: NOON))
    assert all(isinstance(item, PaperData) for item in found), found
    return [item for item in found if isinstance(item, PaperData)]


@pytest.mark.parametrize("dialect", FILES)
def test_a_preprint_from_zotero_is_the_same_paper_in_every_dialect(dialect: str) -> None:
    (paper,) = papers(*FILES[dialect])
    assert paper.identifiers == ARXIV
    assert paper.title.lower() == TITLE.lower()
    assert [author.name for author in paper.authors] == ["Ada Ant", "Bo Bug"]
    assert paper.journal_ref == ""


@pytest.mark.parametrize("dialect", ["biblatex", "better biblatex", "ris", "csl"])
def test_the_day_is_known_where_the_dialect_tells_it(dialect: str) -> None:
    (paper,) = papers(*FILES[dialect])
    assert paper.submitted == datetime(2026, 11, 16, 12, tzinfo=UTC)


ARTICLES = {
    "biblatex": (
        "bibtex",
        r"@article{bug_honey_2025, title = {On honey}, volume = {7}, doi = {10.1000/182}, journaltitle = {Hive Notes},"
        r" author = {Bug, Bo and {The Hive}}, date = {2025-05}, note = {{tex.ids}: honey}, langid = {english}}",
    ),
    "bibtex": (
        "bibtex",
        r"@article{bugHoney2025, title = {On honey}, volume = {7}, doi = {10.1000/182}, journal = {Hive Notes},"
        r" author = {Bug, Bo and {{The Hive}}}, year = 2025, month = may, langid = {english}}",
    ),
    "ris": (
        "ris",
        "TY  - JOUR\nTI  - On honey\nAU  - Bug, Bo\nAU  - The Hive\nT2  - Hive Notes\nDA  - 2025/05//\nPY  - 2025\n"
        "DO  - 10.1000/182\nVL  - 7\nER  - \n",
    ),
    "csl": (
        "csl-json",
        '[{"id": "a", "type": "article-journal", "container-title": "Hive Notes", "DOI": "10.1000/182", "volume": "7",'
        ' "title": "On honey", "author": [{"family": "Bug", "given": "Bo"}, {"literal": "The Hive"}],'
        ' "issued": {"date-parts": [["2025", 5]]}}]',
    ),
}


@pytest.mark.parametrize("dialect", ARTICLES)
def test_an_article_keeps_where_it_appeared_and_who_is_no_person(dialect: str) -> None:
    (paper,) = papers(*ARTICLES[dialect])
    assert paper.identifiers == (Identifier("doi", "10.1000/182"),)
    assert (paper.title, paper.authors) == ("On honey", (Author("Bo Bug"), Author("The Hive")))
    assert "Hive Notes" in paper.journal_ref
    assert paper.submitted is None


def test_an_arxiv_id_in_the_free_field_is_found() -> None:
    text = "@article{a, title = {On wax}, author = {Bug, Bo}, year = {2026}, note = {arXiv: 2611.00001}}"
    (paper,) = papers("bibtex", text)
    assert paper.identifiers == ARXIV


@pytest.mark.parametrize("kind", ["@string{j = {Journal}}", "@comment{jabref-meta: x}", "@preamble{ {\\x} }"])
def test_what_is_no_entry_is_no_paper(kind: str) -> None:
    assert len(papers("bibtex", kind + PLAIN_BIBTEX)) == 1
