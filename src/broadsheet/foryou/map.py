"""The map of the record's topics, on which new readers point at what interests them. Derived, kept as a small file."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from django.conf import settings

from broadsheet.foryou import features as known
from broadsheet.foryou import signals
from broadsheet.foryou.models import Seed
from broadsheet.learning.topics import Topic, topics
from broadsheet.lib.files import write_whole
from broadsheet.lib.text import plain
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader

FORM: Final = "broadsheet-map/1"
TOPICS: Final = 24
# Papers that the map is drawn from, spread evenly over the record, the newest among them.
SAMPLE: Final = 4000
# Below so many papers there is no map worth drawing.
FEWEST: Final = 100
# A topic that is chosen is learned from as so many of its most typical papers.
SEEDS: Final = 3
# Characters of texts in which the spelling of a topic's words is looked up.
SPELT_IN: Final = 400_000


@dataclass(frozen=True, slots=True)
class Place:
    """A topic on the map. terms: its name, as its papers write it. size: its share of the record, 0 to 1.

    x, y: 0 to 1. papers: numbers of its most typical papers, the most typical first.
    """

    terms: tuple[str, ...]
    size: float
    x: float
    y: float
    papers: tuple[int, ...]

    @property
    def name(self) -> str:
        """Its terms in one line, the first letter a capital one."""
        said = ", ".join(self.terms)
        return said[:1].upper() + said[1:]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The papers that stand for it where it is chosen."""
        return self.papers[:SEEDS]


@dataclass(frozen=True, slots=True)
class Map:
    """All topics, the largest first. background: the version of the background it was made beside."""

    background: str
    places: tuple[Place, ...]


def current() -> Map | None:
    """Give the map of today; None where the record is too small for one, or nothing was learned of it yet."""
    background = known.background()
    if background is None:
        return None
    drawn = _kept(_path(), _stamp())
    if drawn is not None and drawn.background == background.version:
        return drawn
    return draw()


def build(now: datetime) -> bool:
    """Draw the map anew where the background is another than it was drawn beside; give whether it was.

    A step for the worker; where it was not there yet, the first page that shows the map waits for it a few seconds.
    """
    background = known.background()
    drawn = _kept(_path(), _stamp())
    if background is None or (drawn is not None and drawn.background == background.version):
        return False
    return draw() is not None


def draw() -> Map | None:
    """Draw the map from a sample of the record, keep it and give it; None where there is too little."""
    background = known.background()
    numbers = sampled(SAMPLE)
    if background is None or len(numbers) < FEWEST:
        return None
    found = topics(known.features_of(numbers), background, min(TOPICS, len(numbers) // 20))
    drawn = Map(background.version, tuple(_place(topic, numbers) for topic in found))
    write_whole(_path(), json.dumps({"form": FORM, **asdict(drawn)}, ensure_ascii=False).encode())
    _kept.cache_clear()
    return drawn


def sampled(most: int) -> list[int]:
    """Give numbers of papers that lists show, spread evenly over the order they came in, the last one first."""
    shown = Paper.objects.filter(hidden=False, withdrawn=False).order_by("-pk")
    numbers = list(shown.values_list("pk", flat=True))
    places = np.unique(np.linspace(0, max(len(numbers) - 1, 0), min(most, len(numbers))).astype(int))
    return [numbers[place] for place in places.tolist()]


def chosen(reader: Reader, drawn: Map) -> set[int]:
    """Give the places on the map, from 0, that a reader chose: those of whose papers one is learned from as such."""
    held = set(Seed.objects.filter(reader=reader, origin="map").values_list("paper_id", flat=True))
    return {number for number, place in enumerate(drawn.places) if held & set(place.seeds)}


def choose(reader: Reader, drawn: Map, wanted: Iterable[int], now: datetime) -> None:
    """Learn from the typical papers of the wanted topics, and no longer from those of the others on the map.

    What was chosen on an earlier map, and is not on this one, stays. Raises Refused.
    """
    picked = {number for number in wanted if 0 <= number < len(drawn.places)}
    before = chosen(reader, drawn)
    stays = {paper for number in picked for paper in drawn.places[number].seeds}
    goes = {paper for number in before - picked for paper in drawn.places[number].seeds} - stays
    held = Seed.objects.filter(reader=reader, origin="map", paper_id__in=goes)
    signals.unseed(reader, held.values_list("paper_id", flat=True))
    fresh = [paper for number in sorted(picked - before) for paper in drawn.places[number].seeds]
    signals.seed(reader, fresh, "map", now)


def _place(topic: Topic, numbers: Sequence[int]) -> Place:
    papers = tuple(numbers[place] for place in topic.papers)
    told = list(Paper.objects.filter(pk__in=papers).order_by("pk").values_list("abstract", "title"))
    text = " . ".join(plain(abstract) for abstract, _title in told)[:SPELT_IN]
    titles = " . ".join(plain(title) for _abstract, title in told)[:SPELT_IN]
    terms = tuple(named(term, text, titles) for term in topic.terms)
    return Place(terms, round(topic.size, 5), round(topic.x, 5), round(topic.y, 5), papers)


def named(term: str, text: str, titles: str) -> str:
    """Give a term as abstracts write it; where none holds it, as titles do.

    Of titles only capitals within a word are believed, as in LLMs: their first letters are capital by custom.
    """
    found = spelt(term, text)
    if found != term or term in text.lower():
        return found
    other = spelt(term, titles)
    return other if re.search(r"\w[A-Z]", other) else term


def spelt(term: str, text: str) -> str:
    """Give a term as a text writes it most: "gan" as GAN, "internet things" as internet of things.

    Beginnings of sentences are capital by rule, so where a term follows a small letter counts more than all else.
    Of two that are as common the one in small letters is taken.
    """
    between = r"(?:\W{1,3}(?:of|the|and|in|for|to|with|on|a|an)){0,2}\W{1,3}"
    written: dict[str, int] = Counter()
    for match in re.finditer(rf"(?i)(?<![^\W_])({between.join(map(re.escape, term.split()))})(?![^\W_])", text):
        form = re.sub(r"\s+", " ", match[1])
        inside = text[: match.start()].rstrip(" \n")[-1:].islower()
        # A capital first letter alone says nothing where a sentence may begin.
        written[form if inside or not form[1:].islower() else form.lower()] += 10 if inside else 1
    return max(written, key=lambda form: (written[form], form))[:60] if written else term


def _path() -> Path:
    home: Path = settings.CONFIG.home
    return home / "foryou" / "map.json"


def _stamp() -> int:
    """Give when the file was written; another process may have done so."""
    try:
        return _path().stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@lru_cache(maxsize=4)
def _kept(path: Path, stamp: int) -> Map | None:
    """Read the map that is kept; None where there is none, or none that can be read."""
    try:
        told = json.loads(path.read_bytes())
        return _read(told) if told["form"] == FORM else None
    except (OSError, ValueError, KeyError, TypeError):
        # It is derived: it is drawn again.
        return None


def _read(told: dict[str, Any]) -> Map:
    return Map(
        str(told["background"]),
        tuple(
            Place(
                tuple(str(term) for term in place["terms"]),
                float(place["size"]),
                float(place["x"]),
                float(place["y"]),
                tuple(int(number) for number in place["papers"]),
            )
            for place in told["places"]
        ),
    )
