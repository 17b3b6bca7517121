"""A paper as a BibTeX entry."""

import re
from typing import Final

from broadsheet.lib.text import fold
from broadsheet.papers.models import Paper
from broadsheet.record.identifiers import BadIdentifier, arxiv_id

# Words that say nothing of a paper; the first other word of the title goes into the entry's key.
_EMPTY: Final = "a an the on of in for to and from with towards toward is are do does how what why"
_SPECIAL: Final = re.compile(r"(?<!\\)([%&#])")


def entry(paper: Paper, doi: str = "") -> str:
    """Give the entry, ready to paste. TeX in the title stays as it is; braces keep its capitals."""
    names = [str(author["name"]) for author in paper.authors if isinstance(author, dict) and author.get("name")]
    year = str(paper.submitted.year) if paper.submitted else str(paper.announced.year) if paper.announced else ""
    fields = {
        "title": "{" + _safe(paper.title) + "}",
        "author": " and ".join(_safe(name) for name in names),
        "year": year,
        **_where(paper),
        "doi": doi,
        "journal": _safe(paper.journal_ref),
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value and value != "{}"]
    kind = "article" if paper.journal_ref else "misc"
    return "@" + kind + "{" + ",\n".join([key(names, year, paper.title), *lines]) + "\n}\n"


def key(names: list[str], year: str, title: str) -> str:
    """Make the key of an entry: the first author's last name, the year, the first telling word of the title."""
    last = re.sub(r"[^a-z]", "", fold(names[0]).split()[-1]) if names and fold(names[0]).split() else "anon"
    words = re.findall(r"[a-z0-9]+", fold(title))
    return (last or "anon") + year + next((word for word in words if word not in _EMPTY.split()), "")


def _where(paper: Paper) -> dict[str, str]:
    try:
        found = arxiv_id(paper.key)
    except BadIdentifier:
        return {}
    return {
        "eprint": found.value,
        "archivePrefix": "arXiv",
        "primaryClass": next(iter(paper.category_list), ""),
        "url": f"https://arxiv.org/abs/{found.value}",
    }


def _safe(text: str) -> str:
    """Escape what TeX would choke on, and close or drop braces that have no partner."""
    text = _SPECIAL.sub(r"\\\1", text)
    return text if text.count("{") == text.count("}") else text.replace("{", "").replace("}", "")
