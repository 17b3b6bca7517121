import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytest_django import Settings

from broadsheet.foryou import features as known
from broadsheet.foryou import map as topic_map
from broadsheet.foryou.map import Map, Place, named, spelt
from broadsheet.foryou.models import Seed
from broadsheet.learning.background import Background
from broadsheet.learning.features import Features, Words
from broadsheet.learning.vocabulary import Text
from broadsheet.papers import queries
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.web.tests.accounts import reader
from broadsheet.web.tests.conftest import NOW, made

FIELDS = (
    "Bees dance for honey",
    "Binary stars in telescopes",
    "Sourdough bread with yeast",
    "Glaciers melt into rivers",
    "Violins sound of maple",
    "Bridges of steel cables",
    "Owls hunt at night",
    "Tides move the harbour",
)


@pytest.mark.parametrize(
    ("term", "text", "said"),
    [
        ("gan", "Gan at first. We train a GAN, and the GAN learns.", "GAN"),
        (
            "internet things",
            "The internet of things. Seen in the Internet of Things. In an Internet of Things.",
            "Internet of Things",
        ),
        ("internet things", "We see the internet of\n things.", "internet of things"),
        ("planets", "Planets move. Planets shine. Planets spin.", "planets"),
        ("gaussian", "Gaussian noise. There is Gaussian noise.", "Gaussian"),
        ("c++", "We write c++ and C++ here, some C++ code.", "C++"),
        ("art", "All artists start.", "art"),
        ("x(", "(((", "x("),
    ],
)
def test_a_term_is_spelt_as_its_papers_write_it_inside_of_sentences(term: str, text: str, said: str) -> None:
    assert spelt(term, text) == said


@pytest.mark.parametrize(
    ("term", "text", "titles", "said"),
    [
        ("llms", "", "Faster LLMs for All", "LLMs"),
        ("llms", "We train llms.", "Faster LLMs for All", "llms"),
        ("machine learning", "", "Machine Learning for Bees", "machine learning"),
    ],
)
def test_a_term_that_no_abstract_holds_is_spelt_as_titles_do_within_a_word(
    term: str, text: str, titles: str, said: str
) -> None:
    assert named(term, text, titles) == said


@pytest.fixture
def sky(db: None, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Background:
    """A record of 120 papers of eight fields, and its background, by words alone."""
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path)
    ingest([made(n, title=f"{FIELDS[n % 8]}, part {n}", abstract=FIELDS[n % 8] * 2) for n in range(1, 121)], now=NOW)

    def texts(numbers: list[int]) -> list[Text]:
        return [Text(paper.title, paper.abstract) for paper in queries.in_order(numbers)]

    every = list(Paper.objects.order_by("pk").values_list("pk", flat=True))
    background = Background.fit(texts(every), None)

    def features_of(numbers: list[int]) -> Features:
        words = background.vocabulary.read(texts(numbers))
        return Features(words, Words.empty(len(numbers)), np.zeros((len(numbers), 0), np.float32))

    monkeypatch.setattr(known, "background", lambda: background)
    monkeypatch.setattr(known, "features_of", features_of)
    return background


def test_the_map_is_drawn_once_kept_as_json_and_drawn_anew_with_the_background(sky: Background, tmp_path: Path) -> None:
    drawn = topic_map.current()
    assert drawn is not None and len(drawn.places) >= 3 and drawn.background == sky.version
    kept = tmp_path / "foryou" / "map.json"
    told = json.loads(kept.read_text())
    assert told["form"] == topic_map.FORM and topic_map.current() == drawn and not topic_map.build(NOW)
    for damage in ("", "[]", "{", '{"form": "other"}', '{"form": "broadsheet-map/1", "places": [{}]}'):
        kept.write_text(damage)
        assert topic_map.current() == drawn
    kept.write_text(json.dumps(told | {"background": "before"}))
    assert topic_map.build(NOW) and topic_map.current() == drawn


def test_no_map_is_drawn_of_a_few_papers_or_without_a_background(
    sky: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    Paper.objects.filter(pk__gt=60).update(hidden=True)
    assert topic_map.current() is None and not topic_map.build(NOW)
    monkeypatch.setattr(known, "background", lambda: None)
    assert topic_map.current() is None and not topic_map.build(NOW)


def test_the_sample_is_spread_over_the_record_and_holds_what_lists_show(sky: Background) -> None:
    numbers = list(Paper.objects.order_by("-pk").values_list("pk", flat=True))
    assert topic_map.sampled(1000) == numbers
    few = topic_map.sampled(4)
    assert few[0] == numbers[0] and few[-1] == numbers[-1] and len(few) == 4
    Paper.objects.update(withdrawn=True)
    assert topic_map.sampled(4) == []


def test_papers_that_two_topics_share_stay_while_one_is_chosen(sky: Background) -> None:
    ada = reader("ada")
    one, two, three, four = Paper.objects.order_by("pk").values_list("pk", flat=True)[:4]
    drawn = Map("v", (Place(("a",), 0.5, 0, 0, (one, two, three)), Place(("b",), 0.5, 1, 1, (three, four))))
    topic_map.choose(ada, drawn, {0, 1, 7, -1}, NOW)
    assert topic_map.chosen(ada, drawn) == {0, 1} and Seed.objects.count() == 4
    topic_map.choose(ada, drawn, {1}, NOW)
    assert set(Seed.objects.values_list("paper_id", flat=True)) == {three, four}
    topic_map.choose(ada, drawn, set(), NOW)
    assert not Seed.objects.exists()


def test_papers_that_were_named_otherwise_are_not_taken_back_with_a_topic(sky: Background) -> None:
    ada = reader("ada")
    one, two = Paper.objects.order_by("pk").values_list("pk", flat=True)[:2]
    Seed.objects.create(reader=ada, paper_id=one, origin="ids", at=NOW)
    drawn = Map("v", (Place(("a",), 1.0, 0, 0, (one, two)),))
    topic_map.choose(ada, drawn, {0}, NOW)
    topic_map.choose(ada, drawn, set(), NOW)
    assert list(Seed.objects.values_list("paper_id", flat=True)) == [one]
