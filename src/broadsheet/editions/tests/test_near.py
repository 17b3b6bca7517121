"""Lists by meaning, with an encoder made up for the purpose: each topic is a direction of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_django import Settings

from broadsheet.editions import named, near
from broadsheet.editions.named import NoSuchList
from broadsheet.papers import finding, store
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Change, Paper, Vector
from broadsheet.papers.tests.factory import TOPICS, paper
from broadsheet.search.types import Filter

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 18)
NOW = datetime(2026, 11, 18, 17, tzinfo=UTC)
SUNS, BEES = TOPICS.index("two suns"), TOPICS.index("loud bees")


class Topical:
    """An encoder that knows the topics of the invented papers and nothing else; `closeness` to them of a text."""

    id = "topical"
    dim = 32

    def __init__(self, closeness: float = 1.0) -> None:
        self.closeness = closeness

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[next((place for place, topic in enumerate(TOPICS) if topic in text), 30)] = self.closeness
            row[31] = np.sqrt(1 - self.closeness**2)
        return rows

    def encode_papers(self, papers: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        return self.encode([f"{title} {abstract}" for title, abstract in papers])


@pytest.fixture(autouse=True)
def encoder(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Topical]:
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path)
    finding.forget()
    made = Topical()
    found = lambda: made  # noqa: E731
    found.cache_clear = lambda: None  # type: ignore[attr-defined]
    with monkeypatch.context() as patched:
        patched.setattr(finding, "query_encoder", found)
        yield made
    finding._reader.cache_clear()


def take(*numbers: int, **changes: object) -> None:
    ingest([paper(number, **changes) for number in numbers], now=NOW)
    papers = Paper.objects.filter(key__in=[f"2611.{number:05}" for number in numbers])
    rows = Topical().encode_papers([(one.title, one.abstract) for one in papers]).astype("<f2")
    for seq, (one, row) in enumerate(zip(papers, rows, strict=True), Change.objects.count() + 1):
        Vector.objects.create(encoder="topical", text_hash=one.text_hash, data=row.tobytes())
        Change.objects.create(seq=seq, paper=one, kind="vector", at=NOW)
    finding.index()


def numbers(key: str) -> list[int]:
    return [int(entry.paper.key[-5:]) for entry in named.named(key, now=NOW).entries]


def test_papers_near_to_words_are_given_the_newest_first_and_no_others() -> None:
    take(SUNS, SUNS + 8, BEES)
    take(SUNS + 16, announced=DAY - timedelta(days=1), submitted=datetime(2026, 11, 16, tzinfo=UTC))
    take(SUNS + 24, announced=DAY - timedelta(days=90), submitted=datetime(2026, 8, 16, tzinfo=UTC))
    assert numbers("like/two suns") == [SUNS, SUNS + 8, SUNS + 16]
    assert numbers("like/two suns cat:cs.CV") == []
    assert numbers("like/nothing of it") == []


def test_what_lies_below_the_line_is_left_out(encoder: Topical) -> None:
    take(SUNS)
    encoder.closeness = near.NEAR_WORDS - 0.01
    assert numbers("like/two suns") == []
    encoder.closeness = near.NEAR_WORDS + 0.01
    assert numbers("like/two suns") == [SUNS]


def test_papers_like_one_leave_it_out_and_know_it_by_any_name() -> None:
    take(SUNS, SUNS + 8, BEES)
    assert numbers(f"similar/2611.{SUNS:05}") == [SUNS + 8]
    head = named.head(f"similar/arXiv:2611.{SUNS:05}v2")
    assert (head.key, head.path) == (f"similar/2611.{SUNS:05}", f"/papers/2611.{SUNS:05}")
    assert head.title == f"Papers like “On two suns, part {SUNS}”" and head.short == f"On two suns, part {SUNS}"


@pytest.mark.parametrize("key", ["similar/2611.99999", "similar/", "similar/no paper", "like/", "similar/x\x00"])
def test_what_is_no_paper_has_no_papers_like_it(key: str) -> None:
    with pytest.raises(NoSuchList):
        named.named(key, now=NOW)


def test_a_hidden_paper_has_no_list_and_is_in_none() -> None:
    take(SUNS, SUNS + 8)
    store.hide(Paper.objects.get(key=f"2611.{SUNS:05}").id, True)
    assert not named.exists(f"similar/2611.{SUNS:05}")
    assert numbers(f"similar/2611.{SUNS + 8:05}") == []


def test_without_an_encoder_the_lists_are_there_empty_and_say_why(settings: Settings) -> None:
    take(SUNS, SUNS + 8)
    settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, "encoder": "none"})
    assert not near.is_on()
    for key in ("like/two suns", f"similar/2611.{SUNS:05}"):
        assert "encoder" in named.head(key).says
    assert named.head("search/two suns").says == ""


def test_by_rare_words_alone_nothing_is_like_a_paper() -> None:
    ingest([paper(SUNS), paper(SUNS + 8)], now=NOW)
    finding.index()
    assert finding.reader().similar(Paper.objects.get(key=f"2611.{SUNS:05}").id, 5).hits
    assert numbers(f"similar/2611.{SUNS:05}") == []


def test_a_phrase_that_no_new_paper_holds_finds_no_papers_with_its_words_apart() -> None:
    take(SUNS)
    assert numbers('search/"two suns"') == [SUNS] and numbers("search/suns two") == [SUNS]
    assert numbers('search/"suns two"') == []


def test_what_a_list_holds_is_found_within_days() -> None:
    take(SUNS, SUNS + 8)
    assert named.found("like/two suns", Filter(until=DAY - timedelta(days=1))) == []
    assert len(named.found("like/two suns", Filter(since=DAY), 1)) == 1


def test_a_room_above_can_give_a_list_of_a_new_key(monkeypatch: pytest.MonkeyPatch) -> None:
    from broadsheet.community.tests.factory import reader

    monkeypatch.setattr(named, "OWN", dict(named.OWN))
    ada = reader(1)
    kind = named.OwnKind(lambda who: named.NamedList("mine", who.handle, "/", (), own=True), lambda *_: ())
    assert named.provide("mine", kind) is None
    assert named.named("mine", reader=ada).title == ada.handle
    assert named.provide("mine", kind) is kind
    assert not named.exists("mine")
