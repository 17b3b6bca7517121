from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from broadsheet.community import links
from broadsheet.community.models import Act, AddedLink, Claim
from broadsheet.community.tests.factory import NOON, a_paper, reader
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Notification, Reader
from broadsheet.readers.refused import Refused

pytestmark = pytest.mark.django_db
CODE = "https://github.com/ada/bees"


def curator() -> Reader:
    return reader(9, role="curator")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (CODE, CODE),
        ("  https://GitHub.com/Ada/Bees  ", "https://github.com/Ada/Bees"),
        ("HTTP://bees.example", "http://bees.example"),
        ("https://bees.example:8443/a?b=c#d", "https://bees.example:8443/a?b=c#d"),
        ("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4"),
        ("https://gіthub.com/x", "https://xn--gthub-n2e.com/x"),
        ("https://bees.example./x", "https://bees.example/x"),
        ("https://bees.example/%2e%2e?q=%20", "https://bees.example/%2e%2e?q=%20"),
        ("https://a_b.bees.example/~ada", "https://a_b.bees.example/~ada"),
        ("https://bees.xn--p1ai/", "https://bees.xn--p1ai/"),
    ],
)
def test_an_address_is_kept_in_one_plain_form(given: str, kept: str) -> None:
    assert links.check_url(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "", "bees", "bees.example", "//bees.example/x", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd",
        "ftp://bees.example", "https://", "https:///x", "https://user@bees.example", "https://user:pw@bees.example/",
        "https://github.com\\@evil.example/", "https://bees.example/a b", "https://bees.example/\x00", "https://bees\t.example",
        "http://localhost/", "http://localhost:8000/admin", "http://sub.localhost/", "http://intranet/", "http://router.lan",
        "http://printer.local/", "http://db.internal/", "http://a.home.arpa/", "http://x.onion/",
        "http://127.0.0.1/", "http://10.0.0.1", "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data",
        "http://8.8.8.8/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[fe80::1%25eth0]/", "http://[fd00::1]/",
        "http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://127.1/", "http://0/",
        "http://127.0.0.0x1/", "http://127。0。0。1/", "http://１２７.0.0.1/", "http://127.0.0.1./", "http://①②⑦.0.0.1/",
        "http://bees..example/", "http://.example/", "http://-bees.example/", "http://bees-.example", "http://bees.example:0x50",
        "http://bees.example:99999/", "http://bees.example:x/", "http://[::1", "http://bees.exam%70le/", "http://%31%32%37.0.0.1/",
        "https://" + "a" * 64 + ".example/", "https://" + "a." * 200 + "example/", "https://bees.example/" + "x" * 500,
        "https://bees.example/" + "ä" * 200, "x" * 1_000_000, "https://bees.example/\u202egpj.exe", "https://\ud800.example",
    ],
)  # fmt: skip
def test_what_is_no_public_address_is_refused(given: str) -> None:
    with pytest.raises(Refused):
        links.check_url(given)


@given(
    st.one_of(st.text(max_size=60), st.text(max_size=40).map("https://{}".format), st.from_regex(r"https?://[^/]*/?"))
)
@example("https://[v1.x]/")
@example("http://\u2488.example")
@hypothesis_settings(max_examples=100, deadline=None)
def test_whatever_is_kept_is_plain_bounded_and_stays_the_same(given: str) -> None:
    try:
        kept = links.check_url(given)
    except Refused as refused:
        assert str(refused)
    else:
        assert kept.isascii() and kept.isprintable() and len(kept) <= links.LONGEST and " " not in kept
        assert kept.startswith(("http://", "https://")) and "@" not in kept.split("/")[2]
        assert links.check_url(kept) == kept


def test_a_link_shows_at_once_and_is_found_by_paper() -> None:
    one, known = reader(1), a_paper(1)
    first = links.add(one, known, "code", CODE, now=NOON)
    second = links.add(one, known, "demo", "https://bees.example/", now=NOON + timedelta(minutes=1))
    assert links.of_papers([known.id, 77]) == {known.id: [first, second]}
    assert (first.kind, first.url, first.reader, first.state) == ("code", CODE, one, "shown")


def test_a_paper_has_a_link_once() -> None:
    known = a_paper(1)
    links.add(reader(1), known, "code", CODE, now=NOON)
    with pytest.raises(Refused, match="that link already"):
        links.add(reader(2), known, "project", "https://GITHUB.com/ada/bees", now=NOON)
    assert links.add(reader(3), a_paper(2), "code", CODE, now=NOON).state == "shown"


@pytest.mark.parametrize("kind", ["", "CODE", "malware", "code\0", "x" * 100_000])
def test_a_link_is_of_a_known_kind(kind: str) -> None:
    with pytest.raises(Refused, match="A link is one of"):
        links.add(reader(1), a_paper(1), kind, CODE, now=NOON)


def test_readers_add_so_many_a_day_and_authors_and_curators_any() -> None:
    one, known = reader(1), a_paper(1)
    for number in range(links.MOST_PER_DAY):
        links.add(one, known, "code", f"{CODE}{number}", now=NOON)
    with pytest.raises(Refused, match="within a day"):
        links.add(one, known, "code", CODE, now=NOON)
    Claim.objects.create(reader=one, paper=known, position=0, state="confirmed", proof="orcid", at=NOON)
    assert links.add(one, known, "code", CODE, now=NOON).state == "shown"
    for number in range(links.MOST_PER_PAPER - links.MOST_PER_DAY - 1):
        links.add(curator_of_all(), known, "code", f"https://bees.example/{number}", now=NOON)
    with pytest.raises(Refused, match="30 links already"):
        links.add(curator_of_all(), known, "code", "https://bees.example/more", now=NOON)


def curator_of_all() -> Reader:
    return Reader.objects.filter(role="curator").first() or curator()


def test_suspended_readers_add_nothing_and_hidden_papers_get_nothing() -> None:
    known = a_paper(1)
    with pytest.raises(Refused, match="Your account"):
        links.add(reader(1, state="suspended"), known, "code", CODE, now=NOON)
    Paper.objects.filter(id=known.id).update(hidden=True)
    with pytest.raises(Refused, match="off the lists"):
        links.add(reader(2), Paper.objects.get(), "code", CODE, now=NOON)


def test_a_curator_removes_a_link_with_a_reason_and_only_curators_bring_it_back() -> None:
    one, by, known = reader(1), curator(), a_paper(1)
    link = links.add(one, known, "code", CODE, now=NOON)
    with pytest.raises(Refused, match="Only curators"):
        links.remove(reader(2), link, "mine", now=NOON)
    with pytest.raises(Refused, match="Please give a reason"):
        links.remove(by, link, " ", now=NOON)
    links.remove(by, link, "Not the code of this paper", now=NOON)

    assert links.of_papers([known.id]) == {}
    act, note = Act.objects.get(), Notification.objects.get()
    assert (act.did, act.subject, act.about, act.affected) == ("remove", f"link:{link.pk}", CODE, one)
    assert (note.reader, note.kind, note.data["did"], note.data["reason"]) == (
        one, "moderation", "remove", "Not the code of this paper",
    )  # fmt: skip
    with pytest.raises(Refused, match="not here any more"):
        links.remove(by, link, "Twice", now=NOON)
    with pytest.raises(Refused, match="A curator removed this link"):
        links.add(one, known, "code", CODE, now=NOON)
    assert links.add(by, known, "code", CODE, now=NOON).state == "shown"


def test_readers_take_their_own_links_away_without_a_word() -> None:
    one, known = reader(1), a_paper(1)
    link = links.add(one, known, "code", CODE, now=NOON)
    links.remove(one, link, "", now=NOON)
    assert not AddedLink.objects.exists() and not Act.objects.exists()
    assert links.add(reader(2), known, "code", CODE, now=NOON).state == "shown"
