"""Places, papers and receivers for the tests of deliveries."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from threading import Event

from broadsheet.community.tests.factory import NOON
from broadsheet.delivery import places
from broadsheet.delivery.models import Hook
from broadsheet.delivery.sending import Message, Outcome
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.factory import paper
from broadsheet.readers.models import Reader

LATER = NOON + timedelta(hours=2)


def come(numbers: Iterable[int], at: datetime = LATER, day: date = date(2026, 11, 20), **fields: object) -> list[Paper]:
    """Take in the invented papers with these numbers at a moment."""
    made = [paper(number, announced=day, **fields) for number in numbers]
    ingest(made, now=at)
    return [Paper.objects.get(identifiers__name=str(data.identifiers[0])) for data in made]


def place(reader: Reader, target: str = "https://hooks.example/in", at: datetime = NOON, **values: object) -> Hook:
    """Keep a place of a reader's."""
    given: dict[str, object] = {
        "kind": "webhook", "target": target, "key": "edition", "rhythm": "at-once", "least": 1, "most": 20, "name": "",
    }  # fmt: skip
    return places.keep(places.made(reader, given | values, now=at), now=at)


@dataclass
class Receivers:
    """Receivers that answer as they are told, by target; those that hang wait until they are let go."""

    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    hanging: dict[str, Event] = field(default_factory=dict)
    got: list[Message] = field(default_factory=list)
    arrived: dict[str, Event] = field(default_factory=dict)

    def send(self, message: Message) -> Outcome:
        if message.target in self.hanging:
            assert self.hanging[message.target].wait(20)
        self.got.append(message)
        if message.target in self.arrived:
            self.arrived[message.target].set()
        queue = self.outcomes.get(message.target, [Outcome("sent", 200)])
        return queue.pop(0) if len(queue) > 1 else queue[0]

    @property
    def senders(self) -> dict[str, places.Send]:
        return {"webhook": self.send, "chat": self.send}

    def papers(self, target: str = "https://hooks.example/in") -> list[list[str]]:
        return [[each["id"] for each in message.body["papers"]] for message in self.got if message.target == target]


@dataclass
class Hands:
    """A clock moved by hand."""

    moment: datetime = LATER

    def __call__(self) -> datetime:
        return self.moment

    def on(self, **passed: float) -> datetime:
        self.moment += timedelta(**passed)
        return self.moment


def sent(outcome: Outcome | None = None, **changes: object) -> Outcome:
    return replace(outcome or Outcome("sent", 200), **changes)  # type: ignore[arg-type]
