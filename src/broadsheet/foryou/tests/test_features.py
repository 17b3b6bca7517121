from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from broadsheet.foryou import features, profiles
from broadsheet.foryou.models import Background
from broadsheet.foryou.tests.reading import record
from broadsheet.foryou.tests.taste import vote
from broadsheet.learning.features import LearningError
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper, Vector
from broadsheet.web.tests.accounts import reader
from broadsheet.web.tests.conftest import NOW, made

pytestmark = pytest.mark.django_db
ENCODER = "tiny:1"


@pytest.fixture
def with_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "present_encoder", lambda: ENCODER)


def encode_all() -> None:
    """Give every text a vector of its own."""
    draw = np.random.default_rng(1)
    for text_hash in sorted(set(Paper.objects.values_list("text_hash", flat=True))):
        row = draw.standard_normal(6)
        data = (row / np.linalg.norm(row)).astype("<f2").tobytes()
        Vector.objects.update_or_create(encoder=ENCODER, text_hash=text_hash, defaults={"data": data})


def test_a_record_of_a_handful_is_learned_from_and_an_empty_one_is_not() -> None:
    features.forget()
    assert (features.build_background(NOW), features.background()) == (0, None)
    with pytest.raises(LearningError):
        features.features_of([1])
    texts = ("Honey bees dance", "Binary stars orbit", "Sourdough bread")
    ingest([made(number, title=text, abstract=text * 3) for number, text in enumerate(texts)], now=NOW)
    assert features.build_background(NOW) == 1
    found = features.background()
    assert found is not None and len(found.vocabulary) > 0
    assert features.build_background(NOW) == 0


def test_papers_that_all_say_the_same_break_nothing() -> None:
    ingest([made(1), made(2)], now=NOW)
    assert features.build_background(NOW) == 1
    ada = reader("ada")
    vote(ada, *Paper.objects.all()[:1])
    assert profiles.profile(ada) is not None


def test_it_is_learned_again_when_the_record_grew_by_half_and_two_are_kept() -> None:
    record()
    (first,) = Background.objects.values_list("version", flat=True)
    ingest([made(number) for number in range(200, 210)], now=NOW)
    assert features.build_background(NOW + timedelta(hours=1)) == 0
    ingest([made(number) for number in range(210, 230)], now=NOW)
    assert features.build_background(NOW + timedelta(hours=2)) == 1
    ingest([made(number) for number in range(230, 280)], now=NOW)
    assert features.build_background(NOW + timedelta(hours=3)) == 1
    kept = list(Background.objects.order_by("made").values_list("version", flat=True))
    assert len(kept) == 2 and first not in kept
    newest = features.background()
    assert newest is not None and newest.version == kept[-1]


def test_the_same_record_gives_the_same_background() -> None:
    record()
    (before,) = Background.objects.values_list("version", flat=True)
    Background.objects.all().delete()
    features.build_background(NOW + timedelta(days=3))
    assert list(Background.objects.values_list("version", flat=True)) == [before]


def test_a_damaged_background_is_made_again() -> None:
    record()
    Background.objects.update(data=b"no arrays")
    features.forget()
    assert features.background() is None
    assert features.build_background(NOW) == 1
    assert features.background() is not None


@pytest.mark.usefixtures("with_encoder")
def test_vectors_take_part_once_half_of_the_texts_have_one() -> None:
    record()
    assert Background.objects.get().encoder == ""
    encode_all()
    assert features.build_background(NOW + timedelta(hours=1)) == 1
    found = features.background()
    assert found is not None and found.encoder == ENCODER
    numbers = list(Paper.objects.order_by("pk").values_list("pk", flat=True))
    assert features.features_of(numbers).vectors.shape == (len(numbers), 6)
    assert features.build_background(NOW + timedelta(hours=2)) == 0


@pytest.mark.usefixtures("with_encoder")
def test_a_text_that_gets_its_vector_later_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    record()
    encode_all()
    features.build_background(NOW + timedelta(hours=1))
    one = Paper.objects.order_by("pk")[0]
    row = Vector.objects.get(text_hash=one.text_hash)
    row.delete()
    assert not features.features_of([one.pk]).vectors.any()
    row.pk = None
    row.save(force_insert=True)
    assert features.features_of([one.pk]).vectors.any()


def test_rows_come_in_the_order_asked_for_and_what_no_paper_has_is_empty() -> None:
    record()
    first, second = Paper.objects.order_by("pk").values_list("pk", flat=True)[:2]
    found = features.features_of([second, 10**9, first, second])
    assert np.array_equal(np.diff(found.words.start) == 0, [False, True, False, False])
    background = features.background()
    assert background is not None
    prepared, there = features.prepared_of([second, 10**9, first])
    assert there == (second, first)
    assert np.allclose(prepared.meaning[0], background.prepare(found).meaning[0])


def test_what_is_remembered_is_not_read_again_until_the_text_changes() -> None:
    papers = record()
    one = papers["bees"][0]
    before = features.features_of([one.pk])
    with CaptureQueriesContext(connection) as asked:
        features.features_of([one.pk])
    # The newest background, and whether the texts are the same.
    assert len(asked) == 2
    changed = made(one.pk, title="Sourdough", abstract="bread and yeast " * 8)
    number = int(one.key.partition(".")[2]) - 15000
    ingest([replace(changed, identifiers=made(number).identifiers)], now=NOW)
    after = features.features_of([one.pk])
    assert before.words.term.tolist() != after.words.term.tolist()


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    record()
    monkeypatch.setattr(features._memory, "most", 5)
    features.features_of(list(Paper.objects.values_list("pk", flat=True)))
    assert len(features._memory._rows) == 5


def test_words_and_marks_alone_are_rows_too() -> None:
    record()
    background = features.background()
    assert background is not None
    assert len(features.wished("honey bees", background).words.term) > 0
    marked = features.marked("author:bees person 1", background)
    assert len(marked.words.term) == 0 and len(marked.marks.term) == 1
