"""Daily papers as the Hugging Face API gives them, live or saved: counts and links, by the day they were listed on.

Of people it keeps what that site shows beside a paper, because programs that read lists of daily papers expect it in
ours: the authors' names, the public accounts tied to them and how sure that tie is, and the account that submitted the
paper. An account is the name in its addresses and the name shown; pictures of people, numbers of followers, what they
pay for and authors who chose to be hidden are not kept.
"""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import chain
from typing import BinaryIO, Final

from broadsheet.lib.clock import Clock, now
from broadsheet.record.identifiers import arxiv_id
from broadsheet.record.paper import Account, Author, Item, Link, ListedAuthor, Listing, PaperData
from broadsheet.sources.reading import (
    MAX_RECORD,
    BadFile,
    BadItem,
    checked,
    chunks,
    decoded,
    document,
    field_text,
    hashed,
    lines,
    possible_day,
    possible_moment,
    rejected,
    too_long,
)

SOURCE: Final = "huggingface"
HUB: Final = "https://huggingface.co/"
LONGEST_REPR: Final = 1 << 20
LARGEST_COUNT: Final = 2**31 - 1
# From this day on `publishedAt` of a row is the date on arXiv, no longer the moment of submission to the list.
PUBLISHED_CHANGED: Final = date(2025, 3, 1)
# A list day begins at 21:00 UTC the evening before: all but one of 2,202 recorded rows of 2024 obey.
DAY_BEGINS: Final = timedelta(hours=3)
# What is kept of a listing at most: numbers of things, and characters.
MOST_KEYWORDS: Final = 50
MOST_MEDIA: Final = 20
LONGEST_KEYWORD: Final = 80
LONGEST_NAME: Final = 120
LONGEST_SUMMARY: Final = 2000
LONGEST_ADDRESS: Final = 1000
# In the address of the picture that the site itself makes of a paper's title.
OWN_PICTURES: Final = "/social-thumbnails/"
ITSELF: Final = "broadsheet"

_FILE_DAY = re.compile(r"(?<!\d)(\d{4}-\d\d-\d\d)(?!\d)")
_HANDLE = re.compile(r"[\w.-]{1,100}")
_WORD = re.compile(r"[a-z][a-z_-]{0,39}", re.ASCII)
_ADDRESS = re.compile(rf"https?://[^\s<>\"]{{3,{LONGEST_ADDRESS}}}")
_HEAD = re.compile(rb"""\s*[\[{].{0,400}?["']paper["']\s*:|\s*\{.{0,400}?"data"\s*:\s*\[\s*["{].{0,20}?paper""", re.S)


def recognises(head: bytes, filename: str) -> bool:
    """Tell lists of daily papers: rows that hold a `paper`, as JSON or as the text of Python dicts."""
    return _HEAD.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def parse_rows(
    rows: Iterable[object], day: date | None, source: str = SOURCE, *, today: date | None = None
) -> Iterator[Item]:
    """Read rows of a daily list: dicts, or strings that hold the text of a Python dict.

    day: the day of the list where the caller knows it; a row that says its own day is believed first.
    today: for refusing dates in the future; the clock's by default.
    A row without an id or a title, or with an impossible date, is Rejected.
    """
    today = today or now().date()
    for number, row in enumerate(rows, 1):
        yield _row_item(row, day, source, today, f"row {number}")


def _row_item(row: object, day: date | None, source: str, today: date, subject: str) -> Item:
    raw = _row_bytes(row)
    if len(raw) > MAX_RECORD:
        return too_long(source, subject, len(raw), raw)
    try:
        return _paper(_as_dict(row), day, source, today, raw)
    except ValueError as wrong:
        return rejected(source, subject, wrong, raw)


def _row_bytes(row: object) -> bytes:
    text = row if isinstance(row, str) else json.dumps(row, ensure_ascii=False, default=str)
    return text.encode(errors="surrogatepass")


def _as_dict(row: object) -> Mapping[str, object]:
    if isinstance(row, str):
        row = _literal(row)
    if not isinstance(row, dict):
        raise BadItem(f"a row that is a {type(row).__name__}, not an object")
    return row


def _literal(text: str) -> object:
    """Read the text of a Python dict; it is parsed, never run."""
    if len(text) > LONGEST_REPR:
        raise BadItem(f"a row of {len(text):,} characters as one string; at most {LONGEST_REPR:,} are read")
    if "\x00" in text:
        raise BadItem(f"holds a NUL character at position {text.index(chr(0))}")
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise BadItem("a string that is no whole Python dict (cut off?)") from None


def _paper(row: Mapping[str, object], day: date | None, source: str, today: date, raw: bytes) -> PaperData:
    told = row.get("paper")
    if not isinstance(told, dict):
        raise BadItem("a row without a paper")
    name = field_text(told.get("id"), "paper.id")
    title = field_text(told.get("title"), "paper.title") or field_text(row.get("title"), "title")
    if not name or not title:
        raise BadItem("a paper without an id" if not name else f"{name} has no title")
    published = told.get("publishedAt")
    listed = _edition_day(row, told, day, today)
    shown = _shown(told.get("authors"))
    return PaperData(
        source=source,
        title=title,
        abstract=field_text(told.get("summary"), "paper.summary") or field_text(row.get("summary"), "summary"),
        identifiers=(arxiv_id(name).identifier,),
        authors=tuple(Author(name) for name, _ in shown),
        submitted=possible_moment(published, today) if isinstance(published, str) and published else None,
        announced=listed,
        announced_by="listing" if listed else "",
        withdrawn=bool(told.get("withdrawnAt")),
        links=_links(row, told),
        signals=_signals(row, told),
        listing=_listing(row, told, shown, today),
        raw_hash=hashed(raw),
    )


def _edition_day(row: Mapping[str, object], told: Mapping[str, object], day: date | None, today: date) -> date | None:
    """Tell the day of the list: what the paper says, the row, the list; last the moment it was submitted to the list.

    A list's own day stands before that moment: the list of a day holds papers submitted late the evening before.
    """
    for said in (told.get("submittedOnDailyAt"), row.get("submittedOnDailyAt"), row.get("day")):
        if isinstance(said, str) and said:
            return possible_day(said[:10], today)
    if day:
        return day
    moment = row.get("publishedAt")
    if not isinstance(moment, str) or not moment:
        return None
    listed = (possible_moment(moment, today) + DAY_BEGINS).date()
    return listed if listed < PUBLISHED_CHANGED else None


def _shown(told: object) -> list[tuple[str, Mapping[str, object]]]:
    """Give the authors who are shown: the name, and all that is told of each."""
    if not isinstance(told, list):
        return []
    shown = [one for one in told if isinstance(one, dict) and not one.get("hidden")]
    named = ((field_text(one.get("name"), "an author's name"), one) for one in shown)
    return [(name, one) for name, one in named if name]


def _listing(
    row: Mapping[str, object],
    told: Mapping[str, object],
    shown: Iterable[tuple[str, Mapping[str, object]]],
    today: date,
) -> Listing | None:
    """Read what the list tells beside the paper. A part that makes no sense is left out: the paper is worth more."""

    def said(*names: str) -> object:
        return next((value for name in names for value in (told.get(name), row.get(name)) if value), None)

    listing = Listing(
        summary=_text(said("ai_summary"), LONGEST_SUMMARY),
        summary_by=_text(said("ai_summary_model"), LONGEST_NAME),
        keywords=_keywords(said("ai_keywords")),
        submitter=_submitter(row, said("submittedOnDailyBy")),
        organisation=_organisation(said("organization", "submitterOrganization")),
        media=_media(said("mediaUrls", "mediaUrl"), row.get("thumbnail")),
        authors=_listed_authors(shown, today),
        discussion=found[0] if (found := _match(_HANDLE, said("discussionId"))) else "",
        code_by=found[0] if (found := _match(_WORD, said("githubRepoAddedBy"))) else "",
    )
    return listing if listing != NOTHING else None


NOTHING: Final = Listing()


def _text(told: object, longest: int) -> str:
    """Give a text, folded and cut to a length; nothing for what is no text."""
    try:
        return checked(told)[:longest].rstrip() if isinstance(told, str) else ""
    except BadItem:
        return ""


def _match(pattern: re.Pattern[str], told: object) -> re.Match[str] | None:
    return pattern.fullmatch(told) if isinstance(told, str) else None


def _keywords(told: object) -> tuple[str, ...]:
    """Give keywords, each once; one too long to be a keyword is none."""
    texts = [_text(one, LONGEST_KEYWORD + 1) for one in told] if isinstance(told, list) else []
    return tuple(dict.fromkeys(text for text in texts if 0 < len(text) <= LONGEST_KEYWORD))[:MOST_KEYWORDS]


def _account(told: object) -> Account | None:
    """Read an account. Its name in addresses is `user` beside an author and `name` beside a submission."""
    if not isinstance(told, dict):
        return None
    handle = _match(_HANDLE, told.get("user")) or _match(_HANDLE, told.get("name"))
    return Account(handle[0], _text(told.get("fullname"), LONGEST_NAME) or handle[0]) if handle else None


def _submitter(row: Mapping[str, object], listed_by: object) -> Account | None:
    """Read who submitted the paper to the list. A Broadsheet names itself where nobody did: a row must name someone."""
    account = _account(row.get("submittedBy"))
    if account and account.handle == ITSELF and not listed_by and "source" in row:
        return None
    return account or _account(listed_by)


def _organisation(told: object) -> tuple[str, str] | None:
    account = _account(told)
    return (account.handle, account.name) if account else None


def _media(told: object, thumbnail: object) -> tuple[str, ...]:
    """Give the addresses of pictures and films, each once. What the site made of the title itself is neither."""
    several = told if isinstance(told, list) else [told]
    found = (_url(one) for one in several if one != thumbnail)
    return tuple(dict.fromkeys(url for url in found if url and OWN_PICTURES not in url))[:MOST_MEDIA]


def _listed_authors(shown: Iterable[tuple[str, Mapping[str, object]]], today: date) -> tuple[ListedAuthor, ...]:
    listed = (_listed_author(place, told, today) for place, (_, told) in enumerate(shown))
    return tuple(author for author in listed if author.account or author.status)


def _listed_author(place: int, told: Mapping[str, object], today: date) -> ListedAuthor:
    status = _match(_WORD, told.get("status"))
    since = _moment_or_none(told.get("statusLastChangedAt"), today) if status else None
    return ListedAuthor(place, _account(told.get("user")), status[0] if status else "", since)


def _moment_or_none(told: object, today: date) -> datetime | None:
    try:
        return possible_moment(told, today) if isinstance(told, str) else None
    except BadItem:
        return None


def _links(row: Mapping[str, object], told: Mapping[str, object]) -> tuple[Link, ...]:
    found = [
        Link(kind, url)
        for key, kind in (("githubRepo", "code"), ("projectPage", "project"))
        if (url := _url(told.get(key) or row.get(key)))
    ]
    for key, kind, under in (
        ("linkedModels", "model", ""),
        ("linkedDatasets", "data", "datasets/"),
        ("linkedSpaces", "demo", "spaces/"),
    ):
        linked = told.get(key) or row.get(key)
        for one in linked if isinstance(linked, list) else []:
            name = one.get("id") if isinstance(one, dict) else None
            if isinstance(name, str) and re.fullmatch(r"[\w.-]+(?:/[\w.-]+)?", name):
                found.append(Link(kind, f"{HUB}{under}{name}"))
    return tuple(dict.fromkeys(found))


def _url(told: object) -> str:
    found = _ADDRESS.fullmatch(told.strip()) if isinstance(told, str) else None
    return _text(found[0], LONGEST_ADDRESS + 8) if found else ""


def _signals(row: Mapping[str, object], told: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
    counts = (
        ("upvotes", told.get("upvotes", row.get("upvotes"))),
        ("comments", row.get("numComments", told.get("numComments"))),
        ("github_stars", told.get("githubStars", row.get("githubStars"))),
    )
    return tuple(
        (name, count)
        for name, count in counts
        if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= LARGEST_COUNT
    )


def read(stream: BinaryIO, filename: str, clock: Clock = now) -> Iterator[Item]:
    """Read a saved answer (an array, or an object with `data` and `date`), or JSON lines whose rows say their `day`.

    Raises BadFile for a file that is neither.
    """
    today = clock().date()
    named = _FILE_DAY.search(filename)
    day = _day_or_none(named[1] if named else None, today)
    parts = chunks(stream)
    first = next(parts, b"")
    parts = chain([first], parts)
    if first.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
        yield from _saved_answer(parts, filename, day, today)
        return
    numbered = lines(parts)
    for number, raw, size in numbered:
        if size > MAX_RECORD:
            yield too_long(SOURCE, f"line {number}", size, raw)
        elif number == 1 and not _is_row(raw):
            rest = (line + b"\n" for _, line, _ in numbered)
            yield from _saved_answer(chain([raw, b"\n"], rest), filename, day, today)
        elif raw.strip():
            yield _line_item(raw, day, today, f"line {number}")


def _is_row(raw: bytes) -> bool:
    """Tell a row, whole or damaged, from the beginning of an object that holds rows."""
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError):
        return b'"paper"' in raw
    return isinstance(told, dict) and "data" not in told


def _line_item(raw: bytes, day: date | None, today: date, subject: str) -> Item:
    try:
        row = json.loads(decoded(raw))
        return _paper(_as_dict(row), day, SOURCE, today, raw)
    except json.JSONDecodeError as wrong:
        return rejected(SOURCE, subject, f"not JSON: {wrong}", raw)
    except ValueError as wrong:
        return rejected(SOURCE, subject, wrong, raw)
    except RecursionError:
        return rejected(SOURCE, subject, "nested too deep", raw)


def _saved_answer(parts: Iterable[bytes], filename: str, day: date | None, today: date) -> Iterator[Item]:
    raw, broken = document(parts, filename)
    if broken:
        raise broken
    try:
        told = json.loads(decoded(raw))
    except (ValueError, RecursionError) as wrong:
        raise BadFile(f"{filename} is no whole JSON document ({wrong}): fetch it again") from None
    if isinstance(told, dict):
        day = _day_or_none(told.get("date"), today) or day
        told = told.get("data")
    if not isinstance(told, list):
        raise BadFile(f"{filename} holds no list of daily papers: expected an array of rows, or an object with `data`")
    yield from parse_rows(told, day, today=today)


def _day_or_none(told: object, today: date) -> date | None:
    try:
        return possible_day(told, today) if isinstance(told, str) else None
    except BadItem:
        return None
