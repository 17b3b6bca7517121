"""From one encoder to another while search answers."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site

from broadsheet.papers import encoder_change, encoder_setup, finding, health, vectors
from broadsheet.papers.changes import RecordLog, vector_source
from broadsheet.papers.encoder_change import ENOUGH
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Change, Vector
from broadsheet.papers.tests.factory import NOON, paper
from broadsheet.search.bert_onnx import BertConfig
from broadsheet.search.choice import Choice, shard_place
from broadsheet.search.encoder import place
from broadsheet.search.tests import encoder_tiny as tiny
from broadsheet.search.weights import EncoderError

pytestmark = pytest.mark.django_db
NARROW = BertConfig(layers=1, heads=2, dim=32, epsilon=1e-12)
PAPERS = 40
QUESTION = "rivers and snow"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Iterator[Path]:  # noqa: ANN401
    """A site with papers, encoded and indexed by the first encoder."""
    settings.CONFIG = replace(site.CONFIG, home=tmp_path)
    finding.forget()
    tiny.give(tmp_path)
    ingest([paper(number) for number in range(PAPERS)], now=NOON)
    work()
    yield tmp_path
    finding.forget()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    tiny.write(tmp_path / "narrow", shape=NARROW)
    return tmp_path / "narrow"


def work(most: int = 512) -> int:
    """Do what the worker does in a round."""
    done = encoder_setup.encode_some(most)
    finding.index()
    return done


def answers() -> tuple[int, tuple[str, ...]]:
    found = finding.find(QUESTION, mode="semantic", limit=10)
    return len(found.hits), found.notes


def in_use() -> str:
    state = finding.reader().state
    assert state is not None
    return state.encoder


def test_another_encoder_comes_in_beside_the_one_that_answers(home: Path, model: Path) -> None:
    first = in_use()
    shard = finding.reader().state
    found = encoder_change.add(str(model))
    assert (found.name, found.state, found.encoded, found.papers, found.dim) == ("narrow", "coming", 0, PAPERS, 32)
    assert answers() == (10, ())
    with pytest.raises(EncoderError, match=f"has encoded 0 of {PAPERS} papers"):
        encoder_change.use("narrow")
    while work(most=15):
        assert answers() == (10, ()) and in_use() == first
    assert [(one.name, one.state, one.encoded) for one in encoder_change.standing()] == [
        ("minilm-int8", "in use", PAPERS),
        ("narrow", "coming", PAPERS),
    ]
    after = finding.reader().state
    # Its vectors are nothing to the shard of the other encoder: one row a batch moves, to note how far it has come.
    assert shard is not None and after is not None and after.vectors - shard.vectors <= 3

    here = encoder_change.use("narrow")
    assert here.state == "in use" and in_use() == here.id and answers() == (10, ())
    assert Choice.read(home) == Choice("narrow")


def test_going_back_is_done_at_once_and_what_came_meanwhile_is_there(home: Path, model: Path) -> None:
    first = in_use()
    encoder_change.add(str(model))
    work()
    encoder_change.use("narrow")
    ingest([paper(PAPERS)], now=NOON)
    assert work() == 1
    before = finding.reader().state
    inode = (shard_place(home, "minilm-int8") / "g1").stat().st_ino
    back = encoder_change.use("minilm-int8", anyway=True)
    # By words the new paper is found; the worker then encodes it by the encoder that answers again.
    assert back.encoded == PAPERS and in_use() == first and answers() == (10, ())
    assert (shard_place(home, "minilm-int8") / "g1").stat().st_ino == inode
    assert before is not None and len(finding.reader()) == PAPERS + 1
    assert work() == 1 and encoder_change.standing()[0].share == 1


def test_a_few_papers_without_a_vector_do_not_keep_from_going_back(model: Path) -> None:
    encoder_change.add(str(model))
    work()
    Vector.objects.filter(encoder=encoder_change.standing()[1].id).order_by("id").first().delete()  # type: ignore[union-attr]
    assert 1 - 1 / PAPERS < ENOUGH
    with pytest.raises(EncoderError, match="39 of 40"):
        encoder_change.use("narrow")
    assert encoder_change.use("narrow", anyway=True).encoded == PAPERS - 1
    assert answers() == (10, ())


def test_search_answers_all_the_time(home: Path, model: Path) -> None:
    """The shards are files: whoever reads them needs no record, so a thread can ask while they change hands."""
    told: list[tuple[int, tuple[str, ...], bool]] = []
    stop, answered = threading.Event(), threading.Condition()

    def ask() -> None:
        while not stop.is_set():
            found = finding.reader().search(QUESTION, mode="semantic", limit=10)
            with answered:
                told.append((len(found.hits), found.notes, found.partial))
                answered.notify()

    def hear() -> None:
        """Wait for two answers, of which the second was asked for after this moment."""
        with answered:
            wanted = len(told) + 2
            assert answered.wait_for(lambda: len(told) >= wanted, timeout=120)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        encoder_change.add(str(model))
        while work(most=15):
            hear()
        for name in ("narrow", "minilm-int8", "narrow"):
            encoder_change.use(name)
            hear()
        encoder_change.forget("minilm-int8")
        hear()
    finally:
        stop.set()
        thread.join()
    assert set(told) == {(10, (), False)}


def test_forgetting_takes_vectors_shard_and_files_and_spares_what_is_in_use(home: Path, model: Path) -> None:
    encoder_change.add(str(model))
    work()
    id = encoder_change.use("narrow").id
    with pytest.raises(EncoderError, match="in use"):
        encoder_change.forget("narrow")
    assert encoder_change.forget("minilm-int8") == PAPERS
    assert set(Vector.objects.values_list("encoder", flat=True)) == {id}
    assert not shard_place(home, "minilm-int8").exists() and not place(home, "minilm-int8").exists()
    assert answers() == (10, ()) and encoder_setup.is_built()
    with pytest.raises(EncoderError, match="no encoder here is called minilm-int8"):
        encoder_change.use("minilm-int8")


def test_what_was_begun_and_forgotten_leaves_nothing(home: Path, model: Path) -> None:
    encoder_change.add(str(model))
    work(most=10)
    assert encoder_change.forget("narrow") == 10
    assert Choice.read(home) == Choice() and work() == 0
    assert encoder_change.add(str(model)).encoded == 0 and work() == PAPERS


def test_vectors_that_came_after_its_shard_was_begun_are_in_it(home: Path, model: Path) -> None:
    encoder_change.add(str(model))
    work(most=10)
    encoder_change.use("narrow", anyway=True)
    encoder_change.use("minilm-int8")
    encoder_change.add("narrow")
    assert work() == PAPERS - 10
    encoder_change.use("narrow")
    state = finding.reader().state
    assert state is not None and state.vectors - state.vectors_dead == PAPERS


def test_a_setting_that_names_an_encoder_counts_more(home: Path, settings: Any) -> None:  # noqa: ANN401
    settings.CONFIG = replace(site.CONFIG, values={**site.CONFIG.values, "encoder": "minilm-int8"})
    with pytest.raises(EncoderError, match="takes? it out|take it out"):
        encoder_change.use("minilm-int8")


def test_an_unknown_name_says_what_is_known() -> None:
    with pytest.raises(
        EncoderError, match=r"no directory and no encoder that is known here \(minilm-fp32, minilm-int8"
    ):
        encoder_change.add("nobody")


def test_a_damaged_encoder_is_not_switched_to(home: Path, model: Path) -> None:
    encoder_change.add(str(model))
    work()
    (place(home, "narrow") / "model.onnx").write_bytes(b"damaged")
    with pytest.raises(EncoderError, match="damaged"):
        encoder_change.use("narrow")
    assert [one.damaged for one in encoder_change.standing(check=True)] == [False, True]
    assert answers() == (10, ())


def test_two_cannot_change_the_encoder_at_once(home: Path) -> None:
    with encoder_change._changing(home), pytest.raises(EncoderError, match="another process"):
        encoder_change.use("minilm-int8")


def test_doctor_tells_of_what_is_coming(model: Path) -> None:
    assert health.encoder_check().says == "40 of 40 indexed papers encoded"
    encoder_change.add(str(model))
    work(most=10)
    assert health.encoder_check().says == "40 of 40 indexed papers encoded; narrow is coming: 10 of 40"


def test_the_log_of_an_encoder_leaves_out_vectors_by_others_but_tells_how_far_it_goes() -> None:
    ours, other = RecordLog("ours"), RecordLog("other")
    start = ours.head()
    hashes = list(Vector.objects.values_list("text_hash", flat=True)[:6])
    vectors.keep("other", [(text_hash, b"\0\0") for text_hash in hashes[:5]], NOON)
    assert len(other.since(start, 100)) == 5
    assert [row[0] for row in ours.since(start, 100)] == [start + 5]
    assert [row[0] for row in ours.since(start, 3)] == [start + 3]
    vectors.keep("ours", [(hashes[5], b"\0\0")], NOON)
    assert [row[0] for row in ours.since(start, 100)] == [start + 6] and len(other.since(start, 100)) == 6
    # Entries from before encoders were told apart count for all.
    Change.objects.filter(seq__gt=start).update(source="")
    assert len(ours.since(start, 100)) == len(other.since(start, 100)) == 6
    assert len(vector_source("x" * 120)) == 20
