"""What an answer of the API costs: a page of daily papers, made anew and kept, and a search, on 50,000 papers."""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np

from broadsheet.bench.report import CannotMeasure, Measured, shared_data
from broadsheet.lib.progress import Progress, silent

PAGES: Final = 60
REPEATS: Final = 5
SEARCHES: Final = 200
SAMPLE: Final = "arxiv/sample_50k.jsonl.gz"
# What the real client sends.
HEADERS: Final = {"HTTP_ACCEPT": "*/*", "HTTP_ACCEPT_ENCODING": "gzip, deflate", "HTTP_HOST": "localhost"}


def measure(progress: Progress) -> Measured:
    """Ask a site of 50,000 papers with their vectors, in one process and one thread, through its WSGI application.

    Figures are medians of CPU milliseconds for a whole request, gzip included; beside them what the original client
    needs to parse such a page. Raises CannotMeasure.
    """
    from django.conf import settings

    from broadsheet.bench.corpus import built_encoder, sample_papers, vectors_of

    home, sample = Path(settings.CONFIG.home), shared_data(SAMPLE)
    built_encoder(home)
    # Encoded once for all benches and kept; this takes minutes the first time.
    vectors_of(sample_papers(), home, progress)
    with tempfile.TemporaryDirectory(prefix="broadsheet-bench-") as scratch:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
        environment |= {"BROADSHEET_HOME": scratch, "DJANGO_SETTINGS_MODULE": "broadsheet.settings"}
        environment |= {"BROADSHEET_API_RATE": "0", "BROADSHEET_API_RATE_TOKEN": "0"}
        (Path(scratch) / "encoders").symlink_to(home / "encoders")
        command = [sys.executable, "-m", "broadsheet.bench.api", str(sample), str(home)]
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise CannotMeasure(f"the measured process ended early: {done.stderr.strip().splitlines()[-1:]}")
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    notes = [f"{told['papers']:,.0f} papers, one thread, gzip, answers of {told['page_kib']:.0f} KiB before it"]
    ratios = {"made_to_client_parse": told["daily_papers_cpu_ms"] / told["client_parse_cpu_ms"]}
    return Measured(told, ratios, notes)


def in_this_process(sample: Path, bench_home: Path) -> dict[str, float]:
    """Build the record, its index and its closed days in the home of this process, then ask; one core throughout."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    papers = build(sample, bench_home)
    from django.core.wsgi import get_wsgi_application

    from broadsheet.api.cache import answers

    ask = Asker(get_wsgi_application())
    ask("/api/daily_papers")
    ask("/api/papers/search?q=warm")
    newest = ["/api/daily_papers"] * PAGES
    earlier = [f"/api/daily_papers?p={number}" for number in range(1, PAGES)]
    made, deep = (list(_spent(ask, asked, before=answers.empty)) for asked in (newest, earlier))
    kept = list(_spent(ask, newest * REPEATS))
    searches = [f"/api/papers/search?limit=20&q={query.replace(' ', '+')}" for query in _queries()]
    body = ask("/api/daily_papers")
    return {
        "daily_papers_cpu_ms": float(np.median(made)),
        "daily_papers_earlier_cpu_ms": float(np.median(deep)),
        "daily_papers_cached_cpu_ms": float(np.median(kept)),
        "search_cpu_ms": float(np.median(list(_spent(ask, searches)))),
        "client_parse_cpu_ms": client_parse_ms(body),
        "page_kib": len(body) / 1024,
        "papers": papers,
    }


def build(sample: Path, bench_home: Path) -> int:
    """Make a site of the sample in the home of this process: record, vectors, index, closed days; give its papers."""
    import django

    django.setup()
    from broadsheet.bench.corpus import built_encoder, sample_papers, vectors_of
    from broadsheet.editions.closing import close_due
    from broadsheet.lib.clock import now
    from broadsheet.papers import finding
    from broadsheet.papers.database import migrate
    from broadsheet.papers.ingest import ingest
    from broadsheet.papers.models import Paper
    from broadsheet.papers.vectors import keep
    from broadsheet.record.linkage import text_hash
    from broadsheet.sources.files import open_items

    migrate()
    began = now()
    with tempfile.TemporaryDirectory() as scratch:
        ingest(open_items(_repaired(sample, Path(scratch)))[1], now=datetime(2020, 1, 1, tzinfo=began.tzinfo))
    texts = sample_papers()
    vectors = vectors_of(texts, bench_home, silent)
    by_text = {text_hash(paper.title, paper.abstract): vectors[place] for place, paper in enumerate(texts)}
    known = [found for found in Paper.objects.values_list("text_hash", flat=True) if found in by_text]
    keep(built_encoder(bench_home).id, [(found, by_text[found].astype("<f2").tobytes()) for found in known], began)
    finding.index()
    close_due(began)
    return int(Paper.objects.count())


def _repaired(sample: Path, folder: Path) -> Path:
    """Write the sample with its arXiv ids as they were; two fifths were read as numbers. Good for a bench alone."""
    place = folder / "sample.jsonl"
    with gzip.open(sample, "rt", encoding="utf-8") as lines, place.open("w", encoding="utf-8") as out:
        for line in lines:
            row = json.loads(line)
            row["arxiv_id"] = f"{float(row['arxiv_id']):010.5f}"
            out.write(json.dumps(row) + "\n")
    return place


class Asker:
    """Asks a WSGI application as the real client would, and unpacks the answer outside of what is timed."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application
        self.status = ""

    def __call__(self, address: str) -> bytes:
        """Give the body of an answer of status 200. Raises CannotMeasure for any other."""
        body = self.packed(address)
        return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body

    def packed(self, address: str) -> bytes:
        """Give the body as it travels."""
        path, _mark, query = address.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "SCRIPT_NAME": "",
            "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "198.51.100.7", "wsgi.url_scheme": "http", "wsgi.input": BytesIO(),
            "wsgi.errors": sys.stderr, "wsgi.version": (1, 0), "wsgi.multithread": True,
            "wsgi.multiprocess": False, "wsgi.run_once": False, **HEADERS,
        }  # fmt: skip
        answer = self.application(environ, self._started)
        body = b"".join(answer)
        if close := getattr(answer, "close", None):
            close()
        if not self.status.startswith("200"):
            raise CannotMeasure(f"{address} answered {self.status}")
        return body

    def _started(self, status: str, headers: object, problem: object = None) -> None:
        self.status = status


def _spent(ask: Asker, addresses: Iterable[str], before: Callable[[], None] = lambda: None) -> Iterator[float]:
    for address in addresses:
        before()
        began = time.process_time()
        ask.packed(address)
        yield 1000 * (time.process_time() - began)


def _queries() -> list[str]:
    from broadsheet.bench.corpus import sample_papers
    from broadsheet.bench.search import made_queries

    return made_queries(sample_papers(), SEARCHES)


def client_parse_ms(body: bytes) -> float:
    """Give the CPU milliseconds in which the original client parses a page. Raises CannotMeasure without it."""
    try:
        from huggingface_hub.hf_api import PaperInfo
    except ImportError:
        raise CannotMeasure("the original client is not installed: `make setup` installs it") from None
    spent = []
    for _again in range(20):
        began = time.process_time()
        [PaperInfo(**row) for row in json.loads(body)]
        spent.append(1000 * (time.process_time() - began))
    return float(np.median(spent))


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(in_this_process(Path(sys.argv[1]), Path(sys.argv[2]))))
