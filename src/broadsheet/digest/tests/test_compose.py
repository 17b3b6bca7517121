import email
import email.policy
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from random import Random

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from broadsheet.digest import confirming, galleys, links
from broadsheet.digest.compose import Composed, compose, list_name, span, subject
from broadsheet.digest.galleys import Galleys
from broadsheet.digest.lint import MOST_BYTES, check
from broadsheet.digest.models import Digest, Mail, Subscription
from broadsheet.mail.messages import Letter, build
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.record.identifiers import arxiv_id
from broadsheet.record.paper import Author, PaperData

NOW = datetime(2024, 5, 27, 7, tzinfo=UTC)
MONDAY = date(2024, 5, 27)
WHY = [{"kind": "trending"}]
HOSTILE = (
    "<script>alert(1)</script>",
    "Wind\r\nBcc: all@lab.example\r\n\r\nbody",
    'x" onmouseover="alert(1)',
    "</td></tr></table><h1>Pay here</h1>",
    "{{ unsubscribe }} {% load x %} {# foot #}",
    "%(vote)s %s %n 100%",
    "\ue0001\ue001 slot",
    "javascript:alert(1) https://evil.example/a",
    "a\u202egnp.exe b\u2066c\u2069 \x00\x08\x1b[31m",
    "half \ud800 of a sign",
    "<!-- [if mso]> --> ]]> &amp; &lt;b&gt;",
    "$\\text{<img src=x onerror=alert(1)>}$",
    "<a href='https://evil.example'>click</a>",
)


def paper(number: int = 1, **changes: object) -> PaperData:
    values: dict[str, object] = {
        "source": "arxiv-oai",
        "title": f"Weather of small planets, part {number}",
        "abstract": "We measure the wind on small planets. " * 30,
        "identifiers": (arxiv_id(f"2405.{15000 + number}").identifier,),
        "authors": tuple(Author(name) for name in ("Ada Lum", "Bo Brandt", "Cy Corso", "Di Dell", "Ed Eck", "Fi Faro")),
        "categories": ("cs.CL", "cs.LG"),
        "submitted": NOW,
        "announced": MONDAY,
        "announced_by": "listing",
        "signals": (("upvotes", 100 - number),),
    }
    return PaperData(**(values | {"raw_hash": f"{number:064x}"} | changes))  # type: ignore[arg-type]


def record(*papers: PaperData) -> dict[int, Paper]:
    ingest(papers, now=NOW)
    return {found.pk: found for found in Paper.objects.order_by("pk")}


def subscription(**changes: object) -> Subscription:
    values: dict[str, object] = {"address": "ada@lab.example", "lists": ["trending", "category/cs.CL"], "asked": NOW}
    return Subscription(pk=7, **(values | {"time_zone": "Europe/Berlin"} | changes))


def digest(papers: Mapping[int, Paper], **changes: object) -> Digest:
    picks = [{"paper": p.key, "id": p.pk, "list": "trending", "why": WHY, "also": []} for p in papers.values()]
    values: dict[str, object] = {"first": MONDAY, "last": MONDAY, "state": "composed", "picks": picks, "made": NOW}
    return Digest(pk=9, subscription=subscription(), **(values | changes))


def link(
    subscription: Subscription, purpose: str, *, paper: int | None = None, digest: int | None = None, now: datetime
) -> str:
    """A stand-in as long as a real link."""
    made = links.token(subscription, purpose, paper=paper, digest=digest, now=now)
    return f"https://papers.lab.example/digest/{purpose}/{made}"


def composed(papers: Mapping[int, Paper], wanted: Subscription | None = None, **changes: object) -> Composed:
    return compose(digest(papers, **changes), wanted or subscription(), papers, links=link, now=NOW)


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _value in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.mark.django_db
def test_a_mail_holds_all_a_reader_needs_in_both_parts() -> None:
    papers = record(paper(1), paper(2))
    mail = composed(papers)
    html = " ".join(" ".join(Elements(mail.html).words).split())
    for part in (html, " ".join(mail.text.split())):
        for words in (
            "Monday, 27 May 2024", "Weather of small planets, part 1", "Ada Lum, Bo Brandt, Cy Corso, Di Dell",
            "and 2 more", "99 votes", "cs.CL, cs.LG", "We measure the wind", "Why here: Trending here.",
            "ada@lab.example asked for it", "on days with new papers, from 07:00 on in Europe/Berlin",
            "from the trending papers, cs.CL", "Change what you get", "Unsubscribe",
        ):  # fmt: skip
            assert words in part, words
    assert mail.subject == "Weather of small planets, part 1, and 1 more"
    assert check(mail.html, mail.text) == []


@pytest.mark.django_db
def test_every_act_has_its_own_link_in_both_parts() -> None:
    papers = record(paper(1), paper(2))
    mail = composed(papers)
    found = Elements(mail.html).links
    for purpose in ("vote", "save", "less"):
        made = [link(subscription(), purpose, paper=number, now=NOW) for number in papers]
        assert [address for address in found if f"/{purpose}/" in address] == made
        assert all(address in mail.text for address in made)
    for purpose, values in (("archive", {"digest": 9}), ("preferences", {}), ("unsubscribe", {})):
        address = link(subscription(), purpose, now=NOW, **values)
        assert address in found and address in mail.text


@pytest.mark.django_db
@pytest.mark.parametrize("words", HOSTILE)
def test_no_text_of_a_paper_becomes_markup_a_slot_or_a_header(words: str) -> None:
    data = paper(
        1, title=f"Fair {words} end", abstract=f"Then {words} and on.", authors=(Author(words), Author("Bo Brandt"))
    )
    papers = record(paper(2))
    held = next(iter(papers.values()))
    # The door to the record tidies some of this; a mail does not rely on it.
    held.title, held.abstract = data.title, data.abstract
    held.authors = [{"name": author.name} for author in data.authors]
    held.listing = {"organisation": ["lab", words]}
    plain = composed(record(paper(2)))
    mail = composed(papers)
    assert check(mail.html, mail.text) == [] or words.startswith(("{{", "%"))
    before, after = Elements(plain.html), Elements(mail.html)
    assert (before.tags, before.attributes, before.links) == (after.tags, after.attributes, after.links)
    assert "\n" not in mail.subject and mail.subject.isprintable()
    assert mail.text.count("/digest/vote/") == 1 and mail.html.count("/digest/vote/") == 1
    for hidden in "\u202e\u2066\x00\x08\x1b\r\ud800\ue000":
        assert hidden not in mail.html + mail.text + mail.subject


@pytest.mark.thorough
@pytest.mark.django_db
def test_fuzzed_titles_and_names_add_no_header_and_no_element() -> None:
    random = Random(5)
    papers = record(paper(1))
    held = next(iter(papers.values()))
    expected = Elements(composed(papers).html).tags
    pool = [
        "\r\n",
        "\n",
        "\r",
        "\u2028",
        "\x0b",
        "Bcc: x@y.example",
        "=?utf-8?q?a?=",
        "<b>",
        "&",
        '"',
        "'",
        "%",
        "{{",
        "}}",
    ]
    pool += ["$", "\\", "\U0001f600", "ש", "東", "\u0301", " ", "a", ":", "<!--", "-->", "{%", "%}", "\x00", "]]>"]
    for _round in range(60):
        held.title = "T" + "".join(random.choices(pool, k=random.randrange(1, 40)))
        held.abstract = "A" + "".join(random.choices(pool, k=random.randrange(1, 80)))
        held.authors = [{"name": "N" + "".join(random.choices(pool, k=12))}]
        mail = composed(papers)
        assert Elements(mail.html).tags == expected
        read = sent(mail)
        assert sorted(read.keys()) == sorted(sent(composed_of("Fair", papers)).keys())
        assert all(len(line) <= 998 for line in raw(mail).split(b"\r\n"))


def composed_of(title: str, papers: dict[int, Paper]) -> Composed:
    next(iter(papers.values())).title = title
    return composed(papers)


def raw(mail: Composed) -> bytes:
    return build(
        Letter(
            sender="papers@lab.example", to="ada@lab.example", subject=mail.subject, text=mail.text, html=mail.html,
            message_id="<d1@lab.example>", date=NOW,
        )
    )  # fmt: skip


def sent(mail: Composed) -> email.message.EmailMessage:
    return email.message_from_bytes(raw(mail), policy=email.policy.default)


@pytest.mark.django_db
def test_both_parts_come_back_from_the_bytes_that_are_sent() -> None:
    mail = composed(record(paper(1, title="Über kleine Planeten: 小さな惑星 and שלום")))
    read = sent(mail)
    assert read["Subject"] == mail.subject
    parts = {part.get_content_type(): part.get_content() for part in read.iter_parts()}
    assert parts["text/plain"].replace("\r\n", "\n") == mail.text
    assert parts["text/html"].replace("\r\n", "\n").strip() == mail.html.strip()


@pytest.mark.django_db
def test_fifty_papers_of_the_worst_size_stay_under_what_gmail_shows() -> None:
    many = record(*(paper(number) for number in range(1, 51)))
    for held in many.values():
        held.title, held.abstract = '"&東' * 300, "'&東京'. " * 400
        held.authors = [{"name": "&東" * 90}] * 20
        held.listing = {"organisation": ["lab", "&'" * 200]}
    mail = composed(many)
    assert len(mail.html.encode()) < MOST_BYTES
    assert check(mail.html, mail.text) == []
    assert re.search(r"\d+ more papers are there", mail.html) and "more papers are there" in mail.text
    assert "/digest/unsubscribe/" in mail.html


@pytest.mark.django_db
def test_fifty_usual_papers_are_all_there() -> None:
    mail = composed(record(*(paper(number) for number in range(1, 51))))
    assert len(mail.html.encode()) < MOST_BYTES
    assert mail.html.count("<h2") == 50 and "more papers are there" not in mail.html


@pytest.mark.django_db
def test_lines_of_the_text_part_fit_in_72_columns_but_for_links() -> None:
    title = "A very long title about the weather of planets that are smaller than most of the others"
    mail = composed(record(paper(1, title=title), paper(2, title="小さな惑星の天気についての長い題名" * 4)))
    for line in mail.text.splitlines():
        wide = sum(2 if ord(char) > 0x2E7F else 1 for char in line)
        assert wide <= 72 or "https://" in line, line
    assert mail.text.isascii() or "小さな惑星" in mail.text


@pytest.mark.django_db
def test_formulas_read_as_a_line_in_both_parts_and_in_the_subject() -> None:
    mail = composed(record(paper(1, title=r"Mixing in $O(n^2 \log n)$ for $\alpha$-stable noise")))
    for part in (mail.subject, mail.text, " ".join(Elements(mail.html).words)):
        assert "O(n² log n)" in part and "α-stable" in part and "$" not in part and "\\" not in part


@pytest.mark.django_db
def test_titles_from_right_to_left_and_of_east_asia_stay_whole() -> None:
    mail = composed(record(paper(1, title="מזג האוויר בכוכבי לכת קטנים"), paper(2, title="小さな惑星の天気")))
    assert '<h2 dir="auto"' in mail.html
    assert "מזג האוויר בכוכבי לכת קטנים" in mail.html and "小さな惑星の天気" in mail.text
    assert mail.subject.startswith("מזג האוויר")


@pytest.mark.django_db
def test_the_same_digest_gives_the_same_mail_with_shared_galleys_or_without() -> None:
    papers = record(paper(1), paper(2))
    shared = Galleys()
    alone = composed(papers)
    first, again = (
        compose(digest(papers), subscription(), papers, links=link, now=NOW, galleys=shared) for _time in range(2)
    )
    assert alone == first == again


@pytest.mark.django_db
def test_galleys_hold_nothing_of_one_reader_that_another_would_get() -> None:
    papers, shared = record(paper(1)), Galleys()
    mails = []
    for number in (7, 8):
        wanted = subscription(address=f"reader{number}@lab.example")
        wanted.pk = number
        mails.append(compose(digest(papers), wanted, papers, links=link, now=NOW, galleys=shared))
    own = set(Elements(mails[0].html).links) & set(Elements(mails[1].html).links)
    assert not any("/digest/" in address for address in own)
    assert "reader7@" not in mails[1].html + mails[1].text


@pytest.mark.django_db
def test_galleys_begin_anew_when_they_are_full(monkeypatch: pytest.MonkeyPatch) -> None:
    papers = record(*(paper(number) for number in range(1, 7)))
    expected = composed(papers)
    monkeypatch.setattr(galleys, "KEPT", 3)
    assert composed(papers) == expected


@pytest.mark.django_db
def test_composing_asks_the_database_for_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    papers = record(paper(1), paper(2))
    wanted = subscription()
    with django_assert_num_queries(1):
        shared = Galleys.of(papers)
    with django_assert_num_queries(0):
        compose(digest(papers), wanted, papers, links=link, now=NOW, galleys=shared)


@pytest.mark.django_db
def test_near_duplicates_stand_under_their_paper() -> None:
    papers = record(paper(1), paper(2, title="The same wind, told by others"))
    one, two = papers.values()
    picks = [{"paper": one.key, "id": one.pk, "list": "trending", "why": WHY, "also": [two.key, "2405.99999"]}]
    mail = composed(papers, picks=picks)
    assert mail.html.count("<h2") == 1 and "The same story:" in mail.html
    assert "The same story: The same wind, told by others" in mail.text and "/papers/2405.15002" in mail.text


@pytest.mark.django_db
def test_what_was_taken_off_the_lists_since_is_left_out() -> None:
    papers = record(paper(1), paper(2))
    one, two = papers.values()
    one.hidden = True
    mail = composed(papers)
    assert "part 1" not in mail.html + mail.text and mail.subject == "Weather of small planets, part 2"
    two.withdrawn = True
    empty = composed(papers)
    assert "taken off the lists" in empty.html and empty.subject == "Papers for you"
    assert check(empty.html, empty.text) == []


@pytest.mark.django_db
def test_a_digest_of_an_edition_that_is_not_complete_says_so() -> None:
    papers = record(paper(1))
    assert "not complete yet" not in composed(papers).html
    mail = composed(papers, partial=True)
    assert "not complete yet" in mail.html and "not complete yet" in mail.text


@pytest.mark.django_db
def test_those_who_want_plain_text_get_no_html() -> None:
    papers = record(paper(1))
    mail = composed(papers, subscription(form="text"))
    assert mail.html == "" and mail.text == composed(papers).text and check("", mail.text) == []


@pytest.mark.django_db
def test_the_name_of_the_site_is_escaped_too(settings: Settings) -> None:
    settings.CONFIG = type(settings.CONFIG)(
        settings.CONFIG.home, {**settings.CONFIG.values, "site_name": "Lab <b>\r\nBcc: x"}
    )
    mail = composed(record(paper(1)))
    assert "Lab &lt;b&gt; Bcc: x" in mail.html and "<b>" not in mail.html and mail.text.startswith("Lab <b> Bcc: x\n")


@pytest.mark.parametrize("state", ["asked", "active"])
def test_the_mail_that_asks_a_mailbox_is_sound(state: str) -> None:
    asked = subscription(state=state, lists=["search/<script>"], time_zone="<i>")
    mail = confirming.composed(Mail(subscription=asked, address=asked.address), now=NOW)
    assert check(mail.html, mail.text) == []
    assert "search" not in mail.html and "&lt;i" not in mail.html and len(mail.html) < 8000


def test_subjects_are_one_short_line_without_pictures() -> None:
    assert subject("Wind\r\nBcc: a@b.example \U0001f680\U0001f525", 0) == "Wind Bcc: a@b.example"
    long = subject("A word and " * 40, 9)
    assert len(long) <= 110 and long.endswith("…, and 9 more")
    assert subject("\U0001f680", 0) == "Papers for you"


def test_days_and_lists_are_named_in_words() -> None:
    assert span(MONDAY, MONDAY) == "Monday, 27 May 2024"
    assert span(date(2024, 5, 25), MONDAY) == "25 to 27 May 2024"
    assert span(date(2024, 4, 29), MONDAY) == "29 April to 27 May 2024"
    assert span(date(2023, 12, 30), date(2024, 1, 2)) == "30 December 2023 to 2 January 2024"
    assert [list_name(key) for key in ("trending", "category/cs.CL", "foryou", "author/Ada Lum")] == [
        "the trending papers",
        "cs.CL",
        "what is chosen for you",
        "Ada Lum",
    ]


def test_the_programs_own_marks_are_what_the_templates_use() -> None:
    from broadsheet.digest.typeset import typeset

    assert typeset("digest") is typeset("digest")
    assert typeset("digest").story is not None and typeset("confirmation").story is None
