import json
import re
from collections.abc import Callable

import pytest
from django.test import Client

from broadsheet.foryou import signals
from broadsheet.foryou.models import Opinion, Seed, Tuned, Wish
from broadsheet.foryou.portrait import portrait
from broadsheet.foryou.tests.taste import record, vote
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.web.tests.accounts import reader, signed_in
from broadsheet.web.tests.conftest import NOW

pytestmark = pytest.mark.django_db
Papers = dict[str, list[Paper]]
Post = Callable[..., str]


@pytest.fixture
def papers(db: None) -> Papers:
    return record()


@pytest.fixture
def ada(papers: Papers) -> Reader:
    ada = reader("ada")
    vote(ada, *papers["bees"][:4], *papers["stars"][:3])
    return ada


@pytest.fixture
def browser_of_ada(ada: Reader) -> Client:
    return signed_in(ada)


@pytest.fixture
def post(browser_of_ada: Client) -> Post:
    """Send a form of the page and go where it leads."""

    def send(address: str, **values: object) -> str:
        response = browser_of_ada.post(f"/foryou/profile/{address}", values, follow=True)
        assert response.status_code == 200, (address, values, response.status_code)
        return response.content.decode()

    return send


def text(client: Client, address: str = "/foryou/profile") -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_shows_interests_with_examples_words_and_what_was_told(
    ada: Reader, browser_of_ada: Client, papers: Papers
) -> None:
    signals.wish(ada, "peal of <bells>", NOW)
    signals.seed(ada, [papers["bees"][5].pk], "bibtex", NOW)
    said = text(browser_of_ada)
    assert said.count('class="page-of-taste') == 2
    assert papers["bees"][0].title in said and "you voted for it" in said
    assert "peal of &lt;bells&gt;" in said and "from a bibliography" in said
    assert said.count("Not this") > 10 and "style=" not in said
    assert browser_of_ada.get("/foryou/profile")["Cache-Control"].startswith("max-age=0")


def test_whoever_told_nothing_is_shown_the_way(papers: Papers) -> None:
    said = text(signed_in(reader("bo")))
    assert "Nothing is known of you yet" in said and "/foryou/start" in said


def test_strangers_sign_in_first(client: Client, papers: Papers) -> None:
    for address in ("/foryou/profile", "/foryou/profile.json", f"/foryou/why/{papers['bees'][0].key}"):
        assert client.get(address).status_code == 303
    assert client.post("/foryou/profile/start-over").status_code == 303


def test_an_interest_is_named_weighed_and_deleted_and_comes_back(ada: Reader, post: Post, papers: Papers) -> None:
    number = papers["bees"][0].pk
    assert "Bees at home" in post("interest", do="name", number=number, name="Bees at home")
    page = post("interest", do="weigh", number=number, weight="2")
    assert re.search(r'value="2" aria-pressed="true"', page)
    bees = next(one for one in portrait(ada).interests if one.named)
    assert (bees.name, bees.weight) == ("Bees at home", 2.0)

    page = post("interest", do="delete", number=bees.anchor, name=bees.name)
    assert "Bring all of it back" in page and page.count('class="page-of-taste') == 1
    (gone,) = portrait(ada).removed
    page = post("undo", kind="together", value=gone.name, at=gone.at.isoformat())
    assert page.count('class="page-of-taste') == 2 and "Bees at home" in page


def test_papers_and_words_are_taken_out_and_come_back(ada: Reader, post: Post, papers: Papers) -> None:
    number = papers["bees"][0].pk
    assert "Taken out" in post("not-this", kind="paper", value=number)
    post("not-this", kind="word", value="telescope")
    assert set(Tuned.objects.values_list("kind", "value", "weight")) == {
        ("paper", str(number), 0.0), ("word", "telescope", 0.0)
    }  # fmt: skip
    post("undo", kind="paper", value=number)
    post("undo", kind="word", value="telescope")
    assert not Tuned.objects.exists()


def test_what_was_told_is_forgotten_on_request(ada: Reader, post: Post, papers: Papers) -> None:
    signals.wish(ada, "peal of bells", NOW)
    signals.seed(ada, [papers["bees"][5].pk], "bibtex", NOW)
    signals.opine(ada, papers["bread"][0], False, "list", NOW)
    post("forget", kind="wish", value="peal of bells")
    post("forget", kind="seeds", value="bibtex")
    post("forget", kind="opinion", value=papers["bread"][0].pk)
    assert not (Wish.objects.exists() or Seed.objects.exists() or Opinion.objects.exists())


def test_starting_over_asks_first(ada: Reader, browser_of_ada: Client, post: Post) -> None:
    assert "cannot be undone" in text(browser_of_ada, "/foryou/profile/start-over")
    assert portrait(ada).examples == 7
    assert "Votes and saves of before" in post("start-over", votes="out")
    assert portrait(ada).examples == 0


def test_the_sum_of_a_paper_adds_up_on_its_page_and_in_the_api(browser_of_ada: Client, papers: Papers) -> None:
    said = text(browser_of_ada, f"/foryou/why/{papers['bees'][6].key}")
    shown = re.findall(r'weight-points">([+−-]?[\d.]+)', said.partition('id="likes"')[0])
    *parts, total = [float(number.replace("−", "-")) for number in shown]
    assert sum(parts) == pytest.approx(total, abs=2)
    assert papers["bees"][0].title in said and "honey" in said
    assert "most of its points are its own" in text(browser_of_ada, f"/foryou/why/{papers['bees'][0].key}")
    assert browser_of_ada.get("/foryou/why/nothing").status_code == 404


def test_a_papers_page_says_what_it_is_to_its_reader_and_to_nobody_else(
    client: Client, browser_of_ada: Client, papers: Papers
) -> None:
    address = f"/papers/{papers['bees'][6].key}"
    assert f"/foryou/why/{papers['bees'][6].key}" in text(browser_of_ada, address)
    assert "/foryou/why/" not in text(client, address)


def test_the_profile_is_a_file_too(browser_of_ada: Client) -> None:
    response = browser_of_ada.get("/foryou/profile.json")
    assert "attachment" in response["Content-Disposition"]
    assert json.loads(response.content)["form"] == "broadsheet-profile/1"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("address", "values"),
    [
        ("interest", {"do": "name", "number": "x"}),
        ("interest", {"do": "weigh", "number": "1", "weight": "nan"}),
        ("interest", {"do": "weigh", "number": "1", "weight": "heavy"}),
        ("interest", {"do": "delete", "number": "9" * 18}),
        ("interest", {"do": "delete", "number": "-"}),
        ("not-this", {"kind": "paper", "value": "٣"}),
        ("not-this", {"kind": "paper", "value": "9" * 40}),
        ("not-this", {"kind": "word", "value": ""}),
        ("not-this", {"kind": "word", "value": "x" * 200}),
        ("undo", {"kind": "together", "value": "x", "at": "yesterday"}),
        ("undo", {"kind": "together", "value": "x", "at": "2024-05-27T10:00:00"}),
    ],
)
def test_nonsense_is_refused_with_a_sentence(browser_of_ada: Client, address: str, values: dict[str, str]) -> None:
    response = browser_of_ada.post(f"/foryou/profile/{address}", values)
    assert response.status_code == 400
    assert not Tuned.objects.exists()
