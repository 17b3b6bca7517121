"""Papers and lists as Markdown (CommonMark), for programs and people who read text.

Formulas stay as they are. Everything else that a source said is text: what Markdown would take for markup is escaped.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from broadsheet.editions import lists
from broadsheet.editions.edition import Edition, Entry
from broadsheet.editions.named import NamedList
from broadsheet.export import address, tex
from broadsheet.papers.finding import Found
from broadsheet.papers.models import Paper
from broadsheet.readers.filing import Filed

# As many papers as one document holds.
MOST: Final = 1000

Reasons = Callable[[Mapping[str, object]], Sequence[str]]

_MARKS: Final = re.compile(r"[*`\[\]\\|_~<&]")
_TELLING: Final = {
    "_": re.compile(r"(?<![^\W_])_|_(?![^\W_])"),
    "~": re.compile(r"~(?=~)|(?<=~)~"),
    "<": re.compile(r"<(?=[A-Za-z/!?])"),
    "&": re.compile(r"&(?=#?\w+;)"),
}
_FIRST: Final = re.compile(r"(?:[#>+=~-]|(\d+)(?=[.)]))")
_TAG: Final = re.compile(r"<(?=[A-Za-z/!?])")
_LAST_MARKS: Final = re.compile(r"(?<!\\)(#+)$")
_KINDS: Final = {"code": "Code", "project": "Project page", "model": "Model", "data": "Data", "demo": "Demo"}


def paper(paper: Paper, request: HttpRequest | None = None) -> str:
    """Give what is known of a paper; its full text is not kept here, and the document says where it is.

    request: by which it was asked for, where the site has no public address set.
    """
    outside = address.outside(paper)
    parts = [
        f"# {heading(paper.title)}",
        f"> {_availability(paper, outside)}",
        *(f"> {_('This paper was withdrawn.')}" for _once in [0] if paper.withdrawn),
        _facts(paper),
        f"## {_('Links')}",
        _links(paper, outside, request),
        *_summary(paper),
        *([f"## {_('Abstract')}", text(paper.abstract)] if paper.abstract.strip() else []),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def edition(edition: Edition, *, reasons: Reasons | None = None, request: HttpRequest | None = None) -> str:
    """Give an edition, its first MOST papers. reasons: writes out the terms of a place.

    The texts of the papers are read here, in one query.
    """
    title = _("Trending") if edition.kind == "trending" else _("Edition %(key)s") % {"key": edition.key}
    path = reverse("trending") if edition.kind == "trending" else reverse(edition.kind, args=[edition.key])
    entries = lists.whole(edition.entries[:MOST])
    return _list(title, path, entries, edition.total, reasons, request)


def hits(found: Found, *, reasons: Reasons | None = None, request: HttpRequest | None = None) -> str:
    """Give the answer to a search. reasons: writes out the terms of a place."""
    entries = [Entry(hit.rank, hit.paper, why=hit.why) for hit in found.hits[:MOST]]
    title = _("Search: %(query)s") % {"query": found.query} if found.query else _("Search")
    made = _list(title, "", entries, len(found.hits), reasons, request)
    if found.goes_to and not found.hits:
        # A name of a paper was asked for: it is the answer, however the words do.
        made += "\n" + _entry(Entry(1, found.goes_to), None, request) + "\n"
    return made


def named(found: NamedList, *, reasons: Reasons | None = None, request: HttpRequest | None = None) -> str:
    """Give a list that has a key."""
    return _list(found.title, found.path, found.entries[:MOST], len(found.entries), reasons, request)


def library(found: NamedList, filed: Mapping[int, Filed], request: HttpRequest | None = None) -> str:
    """Give a reader's library: each paper with its state and tags, and the note as the reader wrote it, quoted.

    filed: by number of the paper. All papers of the list are given, however many.
    """
    return _list(found.title, found.path, found.entries, len(found.entries), None, request, filed)


def _own(filed: Filed | None) -> list[str]:
    if filed is None:
        return []
    states = {"to-read": _("to read"), "reading": _("reading"), "read": _("read")}
    told = [(_("State"), states.get(filed.state, "")), (_("Tags"), _MARKS.sub(_escaped, ", ".join(filed.tags)))]
    lines = "\n".join(f"- {name}: {value}" for name, value in told if value)
    # Quoted, so that its headings and lists do not run into those of the document.
    note = "\n".join(f"> {line}".rstrip() for line in filed.note.split("\n")) if filed.note else ""
    return [part for part in (lines, note) if part]


def _availability(paper: Paper, outside: address.Outside) -> str:
    if paper.source == "sample":
        return _("The full text is not kept here, and the text below is a summary written for this site’s sample.")
    if outside.abs:
        where = _link(outside.abs)
        return _("The full text is not kept here; it is at %(where)s.") % {"where": where}
    return _("The full text is not kept here.")


def _facts(paper: Paper) -> str:
    names = [text(str(author["name"])) for author in paper.authors if isinstance(author, dict) and author.get("name")]
    day = paper.submitted.date() if paper.submitted else paper.announced
    told = [
        (_("Authors"), ", ".join(names)),
        (_("Published"), day.isoformat() if day else ""),
        (_("Published in"), text(paper.journal_ref)),
        ("arXiv", paper.key if address.outside(paper).abs else ""),
        (_("Categories"), text(", ".join(paper.category_list))),
    ]
    return "\n".join(f"- {name}: {value}" for name, value in told if value)


def _links(paper: Paper, outside: address.Outside, request: HttpRequest | None) -> str:
    day = reverse("day", args=[paper.announced.isoformat()]) if paper.announced else ""
    told = [
        (_("Page"), address.of_paper(paper, request)),
        (_("Abstract at arXiv"), outside.abs),
        (_("PDF at arXiv"), outside.pdf),
        (_("Web version at arXiv"), outside.html),
        (_("Edition"), address.absolute(day, request) if day else ""),
        *_given(paper),
    ]
    return "\n".join(f"- {name}: {_link(url)}" for name, url in told if url)


def _given(paper: Paper) -> list[tuple[str, str]]:
    """The links that sources and the abstract give, each once."""
    facts = paper.facts.get("links", []) if isinstance(paper.facts, dict) else []
    found: dict[str, tuple[str, str]] = {}
    for link in [*paper.links, *facts]:
        kind, url = str(link.get("kind", "")), str(link.get("url", ""))
        if kind in _KINDS and url.startswith(("https://", "http://")):
            found.setdefault(url.rstrip("/").lower(), (_KINDS[kind], url))
    return list(found.values())


def _summary(paper: Paper) -> list[str]:
    summary = str(paper.listing.get("summary", "")) if isinstance(paper.listing, dict) else ""
    if not summary.strip():
        return []
    warning = _("A machine wrote this summary, and it may be wrong; the abstract is the authors’ own.")
    return [f"## {_('AI-generated summary')}", f"> {warning}", text(summary)]


def _list(
    title: str,
    path: str,
    entries: Sequence[Entry],
    total: int,
    reasons: Reasons | None,
    request: HttpRequest | None,
    filed: Mapping[int, Filed] | None = None,
) -> str:
    filed = filed or {}
    counted = ngettext("%(papers)d paper.", "%(papers)d papers.", total) % {"papers": total}
    if len(entries) < total:
        counted = _("The first %(shown)d of %(papers)d papers.") % {"shown": len(entries), "papers": total}
    head = [f"# {heading(title)}", *([_link(address.absolute(path, request))] if path else []), counted]
    told = (_entry(entry, reasons, request, filed.get(entry.paper.id)) for entry in entries)
    return "\n\n".join([*head, *told]) + "\n"


def _entry(entry: Entry, reasons: Reasons | None, request: HttpRequest | None, filed: Filed | None = None) -> str:
    paper = entry.paper
    why = "\n".join(f"- {text(sentence)}" for sentence in reasons(entry.why)) if reasons and entry.why else ""
    title = f"## {entry.rank}. [{label(paper.title)}]({address.of_paper(paper, request)})"
    return "\n\n".join(part for part in (title, _byline(paper), *_own(filed), text(paper.abstract), why) if part)


def _byline(paper: Paper) -> str:
    names = [text(str(author["name"])) for author in paper.authors if isinstance(author, dict) and author.get("name")]
    votes = ngettext("%(votes)d vote", "%(votes)d votes", paper.votes) % {"votes": paper.votes}
    day = paper.announced.isoformat() if paper.announced else ""
    told: Iterable[str] = (", ".join(names), votes, day, text(", ".join(paper.category_list)))
    return " · ".join(part for part in told if part)


def text(raw: str) -> str:
    """Give a text of a source as one paragraph."""
    pieces = [_formula(piece) if formula else _prose(piece) for piece, formula in tex.pieces(" ".join(raw.split()))]
    return _FIRST.sub(_at_the_start, "".join(pieces), count=1) if pieces and _starts(pieces[0]) else "".join(pieces)


def heading(raw: str) -> str:
    """Give a text as a heading, behind its number signs."""
    return _LAST_MARKS.sub(lambda match: "\\#" * len(match[1]), text(raw))


def label(raw: str) -> str:
    """Give a text as what a link shows: brackets in formulas are written by name, so that they do not end it."""
    pieces = tex.pieces(" ".join(raw.split()))
    return "".join(
        _formula(piece).replace("[", r"\lbrack ").replace("]", r"\rbrack ") if formula else _prose(piece)
        for piece, formula in pieces
    )


def _prose(piece: str) -> str:
    return _MARKS.sub(_escaped, tex.prose(piece))


def _escaped(match: re.Match[str]) -> str:
    """Escape a mark where it would mean something: x < y, R&D and snake_case need no escaping."""
    mark = match[0]
    means = _TELLING[mark].match(match.string, match.start()) if mark in _TELLING else True
    return "\\" + mark if means else mark


def _formula(piece: str) -> str:
    # A blank says nothing in a formula, but there is no tag that begins with one.
    return _TAG.sub("< ", piece)


def _starts(piece: str) -> bool:
    return _FIRST.match(piece) is not None


def _at_the_start(match: re.Match[str]) -> str:
    return f"{match[1]}\\" if match[1] else "\\" + match[0]


def _link(url: str) -> str:
    """Give an address as a link; what could end it is percent-encoded."""
    safe = re.sub(r"[<>\s\"`\\^{|}\x00-\x20\x7f]", lambda match: f"%{ord(match[0]):02X}", url)
    return f"<{safe}>"
