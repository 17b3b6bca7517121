"""What is kept of readers and of the record as bytes: read back true, or refused."""

import io
import pickle
import zipfile
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadsheet.learning import kept
from broadsheet.learning.background import Background
from broadsheet.learning.features import LearningError
from broadsheet.learning.kept import pack, unpack
from broadsheet.learning.profile import FORMAT, Profile, learn
from broadsheet.learning.tests.world import World, world

FUZZ = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def record() -> World:
    return world(papers=240)


@pytest.fixture(scope="module")
def profile(record: World) -> Profile:
    examples = record.examples(2)
    return learn(examples, record.of(examples), record.background).profile


@pytest.fixture(scope="module", params=["vectors", "words"])
def background(request: pytest.FixtureRequest) -> Background:
    return world(papers=240, vectors=request.param == "vectors").background


def test_a_profile_read_back_gives_the_same_scores(record: World, profile: Profile) -> None:
    again = Profile.from_bytes(profile.to_bytes())
    np.testing.assert_allclose(again.score(record.papers), profile.score(record.papers), atol=1e-3)
    np.testing.assert_allclose(again.probability(record.papers), profile.probability(record.papers), atol=1e-3)
    assert again.to_bytes() == profile.to_bytes()
    assert len(profile.to_bytes()) < 200_000


def test_a_background_read_back_is_the_same_and_learns_the_same(background: Background) -> None:
    again = Background.from_bytes(background.to_bytes())
    assert again.version == background.version and again.vocabulary.terms == background.vocabulary.terms
    assert again.to_bytes() == background.to_bytes() and again.has_vectors == background.has_vectors
    features = background.sample.take(range(30))
    for one, other in ((again.prepare(features), background.prepare(features)),):
        np.testing.assert_allclose(one.near, other.near, atol=5e-3)


@FUZZ
@given(data=st.binary(max_size=400))
def test_bytes_that_are_no_file_of_ours_are_refused(data: bytes) -> None:
    for read in (Profile.from_bytes, Background.from_bytes):
        with pytest.raises(LearningError):
            read(data)


@FUZZ
@given(data=st.data())
def test_a_damaged_file_is_refused_or_read_but_breaks_nothing(
    data: st.DataObject, profile: Profile, background: Background, record: World
) -> None:
    for whole, read in ((profile.to_bytes(), Profile.from_bytes), (background.to_bytes(), Background.from_bytes)):
        changed = bytearray(whole)
        for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=4)):
            changed[place] ^= data.draw(st.integers(1, 255))
        cut = data.draw(st.sampled_from([None, len(whole) // 2, len(whole) - 1]))
        try:
            read(bytes(changed[:cut]))
        except LearningError:
            continue


def test_pickled_objects_are_refused_without_being_run() -> None:
    ran: list[int] = []

    class Hostile:
        def __reduce__(self) -> tuple[object, ...]:
            return (partial(ran.append, 1), ())

    file = io.BytesIO()
    np.savez(file, head=np.array([1]), pull=np.array([{"a": 1}], dtype=object))
    for data in (file.getvalue(), pickle.dumps({"format": 1})):
        for read in (Profile.from_bytes, Background.from_bytes):
            with pytest.raises(LearningError):
                read(data)
    assert not ran


WRONG: dict[str, np.ndarray[Any, Any]] = {
    "pull": np.zeros(3, np.float32),
    "meaning": np.zeros((2, 2, 2), np.float16),
    "ordinary": np.full(400, np.nan, np.float32),
    "terms": np.array([10**9], np.int32),
    "term_weights": np.zeros(0, np.float32),
    "marks": np.array([-1], np.int32),
    "mark_weights": np.zeros((2, 2), np.float32),
    "numbers": np.array([1.0, 2.0]),
    "more": np.zeros(1, np.float32),
}


@pytest.mark.parametrize("part", sorted(WRONG))
def test_a_profile_whose_parts_do_not_fit_together_is_refused(profile: Profile, part: str) -> None:
    head, arrays = unpack(profile.to_bytes(), FORMAT)
    with pytest.raises(LearningError):
        Profile.from_bytes(pack(head, arrays | {part: WRONG[part]}))
    with pytest.raises(LearningError):
        Profile.from_bytes(pack(head, {name: array for name, array in arrays.items() if name != "pull"}))


@pytest.mark.parametrize("size", ["-1", "999999999999", "many", None])
def test_a_profile_of_an_impossible_vocabulary_is_refused(profile: Profile, size: object) -> None:
    head, arrays = unpack(profile.to_bytes(), FORMAT)
    with pytest.raises(LearningError):
        Profile.from_bytes(pack(head | {"vocabulary": size}, arrays))


@pytest.mark.parametrize(
    "part", ["terms", "idf", "centre", "axes", "vectors", "words_start", "words_term", "words_weight", "marks_start"]
)
def test_a_background_whose_parts_do_not_fit_together_is_refused(background: Background, part: str) -> None:
    head, arrays = unpack(background.to_bytes(), 1)
    for wrong in (np.zeros(3, arrays[part].dtype), np.zeros((1, 1, 1), arrays[part].dtype), arrays[part][:-1]):
        with pytest.raises(LearningError):
            Background.from_bytes(pack(head, arrays | {part: wrong}))
    # One that says another version than its content has.
    with pytest.raises(LearningError):
        Background.from_bytes(pack(head | {"version": "0" * 16}, arrays))


def test_files_of_another_format_and_heads_that_are_none_are_refused(profile: Profile) -> None:
    head, arrays = unpack(profile.to_bytes(), FORMAT)
    for other in ({**head, "format": 2}, {}, {"format": None}):
        with pytest.raises(LearningError):
            Profile.from_bytes(pack(other, arrays))
    for text in (b"[" * 5000, b"[1]", b"\xff", b'"x"'):
        file = io.BytesIO()
        np.savez(file, head=np.frombuffer(text, np.uint8))
        with pytest.raises(LearningError):
            Profile.from_bytes(file.getvalue())


def test_a_file_that_would_unpack_to_more_than_any_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LARGEST", 10_000)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for number in range(3):
            made.writestr(f"{number}.npy", b"\0" * 4_000)
    assert len(file.getvalue()) < 1_000
    with pytest.raises(LearningError, match="too large"):
        unpack(file.getvalue(), FORMAT)


def test_an_array_that_claims_more_than_it_holds_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999,), }".ljust(117) + b"\n"
        made.writestr("head.npy", b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)
    with pytest.raises(LearningError):
        unpack(file.getvalue(), FORMAT)
