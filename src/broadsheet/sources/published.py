"""Where a paper was published, as one line of text and in its parts: place, volume, issue, pages and year."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from broadsheet.lib.text import squash
from broadsheet.record.identifiers import ARCHIVES

YEAR: Final = re.compile(r"(?:19|20)\d\d")
_CATEGORY: Final = re.compile(rf"(?:{ARCHIVES})(?:\.[A-Za-z-]{{2,}})?")
_YEAR: Final = r"(?:19|20)\d\d"
_PAGES: Final = r"(?:pp?\.? ?|pages )?(?P<pages>[A-Za-z]?\d[\w:.]*(?:[-\N{EN DASH}]+[\w:.]+)?)"
# "J. Things 3(2), 100-110 (2024)": the form written here.
_OURS: Final = re.compile(
    rf"(?P<place>.+?)(?: (?P<volume>[A-Z]{{0,2}}\d{{1,4}}[A-Za-z]?)(?:\((?P<issue>[^()]+)\))?)?"
    rf"(?:, {_PAGES})?(?: \((?P<year>{_YEAR})\))?"
)
# "Phys.Rev. D76 (2007) 013009": the form of physics.
_PHYSICS: Final = re.compile(
    rf"(?P<place>.+?) ?(?P<volume>[A-Z]{{0,2}}\d{{1,4}})(?:\((?P<issue>[^()]+)\)|, ?no\. ?(?P<number>\d+))? "
    rf"\((?P<year>{_YEAR})\),? {_PAGES}"
)


@dataclass(frozen=True, slots=True)
class Published:
    """The parts of a reference to a publication; empty means not told. pages: "100-110", or a first page alone."""

    place: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    year: str = ""


def not_a_preprint(place: str) -> str:
    """Give a place of publication; "" for arXiv and its CoRR, which hold preprints."""
    return "" if "arxiv" in place.lower() or place.lower() == "corr" else place


def written(told: Published) -> str:
    """Give the parts as one line, "J. Things 3(2), 100-110 (2024)", which `read` takes apart again."""
    if not told.place:
        return told.year
    volume = f" {told.volume}" if told.volume else ""
    issue = f"({told.issue})" if told.volume and told.issue else f", no. {told.issue}" if told.issue else ""
    pages = f", {re.sub('--+', '-', told.pages)}" if told.pages else ""
    year = f" ({told.year})" if told.year else ""
    return squash(f"{told.place}{volume}{issue}{pages}{year}")


def read(text: str) -> Published:
    """Take a line apart. What is in no known form stays whole, as the place: nothing of it is lost."""
    text = squash(text)
    if YEAR.fullmatch(text):
        return Published(year=text)
    match = _PHYSICS.fullmatch(text) or _OURS.fullmatch(text)
    if not match:
        return Published(text)
    parts = {name: value or "" for name, value in match.groupdict().items()}
    issue = parts["issue"] or parts.get("number", "")
    if YEAR.fullmatch(parts["volume"]) and not parts["year"] and not issue:
        # "NeurIPS 2017": a year, not a volume.
        return Published(parts["place"], "", "", parts["pages"], parts["volume"])
    return Published(parts["place"], parts["volume"], issue, parts["pages"].replace("\N{EN DASH}", "-"), parts["year"])


def arxiv_categories(keywords: Iterable[str]) -> tuple[str, ...]:
    """Give those of a reference's keywords that are categories of arXiv, such as cs.CL and hep-th."""
    return tuple(dict.fromkeys(word for word in keywords if _CATEGORY.fullmatch(word)))
