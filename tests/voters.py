"""Many processes that vote at once, for test_voting_together.py: run as a program on a home of its own.

prepare: papers, readers with open sessions, on an empty database. vote: 16 processes cast and take back votes, by the
functions or over HTTP, and each remembers what it was last told of every pair. look: what the database holds then.
Each prints one line of JSON.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import django

if TYPE_CHECKING:
    from broadsheet.readers.models import Reader

PROCESSES: Final = 16
PAPERS: Final = 100
# Each process votes as these readers alone, so that it knows what the last word was; as those whom all share it casts.
READERS_EACH: Final = 20
SHARED_READERS: Final = 5
TOKEN: Final = "votersvotersvotersvotersvoters32"
Pair = tuple[int, int]
# (reader, paper, on) -> whether the vote stands now; None where the site asked to wait. Raises what went wrong.
Vote = Callable[[int, int, bool], bool | None]


def prepare() -> dict[str, Any]:
    """Fill an empty database."""
    from broadsheet.community.tests.factory import NOON, reader
    from broadsheet.papers.database import migrate
    from broadsheet.papers.ingest import ingest
    from broadsheet.papers.models import Paper
    from broadsheet.papers.tests.factory import paper

    migrate()
    ingest([paper(number) for number in range(PAPERS)], now=NOON)
    today = datetime.now(UTC)
    fields = {"joined": today - timedelta(days=365), "standing_terms": {"assessed": "9999-12-31"}}
    readers = [reader(number, **fields) for number in range(PROCESSES * READERS_EACH + SHARED_READERS)]
    return {
        "papers": dict(Paper.objects.order_by("id").values_list("id", "key")),
        "readers": {one.pk: session(one) for one in readers},
    }


def session(reader: "Reader") -> str:
    """Sign a reader in, as the site would; give the cookie."""
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY] = str(reader.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    store[HASH_SESSION_KEY] = reader.get_session_auth_hash()
    store.save()
    return f"{settings.SESSION_COOKIE_NAME}={store.session_key}"


@dataclass
class Told:
    """What one process did: answers, those that asked to wait, what went wrong, and the last word on each pair."""

    acts: int = 0
    waits: int = 0
    wrong: list[str] = field(default_factory=list)
    last: dict[Pair, bool] = field(default_factory=dict)
    slowest: float = 0.0


def vote_together(made: dict[str, Any], each: int, port: int) -> dict[str, Any]:
    """Vote in 16 processes, so many times each; port 0 calls the functions."""
    context = multiprocessing.get_context("fork")
    with context.Pool(PROCESSES) as pool:
        begin = time.monotonic() + 1
        every = pool.starmap(one_process, [(number, made, begin, each, port) for number in range(PROCESSES)])
    return {
        "acts": sum(told.acts for told in every),
        "waits": sum(told.waits for told in every),
        "slowest": max(told.slowest for told in every),
        "wrong": [line for told in every for line in told.wrong][:20],
        "last": [[*pair, voted] for told in every for pair, voted in told.last.items()],
    }


def one_process(number: int, made: dict[str, Any], begin: float, times: int, port: int) -> Told:
    """Cast and take back votes."""
    papers, readers = [int(key) for key in made["papers"]], [int(key) for key in made["readers"]]
    own = readers[number * READERS_EACH : (number + 1) * READERS_EACH]
    shared = readers[-SHARED_READERS:]
    draw, told = random.Random(number), Told()
    vote = over_http(made, port) if port else directly()
    time.sleep(max(0.0, begin - time.monotonic()))
    for _ in range(times):
        of_all = draw.random() < 0.1
        reader, paper = draw.choice(shared if of_all else own), draw.choice(papers)
        on = of_all or draw.random() < 0.65
        started = time.monotonic()
        try:
            voted = vote(reader, paper, on)
        except Exception as problem:  # noqa: BLE001 - whatever goes wrong is what the test is about
            told.wrong.append(f"{type(problem).__name__}: {problem}")
            continue
        told.slowest = max(told.slowest, time.monotonic() - started)
        if voted is None:
            told.waits += 1
            continue
        told.acts += 1
        told.last[reader, paper] = voted
        if voted != on:
            told.wrong.append(f"asked for {on}, told {voted}")
    return told


def directly() -> Vote:
    """Vote by the functions."""
    from broadsheet.community import votes
    from broadsheet.papers.models import Paper
    from broadsheet.readers.models import Reader

    def vote(reader: int, paper: int, on: bool) -> bool:
        act = votes.cast if on else votes.take_back
        return act(Reader.objects.get(pk=reader), Paper.objects.get(pk=paper), now=datetime.now(UTC)).voted

    return vote


def over_http(made: dict[str, Any], port: int) -> Vote:
    """Vote by the form of the page, on a connection that stays open."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=300)

    def vote(reader: int, paper: int, on: bool) -> bool | None:
        headers = {
            "Cookie": f"{made['readers'][str(reader)]}; csrftoken={TOKEN}",
            "X-CSRFToken": TOKEN,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        line.request("POST", f"/vote/{made['papers'][str(paper)]}", f"on={int(on)}&next=/about", headers)
        answer = line.getresponse()
        body = answer.read()
        if answer.status == 429:
            return None
        if answer.status not in (200, 204, 303) or "account" in answer.headers.get("Location", ""):
            raise RuntimeError(f"{answer.status} {answer.headers.get('Location', '')} {body[-300:]!r}")
        return on

    return vote


def look() -> dict[str, Any]:
    """Read what is there now: the pairs, those kept twice, and papers whose counts differ from their rows."""
    from django.db.models import Count

    from broadsheet.community import tally
    from broadsheet.community.models import Vote as Row
    from broadsheet.papers.models import Paper

    twice = Row.objects.values("reader", "paper").annotate(rows=Count("id")).filter(rows__gt=1)
    differ = []
    for paper in Paper.objects.all():
        counted = tally.count(paper.pk)
        if paper.votes_here != counted.votes or abs(paper.vote_weight - counted.vote_weight) > 1e-6:
            differ.append(paper.key)
    return {"pairs": list(Row.objects.values_list("reader_id", "paper_id")), "twice": len(twice), "differ": differ}


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["prepare", "vote", "look"])
    parser.add_argument("--each", type=int, default=100)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "broadsheet.settings"
    django.setup()
    if options.what == "vote":
        told = vote_together(json.load(sys.stdin), options.each, options.port)
    else:
        told = prepare() if options.what == "prepare" else look()
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
