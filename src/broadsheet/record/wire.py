"""A paper's data as plain JSON, and back: for keeping what is not in the record yet."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any, Final

from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Account, Author, Link, ListedAuthor, Listing, PaperData, Sighting, Version

# Every field but the plain texts, numbers and truth values, which JSON has itself.
_MOMENTS: Final = frozenset({"submitted"})
_DAYS: Final = frozenset({"announced", "datestamp"})
_KINDS: Final[Mapping[str, type]] = {
    field.name: type(field.default) for field in fields(PaperData) if isinstance(field.default, str | bool | int)
} | {"source": str, "title": str}
_FIELDS: Final = {field.name: field for field in fields(PaperData)}


def to_json(data: PaperData) -> dict[str, Any]:
    """Give a paper's data as what JSON can hold; fields that say nothing are left out."""
    said = {name: getattr(data, name) for name, field in _FIELDS.items() if getattr(data, name) != field.default}
    return {name: _plain(name, value) for name, value in said.items()}


def _plain(name: str, value: Any) -> Any:  # noqa: ANN401 - each field has its own type
    match name:
        case "submitted" | "announced" | "datestamp":
            return value.isoformat()
        case "identifiers":
            return [[one.scheme, one.value] for one in value]
        case "versions":
            return [[one.number, one.submitted and one.submitted.isoformat()] for one in value]
        case "authors" | "links":
            return [asdict(one) for one in value]
        case "categories" | "signals":
            return [list(one) if isinstance(one, tuple) else one for one in value]
        case "listing":
            return listing_to_json(value)
        case "sightings":
            return [_sighting_to_json(one) for one in value]
    return value


def _sighting_to_json(one: Sighting) -> list[Any]:
    return [one.source, one.raw_hash, one.datestamp and one.datestamp.isoformat(), [list(pair) for pair in one.signals]]


def listing_to_json(listing: Listing) -> dict[str, Any]:
    """Give what a list tells of a paper as what JSON can hold; fields that say nothing are left out."""
    told: dict[str, Any] = {
        "summary": listing.summary,
        "summary_by": listing.summary_by,
        "keywords": list(listing.keywords),
        "submitter": listing.submitter and _account_to_json(listing.submitter),
        "organisation": listing.organisation and list(listing.organisation),
        "media": list(listing.media),
        "authors": [_listed_author(one) for one in listing.authors],
        "discussion": listing.discussion,
        "code_by": listing.code_by,
    }
    return {name: value for name, value in told.items() if value}


def _account_to_json(account: Account) -> list[str]:
    return [account.handle, account.name]


def _listed_author(author: ListedAuthor) -> list[Any]:
    account, since = author.account, author.since
    return [author.place, account and _account_to_json(account), author.status, since and since.isoformat()]


def listing_from_json(told: object) -> Listing:
    """Read what `listing_to_json` gave. Raises ValueError for anything else."""
    if not isinstance(told, dict) or set(told) - _LISTED:
        raise ValueError("a listing is an object of known fields")
    texts = {name: told.get(name, "") for name in ("summary", "summary_by", "discussion", "code_by")}
    keywords, media = told.get("keywords", []), told.get("media", [])
    if not all(isinstance(text, str) for text in (*texts.values(), *keywords, *media)):
        raise ValueError("a listing holds texts")
    try:
        organisation = told.get("organisation")
        return Listing(
            **texts,
            keywords=tuple(keywords),
            media=tuple(media),
            submitter=_account(told.get("submitter")),
            organisation=(str(organisation[0]), str(organisation[1])) if organisation else None,
            authors=tuple(_read_listed(one) for one in told.get("authors", [])),
        )
    except (TypeError, IndexError) as wrong:
        raise ValueError(f"no listing that was written here: {wrong}") from None


_LISTED: Final = frozenset(field.name for field in fields(Listing))


def _account(told: Sequence[str] | None) -> Account | None:
    return Account(str(told[0]), str(told[1])) if told else None


def _read_listed(told: Sequence[Any]) -> ListedAuthor:
    place, account, status, since = told
    return ListedAuthor(int(place), _account(account), str(status), since and datetime.fromisoformat(since))


def from_json(told: object) -> PaperData:
    """Read what `to_json` gave; the result equals what it was made from. Raises ValueError for anything else."""
    if not isinstance(told, dict):
        raise ValueError(f"a paper is an object, not a {type(told).__name__}")
    if unknown := set(told) - set(_FIELDS):
        raise ValueError(f"a paper has no field {', '.join(sorted(map(str, unknown)))}")
    if not {"source", "title"} <= set(told):
        raise ValueError("a paper without its source or its title")
    try:
        return PaperData(**{name: _read(name, value) for name, value in told.items()})
    except (TypeError, KeyError, OverflowError) as wrong:
        raise ValueError(f"no paper that was written here: {wrong}") from None


def _read(name: str, value: Any) -> Any:  # noqa: ANN401 - each field has its own type
    if kind := _KINDS.get(name):
        if type(value) is not kind:
            raise ValueError(f"{name} is a {type(value).__name__}, not a {kind.__name__}")
        return value
    if name in _MOMENTS:
        return datetime.fromisoformat(value)
    if name in _DAYS:
        return date.fromisoformat(value)
    if name == "listing":
        return listing_from_json(value)
    return tuple(_READ[name](one) for one in _rows(name, value))


def _rows(name: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{name} is a {type(value).__name__}, not a list")
    return value


def _version(told: list[Any]) -> Version:
    number, submitted = told
    return Version(number, None if submitted is None else datetime.fromisoformat(submitted))


def _signal(told: list[Any]) -> tuple[str, int]:
    name, value = told
    return str(name), int(value)


def _sighting(told: list[Any]) -> Sighting:
    source, raw_hash, datestamp, signals = told
    day = None if datestamp is None else date.fromisoformat(datestamp)
    return Sighting(str(source), str(raw_hash), day, tuple(_signal(pair) for pair in signals))


_READ: Final[Mapping[str, Any]] = {
    "identifiers": lambda told: Identifier(*told),
    "versions": _version,
    "authors": lambda told: Author(**told),
    "links": lambda told: Link(**told),
    "categories": str,
    "signals": _signal,
    "sightings": _sighting,
}
