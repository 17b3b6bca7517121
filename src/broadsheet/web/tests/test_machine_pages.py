import json
from collections.abc import Callable
from datetime import date
from xml.etree import ElementTree

from django.test import Client

from broadsheet.papers import health
from broadsheet.papers.models import Quarantined, SourceDay
from broadsheet.web.tests.conftest import NOW

Page = Callable[[str], str]


def test_robots_are_kept_from_pages_that_cost_work(client: Client) -> None:
    assert "Disallow: /search" in client.get("/robots.txt").content.decode()


def test_the_icon_is_whole_svg(client: Client) -> None:
    response = client.get("/favicon.svg")
    assert response.headers["Content-Type"] == "image/svg+xml"
    assert ElementTree.fromstring(response.content).tag.endswith("svg")


def test_the_manifest_is_json(client: Client) -> None:
    response = client.get("/manifest.webmanifest")
    assert response.headers["Content-Type"] == "application/manifest+json"
    assert json.loads(response.content)["start_url"] == "/"


def test_healthz_answers_in_json_with_a_fitting_status(edition: int, client: Client) -> None:
    response = client.get("/healthz")
    told = json.loads(response.content)
    assert response.status_code == (200 if told["ok"] else 503)
    assert told["ok"] == all(check.ok for check in health.checks())


def test_the_health_page_shows_days_checks_and_what_was_set_aside(edition: int, page: Page) -> None:
    SourceDay.objects.create(
        source="arxiv-feeds", day=date(2024, 5, 27), part="cs.CL", state="partial", expected=20, came=13, checked=NOW
    )
    Quarantined.objects.create(
        digest="d" * 32, source="arxiv-oai", subject="line <12>", reason="no title", raw=b"", at=NOW
    )
    html = page("/health")
    assert "line &lt;12&gt;" in html and "no title" in html
    for check in health.checks():
        assert check.name in html


def test_every_page_has_the_closed_content_policy(edition: int, client: Client) -> None:
    for address in ("/", "/search", "/about", "/health", "/papers/2405.15001", "/nowhere"):
        response = client.get(address)
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        html = response.content.decode()
        assert " style=" not in html and "<style" not in html and " onclick=" not in html
        assert html.count("<script") == html.count("<script src=")
        assert html.count("<h1") == 1


def test_no_page_loads_anything_from_elsewhere(edition: int, page: Page) -> None:
    import re

    for address in ("/", "/search", "/about", "/health", "/papers/2405.15001"):
        loaded = re.findall(r'<(?:script|img|link|source)[^>]*(?:src|href)="([^"]+)"', page(address))
        assert loaded and all(url.startswith(("/", "http://testserver/")) for url in loaded)
