"""The change log as the shard reads it."""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
from django.db.models import Max

from broadsheet.papers.models import Change, Identifier, Paper, Vector
from broadsheet.papers.store import LOOKUP
from broadsheet.search.types import PaperToIndex

COLUMNS = (
    "id", "title", "abstract", "authors", "categories", "announced", "submitted", "source", "has_code", "text_hash"
)  # fmt: skip


def vector_source(encoder: str) -> str:
    """Give what the log notes as the source of a vector: which encoder it is by, in 20 signs."""
    return sha256(encoder.encode()).hexdigest()[:20]


class RecordLog:
    """The record's side of `catch_up()`, with the vectors of one encoder; "" gives none."""

    def __init__(self, encoder: str = "") -> None:
        self.encoder = encoder

    def head(self) -> int:
        """Number of the newest change; 0 when there is none."""
        return int(Change.objects.aggregate(last=Max("seq"))["last"] or 0)

    def since(self, seq: int, limit: int) -> list[tuple[int, int, bool]]:
        """Changes after `seq` as (seq, paper, words changed), in order; `limit` bounds how many are looked at.

        Vectors by other encoders are no change here. The last one looked at is told all the same: with it the shard
        knows how far it has come.
        """
        columns = ("seq", "paper_id", "kind", "source")
        found = list(Change.objects.filter(seq__gt=seq).order_by("seq").values_list(*columns)[:limit])
        mine = ("", vector_source(self.encoder))
        told = [row for row in found[:-1] if row[2] != "vector" or row[3] in mine] + found[-1:]
        return [(number, paper, kind != "vector") for number, paper, kind, _source in told]

    def papers(self, ids: Sequence[int]) -> dict[int, PaperToIndex]:
        """The papers with these numbers as they are now; those withdrawn or gone are left out."""
        found: dict[int, PaperToIndex] = {}
        for start in range(0, len(ids), LOOKUP):
            found.update(self._papers(ids[start : start + LOOKUP]))
        return found

    def _papers(self, ids: Sequence[int]) -> dict[int, PaperToIndex]:
        rows = list(Paper.objects.filter(id__in=ids, withdrawn=False).values_list(*COLUMNS))
        names: dict[int, list[str]] = {}
        for name, number in Identifier.objects.filter(paper__in=ids).values_list("name", "paper_id"):
            names.setdefault(number, []).append(name)
        vectors = self._vectors([row[-1] for row in rows])
        return {
            number: PaperToIndex(
                id=number,
                title=title,
                abstract=abstract,
                authors=tuple(author["name"] for author in authors),
                categories=tuple(categories.split()),
                identifiers=tuple(names.get(number, ())),
                source=source,
                day=announced or (submitted.date() if submitted else None),
                has_code=has_code,
                vector=vectors.get(text_hash),
            )
            for number, title, abstract, authors, categories, announced, submitted, source, has_code, text_hash in rows
        }

    def _vectors(self, hashes: Sequence[str]) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float16]]]:
        if not self.encoder:
            return {}
        found = Vector.objects.filter(encoder=self.encoder, text_hash__in=hashes).values_list("text_hash", "data")
        return {text_hash: np.frombuffer(data, np.dtype("<f2")) for text_hash, data in found}
