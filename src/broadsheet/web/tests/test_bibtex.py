from datetime import UTC, datetime

from broadsheet.papers.models import Paper
from broadsheet.web import bibtex


def paper(**changes: object) -> Paper:
    values: dict[str, object] = {
        "key": "2405.15738",
        "title": "The Räuber of 90% & more",
        "authors": [{"name": "Zoë Müller"}, {"name": "A. B. Lim"}],
        "categories": "cs.CL cs.AI",
        "submitted": datetime(2024, 5, 24, tzinfo=UTC),
    }
    return Paper(**(values | changes))


def test_an_arxiv_paper_becomes_a_misc_entry() -> None:
    assert bibtex.entry(paper()) == (
        "@misc{muller2024rauber,\n"
        "  title = {{The Räuber of 90\\% \\& more}},\n"
        "  author = {Zoë Müller and A. B. Lim},\n"
        "  year = {2024},\n"
        "  eprint = {2405.15738},\n"
        "  archivePrefix = {arXiv},\n"
        "  primaryClass = {cs.CL},\n"
        "  url = {https://arxiv.org/abs/2405.15738}\n}\n"
    )


def test_a_published_paper_becomes_an_article_with_its_doi() -> None:
    made = bibtex.entry(paper(journal_ref="J. Wind 3"), doi="10.1000/1")
    assert made.startswith("@article{") and "doi = {10.1000/1}" in made and "journal = {J. Wind 3}" in made


def test_braces_without_a_partner_do_not_break_the_entry() -> None:
    made = bibtex.entry(paper(title="A {broken title"))
    assert made.count("{") == made.count("}")


def test_a_paper_without_authors_or_date_still_has_an_entry() -> None:
    made = bibtex.entry(paper(key="b0123456789ab", authors=[], submitted=None, categories="", title="?"))
    assert made.startswith("@misc{anon,")
