"""Papers that a reader names to learn from: pasted, in a file, of a Zotero library, or written by them.

Nothing comes into the record here: what is not in it is told by name.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Final
from urllib.parse import unquote

from django.conf import settings
from django.utils.translation import gettext as _

from broadsheet.community import bringing
from broadsheet.community.given import line
from broadsheet.lib.text import fold
from broadsheet.papers.models import Authorship, Identifier, Paper
from broadsheet.papers.outside import http as site_http
from broadsheet.papers.store import LOOKUP, lookup
from broadsheet.readers.refused import Refused
from broadsheet.record.identifiers import Identifier as Name
from broadsheet.record.identifiers import identify
from broadsheet.record.linkage import short_title_key
from broadsheet.record.paper import PaperData
from broadsheet.sources import orcid
from broadsheet.sources.batch import SourceError
from broadsheet.sources.files import FORMATS

LONGEST_PASTE: Final = 500_000
MOST_NAMED: Final = 500
MOST_WRITTEN: Final = 200
LONGEST_NAME: Final = 300
LONGEST_ID: Final = 400
# Of what is not in the record, so many are told by name.
SHOWN: Final = 20
TIMEOUT: Final = 10.0
PATIENCE: Final = 10.0
# A line with fewer words is no title.
TITLE_WORDS: Final = 3
_WRAPPED: Final = "[](){}<>.,;:\"'`*·•“”‘’"
# Blanks of one line alone: over empty lines too, each line of a long paste would be followed to the end of them all.
_ENTRY: Final = re.compile(r"@\s*\w+\s*[{(]|^[ \t]*[\[{]|^TY {1,2}-", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Found:
    """What was meant. here: papers of the record. unknown: names or titles of what is not in it, the first of them.

    unknown_count: of all of them. unread: entries that could not be read. more: there was more than is taken at once.
    """

    here: tuple[Paper, ...] = ()
    unknown: tuple[str, ...] = ()
    unknown_count: int = 0
    unread: int = 0
    more: bool = False


def of_text(text: str, now: datetime) -> Found:
    """Read pasted ids, addresses, DOIs and titles, or a pasted BibTeX, RIS or CSL-JSON library. Raises Refused."""
    if len(text) > LONGEST_PASTE:
        raise Refused(
            _("That is more than is read at once: at most %(most)s characters. A file may be larger.")
            % {"most": f"{LONGEST_PASTE:,}"}
        )
    if not text.strip():
        raise Refused(_("Please paste the ids of a few papers, or a library."))
    raw = text.strip().encode(errors="replace")
    if _ENTRY.search(text) and any(FORMATS[name].recognises(raw[: 64 << 10], "") for name in bringing.READ):
        return of_file(raw, now)
    return _of_lines(text)


def of_file(raw: bytes, now: datetime) -> Found:
    """Read a BibTeX, RIS or CSL-JSON file. Raises Refused."""
    return _of_brought(bringing.of_file(raw, now))


def of_zotero(library: str, key: str) -> Found:
    """Read a Zotero library; the key is used for this and nowhere kept. Waits for the network. Raises Refused."""
    return _of_brought(bringing.of_zotero(library, key))


def written_by(name: str) -> Found:
    """Give the papers with an author of this name, the newest first; names are shared, so the reader says which.

    Raises Refused for no name.
    """
    key = fold(line(name, LONGEST_NAME))
    if not key.strip():
        raise Refused(_("Please write the name as it stands on your papers."))
    numbers = Authorship.objects.filter(name_key=key).order_by("-paper_id").values_list("paper_id", flat=True)
    found = list(dict.fromkeys(numbers[: 2 * MOST_WRITTEN]))
    return Found(_papers(found[:MOST_WRITTEN]), more=len(found) > MOST_WRITTEN)


def of_orcid(said: str) -> Found:
    """Give the papers that ORCID's public record of a person lists. Waits for the network. Raises Refused."""
    iD = line(said, LONGEST_NAME).removeprefix("https://").removeprefix("http://").removeprefix("orcid.org/").upper()
    if not orcid.is_orcid(iD):
        raise Refused(_("That is no ORCID iD: it looks like 0000-0002-1825-0097."))
    try:
        http = replace(site_http(), tries=1, patience=PATIENCE)
        works = orcid.works(http, iD, base=settings.CONFIG.orcid_url, timeout=TIMEOUT)
    except SourceError as problem:
        raise Refused(_("ORCID gave no answer that can be read. Please try again later.")) from problem
    named = [_called_by(sorted(work.identifiers)) for work in works if work.identifiers]
    return _of_names(named[:MOST_NAMED], more=len(named) > MOST_NAMED)


def of_keys(keys: Sequence[str]) -> list[int]:
    """Give the numbers of the papers with these keys; unknown ones are passed over."""
    wanted = [key for key in keys[:MOST_NAMED] if key.isprintable() and len(key) <= LONGEST_ID]
    by_key = dict(lookup(Paper, "key", wanted, "id"))
    return [by_key[key] for key in dict.fromkeys(wanted) if key in by_key]


def _called_by(names: Sequence[Name]) -> list[str]:
    return [*map(str, names), names[0].value]


def _of_brought(brought: bringing.Brought) -> Found:
    known = bringing.recognised(brought.papers)
    unknown = tuple(_called(paper) for paper in known.unknown[:SHOWN])
    return Found(tuple(known.here), unknown, len(known.unknown), brought.unread, brought.more)


def _called(paper: PaperData) -> str:
    return (paper.title or next((name.value for name in paper.identifiers), ""))[:200]


def _of_lines(text: str) -> Found:
    """Read each line as ids and addresses, or where it holds none as a title."""
    given = list(islice(_given(text), MOST_NAMED + 1))
    return _of_names(given[:MOST_NAMED], more=len(given) > MOST_NAMED)


def _given(text: str) -> Iterable[list[str]]:
    """Give what each thing pasted may be called: its name in the record or its title's key, and last as it was said."""
    for row in text.splitlines():
        names = list(_names(row))
        yield from names
        words = row.strip(f"{_WRAPPED} \t-")
        if not names and len(words.split()) >= TITLE_WORDS:
            yield [f"title:{short_title_key(words[:2000])}", words]
        elif not names:
            yield from ([part] for part in words.split())


def _names(row: str) -> Iterable[list[str]]:
    for part in re.split(r"[\s,;|]+", row):
        said = part.strip(_WRAPPED)
        if 4 < len(said) <= LONGEST_ID and said.isprintable():
            name = identify(_of_this_site(said))
            if name is not None and (name.scheme != "url" or "://" in said):
                yield [str(name), said]


def _of_this_site(said: str) -> str:
    """Give the key in an address of a paper on this site, else what was said."""
    site = settings.CONFIG.public_url
    return unquote(said.removeprefix(f"{site}/papers/")) if site else said


def _of_names(given: Sequence[Sequence[str]], *, more: bool) -> Found:
    """Look papers up: each is called by any of a few names, the last of which is what it is told as."""
    every = [name for names in given for name in names if 0 < len(name) <= 500 and name.isprintable()]
    titles = [name.removeprefix("title:") for name in every if name.startswith("title:")]
    own = [name.removeprefix("broadsheet:") for name in every if name.startswith("broadsheet:")]
    known = dict(lookup(Identifier, "name", every)) if every else {}
    known |= {f"title:{key}": number for key, number in reversed(lookup(Paper, "title_key", titles, "id"))}
    known |= {f"broadsheet:{key}": number for key, number in lookup(Paper, "key", own, "id")}
    known |= dict(lookup(Paper, "key", every, "id"))
    numbers, unknown = dict[int, None](), dict[str, None]()
    for names in given:
        number = next((known[name] for name in names if name in known), None)
        if number is None:
            unknown[names[-1][:200]] = None
        else:
            numbers[number] = None
    here = _papers(list(numbers))
    return Found(here, tuple(unknown)[:SHOWN], len(unknown), more=more)


def _papers(numbers: Sequence[int]) -> tuple[Paper, ...]:
    there: dict[int, Paper] = {}
    for start in range(0, len(numbers), LOOKUP):
        there |= Paper.objects.filter(hidden=False).in_bulk(numbers[start : start + LOOKUP])
    return tuple(there[number] for number in numbers if number in there)
