"""What a message says: for programs as JSON, for people as a few lines a paper."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from broadsheet.editions.named import NamedList
from broadsheet.export.address import absolute, of_paper, outside
from broadsheet.markup.maths import as_text
from broadsheet.papers.models import Paper

Payload = dict[str, Any]
LONGEST_SENTENCE: Final = 240
NAMES: Final = 3


def payload(
    kind: str, number: UUID, found: NamedList, papers: Sequence[Paper], more: int, now: datetime, *, test: bool = False
) -> Payload:
    """Make the message about some papers of a list. more: how many others there are. test: it is marked as one."""
    listed = {"key": found.key, "title": found.title, "url": absolute(found.path)}
    head: Payload = {"id": str(number), "event": "test" if test else "papers", "list": listed}
    if kind == "webhook":
        return {**head, "papers": [for_programs(paper) for paper in papers], "more": more, "sent_at": now.isoformat()}
    return {
        **head,
        "site": settings.CONFIG.site_name,
        "note": _("This is a test.") if test else "",
        "papers": [for_people(paper) for paper in papers],
        "more": more,
        "more_says": ngettext("%(more)d more paper", "%(more)d more papers", more) % {"more": more} if more else "",
    }


def for_programs(paper: Paper) -> Payload:
    """Give a paper with everything a program needs to file it."""
    at = outside(paper)
    return {
        "id": paper.key,
        "title": paper.title,
        "abstract": paper.abstract,
        "authors": names(paper),
        "categories": paper.category_list,
        "votes": paper.votes,
        "comments": paper.comments,
        "submitted": paper.submitted.isoformat() if paper.submitted else None,
        "announced": paper.announced.isoformat() if paper.announced else None,
        "url": of_paper(paper),
        "arxiv": {"abs": at.abs, "pdf": at.pdf, "html": at.html} if at.abs else None,
    }


def for_people(paper: Paper) -> Payload:
    """Give a paper as a chat shows it: plain words, the first sentence of the abstract."""
    authors = names(paper)
    by = ", ".join(authors[:NAMES]) + (_(" and others") if len(authors) > NAMES else "")
    votes = ngettext("%(votes)d vote", "%(votes)d votes", paper.votes) % {"votes": paper.votes} if paper.votes else ""
    return {
        "id": paper.key,
        "title": as_text(paper.title)[:300],
        "url": of_paper(paper),
        "by": by[:200],
        "says": first_sentence(as_text(paper.abstract)),
        "votes": votes,
    }


def names(paper: Paper) -> list[str]:
    """Give the names of the authors in their order."""
    return [str(author["name"]) for author in paper.authors if isinstance(author, dict) and author.get("name")]


def first_sentence(text: str) -> str:
    """Give the first sentence of an abstract, cut at a word where it is long."""
    text = " ".join(text.split())
    found = re.match(r".{40,}?[.!?](?=\s+[A-Z])", text[: LONGEST_SENTENCE + 1])
    if found:
        return found[0]
    return text if len(text) <= LONGEST_SENTENCE else text[:LONGEST_SENTENCE].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def still_shown(body: Payload, shown: set[str]) -> Payload:
    """Leave out of a message what lists no longer show."""
    return {**body, "papers": [paper for paper in body["papers"] if paper["id"] in shown]}
