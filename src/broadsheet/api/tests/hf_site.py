"""A small invented record, every call of the real client with its options, and what the client made of the answers."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Account, Link, ListedAuthor, Listing

NOON: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
NEW, OLD = date(2026, 11, 18), date(2026, 11, 10)
HOST: Final = "http://testserver"
RICH, MINE, BARE, OLDEST, BY_DOI, GONE = (
    "2611.00001",
    "2611.00002",
    "2611.00003",
    "2611.00004",
    "10.1101/x.y-1",
    "2611.00006",
)
HEP: Final = "hep-th/9901001"
LISTING: Final = Listing(
    summary="Bees hum in tune.",
    summary_by="an/encoder",
    keywords=("bees", "honey combs"),
    submitter=Account("Mel.Issa", "Mel Issa"),
    organisation=("hive", "The Hive"),
    media=("https://media.example/a.mp4",),
    authors=(
        ListedAuthor(0, Account("ada-l", "Ada L."), "claimed_verified", datetime(2026, 11, 18, 9, 13, 43, 53000, UTC)),
        ListedAuthor(1, None, "extracted_pending"),
    ),
    discussion="66ac44677746f1e5ff6b71f3",
    code_by="user",
)
LINKS: Final = (
    Link("project", "https://bees.example/"),
    Link("code", "https://gitlab.com/a/bees"),
    Link("code", "https://github.com/a/bees"),
    Link("model", "https://huggingface.co/a/bee-base"),
    Link("model", "https://huggingface.co/a/bee-large/tree/main"),
    Link("data", "https://huggingface.co/datasets/a/honey"),
    Link("demo", "https://huggingface.co/spaces/a/hum"),
    Link("model", "https://models.example/a/bee"),
)


def fill() -> None:
    """Put the record into an empty database: what a list elsewhere told, what readers gave, and bare papers."""
    from broadsheet.community.models import AddedLink, Affiliation, Claim, Comment, Organisation, Submission
    from broadsheet.community.tests.factory import reader
    from broadsheet.papers.ingest import ingest
    from broadsheet.papers.models import Paper
    from broadsheet.papers.tests.factory import paper

    hep, doi = Identifier("arxiv", HEP), Identifier("doi", BY_DOI)
    ingest(
        [
            paper(1, source="huggingface", listing=LISTING, links=LINKS, abstract="Bees. $x\\_i$ “hum” \N{HONEYBEE}.",
                  signals=(("upvotes", 12), ("comments", 3), ("github_stars", 9))),
            paper(2, signals=(("upvotes", 4),), abstract="See https://github.com/b/suns for the code of two suns."),
            paper(3, submitted=datetime(2026, 11, 17, 7, tzinfo=UTC)),
            paper(4, announced=OLD, signals=(("upvotes", 99),)),
            paper(5, announced=OLD - timedelta(days=30), identifiers=(doi,), source="crossref"),
            paper(6, announced=OLD),
            paper(7, announced=OLD - timedelta(days=40), identifiers=(hep,)),
        ],
        now=NOON,
    )  # fmt: skip
    ingest([paper(6, announced=OLD, withdrawn=True, raw_hash="w")], now=NOON)
    bo = reader(1, handle="bo", name="Bo Sample")
    mine = Paper.objects.get(key=MINE)
    lab = Organisation.objects.create(slug="lab", name="The Lab", made_by=bo, made=NOON)
    Affiliation.objects.create(paper=mine, organisation=lab, by=bo, at=NOON)
    Submission.objects.create(reader=bo, paper=mine, name=f"arxiv:{MINE}", title=mine.title, state="accepted", at=NOON)
    Claim.objects.create(
        reader=bo, paper=mine, position=1, state="confirmed", proof="orcid", at=NOON, decided=NOON,
        evidence={"author": "Bo Sample"},
    )  # fmt: skip
    AddedLink.objects.create(paper=mine, reader=bo, kind="project", url="https://suns.example/", at=NOON)
    first = Comment.objects.create(
        paper=mine, author=bo, text="Two *suns*.", html="<p>Two <em>suns</em>.</p>", written=NOON
    )
    Comment.objects.create(paper=mine, author=bo, parent=first, text="Or three.", html="<p>Or three.</p>", written=NOON)
    mine.comments_here = 2
    mine.save(update_fields=["comments_here"])


# Name of the call, its arguments: every option of each.
CALLS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("list_daily_papers", {}),
    ("list_daily_papers", {"date": "2026-11-18"}),
    ("list_daily_papers", {"date": "2026-11-14"}),
    ("list_daily_papers", {"date": ""}),
    ("list_daily_papers", {"week": "2026-W47"}),
    ("list_daily_papers", {"month": "2026-11"}),
    ("list_daily_papers", {"month": "2026-10"}),
    ("list_daily_papers", {"submitter": "bo"}),
    ("list_daily_papers", {"submitter": "Mel.Issa"}),
    ("list_daily_papers", {"submitter": "nobody"}),
    ("list_daily_papers", {"sort": "publishedAt"}),
    ("list_daily_papers", {"sort": "trending"}),
    ("list_daily_papers", {"limit": 2}),
    ("list_daily_papers", {"limit": 2, "p": 1}),
    ("list_daily_papers", {"p": 50}),
    ("list_daily_papers", {"token": "hf_of_another_site"}),
    (
        "list_daily_papers",
        {"date": "2026-11-18", "month": "2026-11", "submitter": "bo", "sort": "trending", "limit": 5},
    ),
    ("list_papers", {"query": "two suns"}),
    ("list_papers", {"query": "hum", "limit": 1}),
    ("list_papers", {}),
    ("list_papers", {"query": "", "limit": 3}),
    ("paper_info", {"id": RICH}),
    ("paper_info", {"id": RICH + "v2"}),
    ("paper_info", {"id": MINE}),
    ("paper_info", {"id": BARE}),
    ("paper_info", {"id": HEP}),
    ("paper_info", {"id": BY_DOI}),
    ("paper_info", {"id": GONE}),
    ("read_paper", {"id": RICH}),
    # What has to fail, and how.
    ("list_daily_papers", {"date": "2026-02-30"}),
    ("list_daily_papers", {"week": "2026-W60"}),
    ("list_daily_papers", {"month": "2026-13"}),
    ("list_daily_papers", {"sort": "best"}),
    ("list_daily_papers", {"limit": 101}),
    ("list_daily_papers", {"limit": 0}),
    ("list_daily_papers", {"p": -1}),
    ("list_papers", {"query": "x" * 251}),
    ("list_papers", {"query": "x", "limit": 121}),
    ("paper_info", {"id": "2601.99999"}),
    ("read_paper", {"id": "2601.99999"}),
)


@contextmanager
def in_process(hub: ModuleType, httpx: ModuleType) -> Iterator[None]:
    """Let a client talk to the site of this process, which leaves the connection to the database open meanwhile."""
    from django.core import signals
    from django.core.wsgi import get_wsgi_application
    from django.db import close_old_connections

    application = get_wsgi_application()
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)
    hub.set_client_factory(lambda: httpx.Client(transport=httpx.WSGITransport(app=application), follow_redirects=True))
    try:
        yield
    finally:
        hub.set_client_factory(httpx.Client)
        for signal in (signals.request_started, signals.request_finished):
            signal.connect(close_old_connections)


def all_calls(hub: ModuleType, endpoint: str = HOST) -> list[Any]:
    """Make every call with the client that is given; what it made of each answer, or the error it raised."""
    api = hub.HfApi(endpoint=endpoint)
    return [outcome(lambda name=name, given=given: getattr(api, name)(**given), hub) for name, given in CALLS]  # type: ignore[misc]


def outcome(call: Callable[[], Any], hub: ModuleType) -> Any:  # noqa: ANN401 - whatever the client gives
    """Give what a call gave as plain data; an error as its class, status and the sentence of the site."""
    try:
        found = call()
        return plain(list(found) if isinstance(found, Iterable) and not isinstance(found, str) else found)
    except hub.errors.HfHubHTTPError as problem:
        return {
            "raised": type(problem).__name__,
            "status": problem.response.status_code,
            "says": problem.server_message,
        }


def plain(value: Any) -> Any:  # noqa: ANN401 - any value there is
    """Turn what the client parsed into what JSON can hold; what it has no value for is left out."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return plain(vars(value)) if hasattr(value, "__dict__") else value


def main() -> None:
    """Make a record in the home of this process, make every call with the client of this process, print what came."""
    import json

    import django

    django.setup()
    # Only here: it brings the settings with it.
    from broadsheet.papers import finding
    from broadsheet.papers.database import migrate

    migrate()
    fill()
    finding.index()
    # The transport of the old client, which the new one does without.
    httpx = import_module("httpx")
    import huggingface_hub

    with in_process(huggingface_hub, httpx):
        told = {"version": huggingface_hub.__version__, "calls": all_calls(huggingface_hub)}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "broadsheet.settings")
    main()
