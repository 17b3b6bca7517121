from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from pytest_django import Settings

from broadsheet.delivery import websub
from broadsheet.delivery.tests.places_of import LATER, come
from broadsheet.lib.tests.loopback import Loopback, playing
from broadsheet.papers import outside

pytestmark = pytest.mark.django_db


@pytest.fixture
def hub(settings: Settings, tmp_path: Path) -> Iterator[Loopback]:
    with playing() as loopback:
        values = {
            "websub_hub": f"{loopback.base}/hub",
            "public_url": "https://papers.example",
            "categories": ("cs.CL",),
        }
        settings.CONFIG = replace(settings.CONFIG, home=tmp_path, values={**settings.CONFIG.values, **values})
        outside.http.cache_clear()
        yield loopback
    outside.http.cache_clear()


def test_the_hub_is_told_once_for_what_came(hub: Loopback) -> None:
    hub.answer("/hub", status=204)
    assert websub.ping(LATER) == 0
    come([1, 2])
    assert websub.ping(LATER) == 1
    assert websub.ping(LATER) == 0
    (asked,) = hub.asked
    told = parse_qsl(asked.body.decode())
    assert asked.method == "POST" and ("hub.mode", "publish") in told
    topics = [value for name, value in told if name == "hub.url"]
    assert topics and all(topic.startswith("https://papers.example/feeds/") for topic in topics)


def test_a_hub_that_does_not_answer_stops_nothing(hub: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    hub.answer("/hub", status=500)
    websub.ping(LATER)
    come([1])
    assert websub.ping(LATER) == 0
    assert "hub was not told" in caplog.text


def test_without_a_hub_nothing_is_sent() -> None:
    come([1])
    assert websub.ping(LATER) == 0
