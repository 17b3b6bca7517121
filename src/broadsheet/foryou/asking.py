"""Questions that a reader answers once, so that their list is good early: what to ask about, and when to stop."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _

from broadsheet.community.models import Vote
from broadsheet.foryou import features as known
from broadsheet.foryou import map as topic_map
from broadsheet.foryou import profiles, signals
from broadsheet.foryou.models import Opinion, Seed, Wish
from broadsheet.learning.ask import Enough, enough, next_questions
from broadsheet.learning.profile import Trained
from broadsheet.papers import finding, queries
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader, Saved
from broadsheet.readers.refused import Refused

AT_ONCE: Final = 5
# Papers that one may be asked about: the newest, typical ones of each topic, a spread over the record, and what lies
# near to what the reader named.
NEWEST: Final = 500
WEEKS: Final = timedelta(weeks=4)
SPREAD: Final = 500
NEAR_TO: Final = 8
NEAR: Final = 25
# Questions left open that are remembered, the last ones.
MOST_SKIPPED: Final = 200
# Typical papers of a topic are easy to tell: before so many answers nothing is said of enough.
FEWEST: Final = 10


@dataclass(frozen=True, slots=True)
class Round:
    """Papers to ask about now, with how many were answered and whether more answers would help."""

    papers: tuple[Paper, ...]
    answered: int
    liked: int
    enough: Enough


def ask(reader: Reader, skipped: Collection[int] = (), count: int = AT_ONCE) -> Round:
    """Give the papers whose answers teach most. skipped: numbers of papers that the reader would not judge."""
    trained = profiles.trained(reader)
    answers = Opinion.objects.filter(reader=reader, origin="asked").values_list("more", flat=True)
    return Round(
        papers=tuple(queries.in_order(_chosen(trained, candidates(reader), judged(reader) | {*skipped}, count))),
        answered=len(answers),
        liked=sum(answers),
        enough=enough(trained) if len(answers) >= FEWEST else Enough("few"),
    )


def _chosen(trained: Trained | None, numbers: Sequence[int], settled: set[int], count: int) -> list[int]:
    background = known.background()
    if background is None or not numbers:
        return []
    prepared, there = known.prepared_of(numbers, background)
    asked = {place for place, number in enumerate(there) if number in settled}
    return [there[place] for place in next_questions(trained, prepared, background, count, asked)]


def answer(reader: Reader, answers: Mapping[str, str], now: datetime) -> list[int]:
    """Keep answers by key: "more" or "less"; give the numbers of the papers that were skipped.

    Raises Refused for more answers than are asked for at once.
    """
    if len(answers) > 4 * AT_ONCE:
        raise Refused(_("That is more than was asked."))
    papers = {paper.key: paper for paper in Paper.objects.filter(key__in=[key for key in answers if key.isprintable()])}
    skipped = []
    for key, said in answers.items():
        if key in papers and said in ("more", "less"):
            signals.opine(reader, papers[key], said == "more", "asked", now)
        elif key in papers:
            skipped.append(papers[key].pk)
    return skipped


def candidates(reader: Reader) -> list[int]:
    """Give numbers of papers that one may be asked about, those the reader may know best first."""
    wanted = [*_near(reader), *_typical(), *_newest(), *topic_map.sampled(SPREAD)]
    return list(dict.fromkeys(wanted))


def judged(reader: Reader) -> set[int]:
    """Give the numbers of papers of which the reader said something already."""
    mine = {"reader": reader}
    return {
        number
        for model in (Opinion, Seed, Saved, Vote)
        for number in model._default_manager.filter(**mine).values_list("paper_id", flat=True)
    }


def _near(reader: Reader) -> list[int]:
    """Papers like those the reader named last, and papers that hold the words of their wishes."""
    liked = Opinion.objects.filter(reader=reader, more=True).order_by("-at", "-pk")
    seeds = Seed.objects.filter(reader=reader).order_by("-at", "-pk")
    numbers = [number for rows in (liked, seeds) for number in rows.values_list("paper_id", flat=True)[:NEAR_TO]]
    alike = (finding.similar(paper, NEAR) for paper in queries.in_order(dict.fromkeys(numbers)))
    said = Wish.objects.filter(reader=reader).order_by("-at", "-pk").values_list("words", flat=True)[:NEAR_TO]
    found = (finding.find(words, mode="hybrid", limit=NEAR).hits for words in said)
    return [hit.paper.pk for hits in (*found, *alike) for hit in hits if hit.paper.is_shown]


def _typical() -> list[int]:
    drawn = topic_map.current()
    return [number for place in drawn.places for number in place.papers] if drawn else []


def _newest() -> list[int]:
    shown = Paper.objects.filter(hidden=False, withdrawn=False, announced__isnull=False)
    last = shown.order_by("-announced").values_list("announced", flat=True).first()
    if last is None:
        return []
    recent = shown.filter(announced__gt=last - WEEKS).order_by("-announced", "-votes", "pk")
    return list(recent.values_list("pk", flat=True)[:NEWEST])
