"""How fast papers are indexed: words by the shard, and encoding beside sentence-transformers."""

import tempfile
from pathlib import Path
from statistics import median
from typing import Final

from broadsheet.bench import encode_beside
from broadsheet.bench.corpus import sample_papers
from broadsheet.bench.report import Measured
from broadsheet.bench.words import words_only
from broadsheet.lib.progress import Progress

RUNS: Final = 3


def measure(progress: Progress) -> Measured:
    """Index the sample's words three times into empty shards and give the medians; then compare the encoders."""
    papers, runs = sample_papers(), []
    for number in range(RUNS):
        with tempfile.TemporaryDirectory(prefix="broadsheet-bench-") as scratch:
            runs.append(words_only(papers, Path(scratch)))
        progress(number + 1, RUNS)
    words = {name: median(run[name] for run in runs) for name in runs[0]}
    encoding = encode_beside.measure(progress)
    return Measured(words | encoding.figures, encoding.ratios, encoding.notes)
