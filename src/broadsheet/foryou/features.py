"""Papers of the record as `learning` reads them, and what is learned from the whole record, once for all readers."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import numpy as np
from django.conf import settings
from django.db.models import QuerySet
from numpy.typing import NDArray

from broadsheet.foryou import models
from broadsheet.learning.background import Background, Prepared
from broadsheet.learning.features import Features, FloatArray, LearningError, Words
from broadsheet.learning.vocabulary import Text, read_marks
from broadsheet.lib.text import fold
from broadsheet.papers import finding
from broadsheet.papers.models import Paper, Vector
from broadsheet.papers.store import LOOKUP
from broadsheet.search import encoder as encoders
from broadsheet.search.weights import EncoderError

# The background is learned from so many papers at most, and anew when the record grew by this factor since.
SAMPLE: Final = 8_000
# Rare words tell the most of a reader, and only many papers show which of them are words.
WORDS_OF: Final = 50_000
GROWN: Final = 1.5
# With vectors, where at least this share of the sample has them: before that words tell more.
ENCODED: Final = 0.5
# Of those made, so many are kept: a process may be learning against the last one at this moment.
KEPT: Final = 2
# Papers that a process remembers, about 2 kB each.
REMEMBERED: Final = 20_000
WISHES_REMEMBERED: Final = 512
_TEXTS: Final = ("id", "text_hash", "title", "abstract", "authors", "categories")
Terms = NDArray[np.int32]


def present_encoder() -> str:
    """Give the id of the encoder that is in use; "" without one."""
    config = settings.CONFIG
    if config.encoder == "none":
        return ""
    try:
        return encoders.Card.read(encoders.place(config.home, config.encoder)).id
    except EncoderError:
        return ""


def background() -> Background | None:
    """Give what was learned of the record last, with the present encoder's vectors where that was done, else by words.

    One short query; what it names is read once in a process. None where nothing was learned yet.
    """
    version = _newest(present_encoder())
    return _parsed(version) if version else None


def _newest(encoder: str) -> str:
    rows = models.Background.objects.filter(encoder__in={encoder, ""}).order_by("-made", "version")
    found = dict[str, str]()
    for version, made_for in rows.values_list("version", "encoder"):
        found.setdefault(made_for, version)
    return found.get(encoder) or found.get("", "")


@lru_cache(maxsize=KEPT)
def _read(version: str) -> Background:
    row = models.Background.objects.get(version=version)
    return Background.from_bytes(bytes(row.data))


def _parsed(version: str) -> Background | None:
    try:
        return _read(version)
    except (models.Background.DoesNotExist, LearningError):
        # It was thrown away a moment ago, or it is damaged: it is derived, and the worker makes another.
        return None


def build_background(now: datetime) -> int:
    """Learn from the record where nothing was, the encoder is another, or the record grew by half; give 1 if it did.

    The same record gives the same background: papers are drawn by the hashes of their texts.
    """
    papers = Paper.objects.filter(withdrawn=False).count()
    encoder = present_encoder()
    version = _newest(encoder)
    last = models.Background.objects.filter(version=version).defer("data").first()
    stands = last is not None and papers < GROWN * last.papers and _parsed(version) is not None
    if not papers or (stands and last is not None and last.encoder == encoder):
        return 0
    rows = _sample()
    data = _vectors([row["text_hash"] for row in rows], encoder)
    encoder = encoder if len(data) >= ENCODED * len({row["text_hash"] for row in rows}) else ""
    if stands and last is not None and last.encoder == encoder:
        return 0
    vectors = _stacked([data.get(row["text_hash"], b"") for row in rows]) if encoder else None
    fitted = Background.fit([_text(row) for row in rows], vectors, encoder=encoder, more=_more())
    kept = {"encoder": encoder, "papers": papers, "made": now, "data": fitted.to_bytes()}
    models.Background.objects.update_or_create(version=fitted.version, defaults=kept)
    newest = models.Background.objects.order_by("-made", "version").values_list("version", flat=True)[:KEPT]
    models.Background.objects.exclude(version__in=list(newest)).delete()
    _read.cache_clear()
    return 1


def _sample() -> list[dict[str, Any]]:
    return list(Paper.objects.filter(withdrawn=False).order_by("text_hash", "id").values(*_TEXTS)[:SAMPLE])


def _more() -> Iterator[Text]:
    """Give the texts after those of the sample, for their words."""
    rows = Paper.objects.filter(withdrawn=False).order_by("text_hash", "id").values(*_TEXTS)
    yield from (_text(row) for row in rows[SAMPLE:WORDS_OF].iterator())


def _text(row: dict[str, Any]) -> Text:
    authors = [f"author:{fold(name)}" for author in row["authors"] if (name := str(author.get("name") or ""))]
    marks = (*authors, *(f"category:{code}" for code in row["categories"].split()))
    return Text(row["title"], row["abstract"], tuple(dict.fromkeys(marks)))


def _vectors(hashes: Sequence[str], encoder: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for start in range(0, len(hashes) if encoder else 0, LOOKUP):
        rows = Vector.objects.filter(encoder=encoder, text_hash__in=hashes[start : start + LOOKUP])
        found.update((text_hash, bytes(data)) for text_hash, data in rows.values_list("text_hash", "data"))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """One paper, as it is remembered. vector: float16, little-endian; b"" where there is none."""

    text_hash: str
    terms: Terms
    weights: FloatArray
    marks: Terms
    mark_weights: FloatArray
    vector: bytes


class _Memory:
    """Papers by (background, number), the least recently used ones forgotten."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._rows: OrderedDict[tuple[str, int], _Row] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, version: str, hashes: dict[int, str]) -> dict[int, _Row]:
        """Give those whose text is still that of the hash."""
        found = {}
        with self._lock:
            for number, text_hash in hashes.items():
                row = self._rows.get((version, number))
                if row is not None and row.text_hash == text_hash:
                    self._rows.move_to_end((version, number))
                    found[number] = row
        return found

    def put(self, version: str, rows: dict[int, _Row]) -> None:
        with self._lock:
            for number, row in rows.items():
                self._rows[version, number] = row
            while len(self._rows) > self.most:
                self._rows.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._rows.clear()


_memory = _Memory(REMEMBERED)


def forget() -> None:
    """Forget the papers and the background that this process read."""
    _memory.clear()
    _read.cache_clear()
    _wish_features.cache_clear()


def features_of(numbers: Sequence[int], against: Background | None = None) -> Features:
    """Give what is known of papers, row by row; a row of zeros for a number that no paper has.

    Without `against`, the present background. A query per 900 papers where all are remembered, else two more. Raises
    LearningError where nothing was learned of the record yet.
    """
    learned = against or background()
    if learned is None:
        raise LearningError("nothing was learned of the record yet")
    wanted = list(dict.fromkeys(numbers))
    rows = _rows(wanted, learned)
    return _assembled([rows.get(number) for number in numbers], learned)


def prepared_of(numbers: Sequence[int], against: Background | None = None) -> tuple[Prepared, tuple[int, ...]]:
    """Give the papers of these numbers that there are, ready for profiles, and which those are."""
    learned = against or background()
    if learned is None:
        raise LearningError("nothing was learned of the record yet")
    rows = _rows(list(dict.fromkeys(numbers)), learned)
    found = tuple(number for number in numbers if number in rows)
    return learned.prepare(_assembled([rows[number] for number in found], learned)), found


def _rows(wanted: Sequence[int], learned: Background) -> dict[int, _Row]:
    hashes: dict[int, str] = {}
    for papers in _parts(wanted):
        hashes.update(papers.values_list("id", "text_hash"))
    known = _memory.get(learned.version, hashes)
    missing = [number for number in hashes if number not in known]
    if missing:
        fresh = _new(missing, learned)
        # A text without a vector gets one soon, so it is looked up again.
        whole = {number: row for number, row in fresh.items() if row.vector or not learned.encoder}
        _memory.put(learned.version, whole)
        known |= fresh
    return known


def _parts(numbers: Sequence[int]) -> Iterable[QuerySet[Paper]]:
    for start in range(0, len(numbers), LOOKUP):
        yield Paper.objects.filter(id__in=numbers[start : start + LOOKUP])


def _new(numbers: Sequence[int], learned: Background) -> dict[int, _Row]:
    rows = [row for papers in _parts(numbers) for row in papers.values(*_TEXTS)]
    texts = [_text(row) for row in rows]
    words, marks = learned.vocabulary.read(texts), read_marks(texts)
    vectors = _vectors([row["text_hash"] for row in rows], learned.encoder)
    found = {}
    for place, row in enumerate(rows):
        held, marked = _cut(words, place), _cut(marks, place)
        found[row["id"]] = _Row(row["text_hash"], *held, *marked, vectors.get(row["text_hash"], b""))
    return found


def _cut(words: Words, place: int) -> tuple[Terms, FloatArray]:
    first, last = words.start[place], words.start[place + 1]
    # Copies, since a view would hold on to all the others.
    return words.term[first:last].copy(), words.weight[first:last].copy()


_NOTHING: Final = _Row("", np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(0, np.float32), b"")  # fmt: skip  # noqa: E501


def _assembled(rows: Sequence[_Row | None], learned: Background) -> Features:
    held = [row or _NOTHING for row in rows]
    words = _joined([row.terms for row in held], [row.weights for row in held])
    marks = _joined([row.marks for row in held], [row.mark_weights for row in held])
    dim = len(learned.centre) if learned.encoder else 0
    return Features(words, marks, _stacked([row.vector for row in held], dim))


def _joined(terms: Sequence[Terms], weights: Sequence[FloatArray]) -> Words:
    start = np.zeros(len(terms) + 1, np.int64)
    np.cumsum([len(row) for row in terms], out=start[1:])
    if not len(terms):
        return Words.empty(0)
    return Words(start, np.concatenate(terms), np.concatenate(weights))


def _stacked(data: Sequence[bytes], dim: int | None = None) -> FloatArray:
    """Give vectors as rows of float32, 0 where there is none, or one of another length."""
    if dim is None:
        dim = max((len(row) for row in data), default=0) // 2
    rows = np.zeros((len(data), dim), np.float32)
    for place, row in enumerate(data):
        if row and len(row) == 2 * dim:
            rows[place] = np.frombuffer(row, "<f2")
    return rows


def wished(words: str, learned: Background) -> Features:
    """Give one row of what typed words mean: the words, and their vector where there is an encoder."""
    return _wish_features(words, learned)


@lru_cache(maxsize=WISHES_REMEMBERED)
def _wish_features(words: str, learned: Background) -> Features:
    encoder = finding.query_encoder() if learned.encoder else None
    dim = len(learned.centre) if learned.encoder else 0
    vectors = np.zeros((1, dim), np.float32)
    if encoder is not None and encoder.id == learned.encoder:
        vectors = np.asarray(encoder.encode([words]), np.float32)
    return Features(learned.vocabulary.read([Text(words, "")]), Words.empty(1), vectors)


def marked(mark: str, learned: Background) -> Features:
    """Give one row that bears a mark such as "author:ada lovelace", and nothing else."""
    dim = len(learned.centre) if learned.encoder else 0
    return Features(Words.empty(1), read_marks([Text("", "", (mark,))]), np.zeros((1, dim), np.float32))
