"""The works that ORCID's public record of a person holds, and who put them there.

https://info.orcid.org/documentation/api-tutorials/api-tutorial-read-data-on-a-record/
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from broadsheet.lib.http import Http, HttpError, Response
from broadsheet.record.identifiers import BadIdentifier, Identifier, arxiv_id, doi
from broadsheet.sources.batch import SourceError

BASE: Final = "https://pub.orcid.org/v3.0"
# The summaries of 10,000 works, which is the most a record may hold.
MAX_BYTES: Final = 32 << 20
_ORCID: Final = re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Work:
    """A work of a person's record. vouched: a publisher or a registry put it there, not the person."""

    identifiers: frozenset[Identifier]
    vouched: bool
    by: str = ""


def is_orcid(text: str) -> bool:
    """Tell whether a text is an ORCID iD: its form and its check digit (ISO 7064 MOD 11-2)."""
    if not _ORCID.fullmatch(text):
        return False
    total = 0
    for digit in text.replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    return text[-1] == ("X" if check == 10 else str(check))


def works(http: Http, orcid: str, *, base: str = BASE, timeout: float = 15.0) -> tuple[Work, ...]:
    """Ask for the works of a person. Raises SourceError."""
    if not is_orcid(orcid):
        raise SourceError(f"{orcid!r} is no ORCID iD", True)
    try:
        response = http.get(
            f"{base}/{orcid}/works", headers={"Accept": "application/json"}, timeout=timeout, max_bytes=MAX_BYTES
        )
    except HttpError as error:
        raise SourceError(str(error), error.permanent) from error
    return read(response)


def read(response: Response) -> tuple[Work, ...]:
    """Read the list of a person's works; what of it has another form is passed over. Raises SourceError."""
    try:
        told = json.loads(response.body)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{response.url} sent no JSON; try again later") from error
    if not isinstance(told, dict) or not isinstance(told.get("group"), list):
        raise SourceError(f"{response.url} sent no list of works; try again later")
    return tuple(_work(summary) for group in told["group"] for summary in _rows(group, "work-summary"))


def _work(summary: dict[str, Any]) -> Work:
    source = _object(summary, "source")
    # A tool may put in what the person asked it to: then it names the person as where the assertion comes from.
    by_person = any(_object(source, name) for name in ("source-orcid", "assertion-origin-orcid"))
    vouched = bool(_object(source, "source-client-id")) and not by_person
    return Work(frozenset(_identifiers(summary)), vouched, str(_object(source, "source-name").get("value") or ""))


def _identifiers(summary: dict[str, Any]) -> Iterator[Identifier]:
    for row in _rows(_object(summary, "external-ids"), "external-id"):
        kind, value = str(row.get("external-id-type")).lower(), str(row.get("external-id-value"))
        if row.get("external-id-relationship") != "self" or len(value) > 500:
            continue
        with suppress(BadIdentifier):
            if kind == "doi":
                yield doi(value)
            elif kind == "arxiv":
                yield arxiv_id(value).identifier


def _rows(told: object, name: str) -> list[dict[str, Any]]:
    rows = told.get(name) if isinstance(told, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _object(told: dict[str, Any], name: str) -> dict[str, Any]:
    found = told.get(name)
    return found if isinstance(found, dict) else {}
