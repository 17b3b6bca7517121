"""The site that the bench of pages asks: how it is made, once, and what happens in it meanwhile.

What runs here runs in a process of its own, in the home that BROADSHEET_HOME names.
"""

import json
import sys
import time
from datetime import datetime
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from broadsheet.papers.models import Paper
    from broadsheet.readers.models import Reader

# As `web_client.Ask` has it, less what it leaves out.
Asked = dict[str, Any]

READERS: Final = 40
VOTES: Final = 30
COMMENTS: Final = 3
# Readers vote for what was new lately.
LATELY: Final = 2_000
DAYS: Final = 60
FEW: Final = 8
ANEW: Final = 400
PAPERS: Final = 300
READ: Final = 2_000
QUERIES: Final = 200
# Papers of an import come in batches of a harvest's size; numbers whose ids the sample does not have.
BATCH: Final = 100
PAUSE: Final = 1.0
FIRST: Final = 60 * 25_000 + 1
IN_FILE: Final = 6_000
MORE: Final = "more.jsonl"
TOKEN: Final = "a" * 32


def make(sample: Path, bench_home: Path) -> None:
    """Make the site: the sample's papers with their vectors, readers who voted and commented, their profiles."""
    from broadsheet.bench import api, made_snapshot

    api.build(sample, bench_home)
    from django.conf import settings

    from broadsheet.foryou import features, profiles
    from broadsheet.foryou import map as maps
    from broadsheet.lib.clock import now

    moment = now()
    _people(moment)
    features.build_background(moment)
    maps.build(moment)
    profiles.relearn(moment)
    made_snapshot.write(settings.CONFIG.home / MORE, made_snapshot.wordy_sample(), FIRST, FIRST + IN_FILE - 1)


def _people(moment: datetime) -> None:
    from broadsheet.community import comments, votes
    from broadsheet.papers.models import Paper
    from broadsheet.readers import accounts

    draw = Random(7)
    numbers = list(Paper.objects.order_by("-announced", "-id").values_list("id", flat=True)[:LATELY])
    for n in range(READERS):
        reader = accounts.create(f"reader{n}@lab.example", f"reader{n}", f"Reader {n}", now=moment)
        papers = Paper.objects.in_bulk(draw.sample(numbers, VOTES + COMMENTS))
        for place, paper in enumerate(papers.values()):
            if place < VOTES:
                votes.cast(reader, paper, now=moment)
            else:
                text = f"Thought {place} of reader {n}: section {place} **could** say more on its baseline."
                comments.write(reader, paper, text, now=moment)


def plan() -> dict[str, list[Asked]]:
    """Give what can be asked of the site, by kind; readers are signed in for it."""
    from broadsheet.papers.models import Paper

    draw = Random(8)
    numbers = list(Paper.objects.filter(withdrawn=False).order_by("id").values_list("id", flat=True))
    found = list(Paper.objects.in_bulk(draw.sample(numbers, min(READ, len(numbers)))).values())
    keys = [f"/papers/{paper.key}" for paper in draw.sample(found, min(PAPERS, len(found)))]
    days = [f"/date/{day}" for day in _days(draw)]
    queries = [query.replace(" ", "+") for query in _queries(found)]
    cookies = [_signed_in(reader) for reader in _readers()]
    asks: dict[str, list[Asked]] = {
        "floor_of_site": [{"path": "/robots.txt"}],
        # Few enough to be kept from the warming on; an address that nobody asked for before is made anew.
        "edition": [{"path": day} for day in days[:FEW]],
        "edition_made": [{"path": f"{days[n % len(days)]}?anew={n}"} for n in range(ANEW)],
        "edition_again": [{"path": day, "again": True} for day in days[:FEW]],
        "paper": [{"path": key} for key in keys],
        "search": [{"path": f"/search?q={query}"} for query in queries],
        "typing": [{"path": path, "headers": {"HX-Request": "true"}} for path in _typed(queries)],
        "trending": [{"path": "/trending"}],
        "foryou": [{"path": "/foryou", "headers": cookie} for cookie in cookies],
        "edition_signed_in": [{"path": day, "headers": cookies[n % len(cookies)]} for n, day in enumerate(days)],
        "feed": [{"path": f"/feeds/{key}.atom"} for key in _lists()],
        "daily_papers": [{"path": "/api/daily_papers"}],
        "daily_papers_made": [{"path": f"/api/daily_papers?p={n}"} for n in range(1, ANEW)],
        "api_search": [{"path": f"/api/v1/search?q={query}"} for query in queries],
    }
    votes: list[Asked] = [
        {"path": path.replace("/papers/", "/vote/", 1), "headers": _acting(cookies[n % len(cookies)]), "form": "on=1"}
        for n, path in enumerate(keys)
    ]
    return {kind: [_full(ask) for ask in wanted] for kind, wanted in {**asks, "vote": votes}.items()}


def _full(ask: Asked) -> Asked:
    return {"headers": {}, "form": "", "again": False, **ask}


def _acting(cookie: dict[str, str]) -> dict[str, str]:
    return {
        "Cookie": f"{cookie['Cookie']}; csrftoken={TOKEN}",
        "X-CSRFToken": TOKEN,
        "Accept": "application/json",
    }


def _days(draw: Random) -> list[str]:
    from django.db.models import Count

    from broadsheet.papers.models import Paper

    counted = Paper.objects.exclude(announced=None).values("announced").annotate(papers=Count("id"))
    full = sorted(str(row["announced"]) for row in counted.order_by("-papers")[: 2 * DAYS])
    return draw.sample(full, min(DAYS, len(full)))


def _queries(papers: "list[Paper]") -> list[str]:
    from broadsheet.bench.search import made_queries
    from broadsheet.search.types import PaperToIndex

    return made_queries(
        [PaperToIndex(id=paper.id, title=paper.title, abstract=paper.abstract) for paper in papers], QUERIES
    )


def _typed(queries: list[str]) -> list[str]:
    """Give the addresses asked for while queries are typed: a pause after every few letters."""
    return [f"/search?q={query[:end]}" for query in queries for end in range(4, len(query) + 4, 5)]


def _lists() -> list[str]:
    from broadsheet.papers.models import Paper

    codes = Paper.objects.order_by("-id").values_list("categories", flat=True)[:200]
    return ["edition", "trending", *sorted({f"category/{code.split()[0]}" for code in codes if code})[:8]]


def _readers() -> "list[Reader]":
    from broadsheet.readers.models import Reader

    return list(Reader.objects.filter(handle__startswith="reader").order_by("id"))


def _signed_in(reader: "Reader") -> dict[str, str]:
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(reader.pk)
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = reader.get_session_auth_hash()
    session.create()
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session.session_key}"}


def add(seconds: float) -> dict[str, float]:
    """Add papers and index their words, as a worker does, until the time is over; give how many."""
    from django.conf import settings

    from broadsheet.lib.clock import now
    from broadsheet.papers import finding
    from broadsheet.papers.ingest import ingest_batch
    from broadsheet.sources.files import open_items

    items = open_items(settings.CONFIG.home / MORE)[1]
    end, added, slowest = time.monotonic() + seconds, 0, 0.0
    while time.monotonic() < end and (batch := list(islice(items, BATCH))):
        began = time.monotonic()
        added += ingest_batch(batch, now=now()).new
        slowest = max(slowest, time.monotonic() - began)
        finding.index()
        time.sleep(PAUSE)
    return {"papers": float(added), "slowest_batch_s": slowest}


def main() -> None:
    """Make a site, tell what can be asked of one, or add papers to one."""
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]), Path(sys.argv[3]))
        return
    import django

    django.setup()
    told = plan() if sys.argv[1] == "plan" else add(float(sys.argv[2]))
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
