"""A file like arXiv's snapshot of its metadata, of as many papers as one likes, made of the sample's sentences."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Final

import numpy as np

from broadsheet.bench.corpus import sample_papers
from broadsheet.bench.scale_papers import BLOCK, SEED, MadeLog, Sample, taken_apart
from broadsheet.lib.files import writing_whole
from broadsheet.search.types import PaperToIndex

# About what arXiv gets in a month by now; ids of five digits began in January 2015.
PER_MONTH: Final = 25_000
FIRST_YEAR: Final = 2015
# Shares of arXiv's papers that have a DOI, a journal, a remark; and of those with a second and a third version.
DOI, JOURNAL, REMARK, SECOND, THIRD = 0.45, 0.3, 0.6, 0.4, 0.15
LICENCES: Final = (
    "http://arxiv.org/licenses/nonexclusive-distrib/1.0/",
    "http://creativecommons.org/licenses/by/4.0/",
)


def wordy_sample() -> Sample:
    """Give the sample without its vectors, which no file of papers has. Raises CannotMeasure."""
    papers = sample_papers()
    return taken_apart(papers, np.zeros((len(papers), 1), np.float16))


def write(place: Path, sample: Sample, first: int, last: int) -> None:
    """Write papers `first` to `last`, from 1 on, as rows of the snapshot, the oldest first; the same at every call."""
    with writing_whole(place) as stream:
        for row in rows(sample, first, last):
            stream.write(json.dumps(row).encode() + b"\n")


def rows(sample: Sample, first: int, last: int) -> Iterator[dict[str, object]]:
    """Give papers `first` to `last` with the fields of the snapshot."""
    log = MadeLog(sample, last)
    for start in range(first, last + 1, BLOCK):
        numbers = range(start, min(start + BLOCK, last + 1))
        made = log.papers(numbers)
        for number in numbers:
            yield _row(made[number], np.random.default_rng([SEED, 1, number]).random(6).tolist())


def _row(paper: PaperToIndex, chance: Sequence[float]) -> dict[str, object]:
    moments = _versions(paper.id, chance)
    return {
        "id": arxiv_name(paper.id),
        "submitter": paper.authors[0] if paper.authors else None,
        "authors": ", ".join(paper.authors),
        "title": paper.title,
        "comments": f"{5 + int(40 * chance[0])} pages, {int(20 * chance[1])} figures" if chance[0] < REMARK else None,
        "journal-ref": f"Made Up {int(90 * chance[1])} (20{10 + int(14 * chance[2])})" if chance[1] < JOURNAL else None,
        "doi": f"10.1000/{int(chance[2] * 1e6):06d}.{paper.id}" if chance[3] < DOI else None,
        "report-no": None,
        "categories": " ".join(paper.categories),
        "license": LICENCES[chance[4] < 0.3],
        "abstract": f"  {paper.abstract}\n",
        "versions": [
            {"version": f"v{n}", "created": format_datetime(moment, usegmt=True)} for n, moment in enumerate(moments, 1)
        ],
        "update_date": moments[-1].date().isoformat(),
        "authors_parsed": [_parsed(name) for name in paper.authors],
    }


def arxiv_name(number: int) -> str:
    """Give the number-th paper an arXiv id of a month of its own 25,000."""
    month, place = divmod(number - 1, PER_MONTH)
    return f"{(FIRST_YEAR + month // 12) % 100:02d}{month % 12 + 1:02d}.{place + 1:05d}"


def _versions(number: int, chance: Sequence[float]) -> list[datetime]:
    month, place = divmod(number - 1, PER_MONTH)
    begun = datetime(FIRST_YEAR + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    first = begun + timedelta(days=28 * place / PER_MONTH)
    more = (chance[5] < SECOND) + (chance[5] < THIRD)
    return [first + timedelta(days=40 * n * (0.1 + chance[4])) for n in range(1 + more)]


def _parsed(name: str) -> list[str]:
    given, _blank, family = name.rpartition(" ")
    return [family, given, ""]
