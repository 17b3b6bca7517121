"""What is written comes out of the standard library's parser as it went in, and nothing else does."""

import email
import email.policy
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from broadsheet.mail.messages import Letter, Unsendable, address, build, clean, host, message_id, needs_utf8

LETTER = Letter(
    sender="papers@lab.example",
    sender_name="Our papers",
    to="ada@reader.example",
    subject="Ten papers of Tuesday",
    text="One paper.\n.\n..dots\nFrom here on",
    html="<p style='color: red'>One paper.</p>\n",
    message_id="<d7.20260303@lab.example>",
    date=datetime(2026, 3, 3, 7, 30, tzinfo=timezone(timedelta(hours=2))),
    list_id="digest.lab.example",
    list_name="Our papers, daily",
    unsubscribe_url="https://lab.example/digest/stop/abc:def",
    unsubscribe_mailto="mailto:stop+abc@lab.example?subject=stop",
    feedback_id="daily:digest:broadsheet:lab",
)
NAMES = {
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "auto-submitted",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "feedback-id",
    "mime-version",
    "content-type",
}
# What people and attackers write: line ends of every kind, encoded words, quotes, half characters, long words.
PIECES = st.sampled_from(
    ["\r\n", "\n", "\r", "\x00", "\x0b", "\x85", "\u2028", "\r\nBcc: eve@evil.example\r\n", "\r\n\r\n<p>", " ", "\t"]
    + ["=?utf-8?q?=0D=0ABcc:_eve?=", '"', "\\", "<", ">", ",", ";", ":", "(", ")", "@", "é", "日本", "😀", "\u00a0"]
    + ["\ud800", "x" * 90, "x" * 1100, "è" * 500, "a b"]
)
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=20), st.characters()), max_size=8).map("".join)


def parsed(letter: Letter) -> EmailMessage:
    return email.message_from_bytes(build(letter), policy=email.policy.default)


def test_all_headers_of_bulk_mail_are_there() -> None:
    found = parsed(LETTER)

    assert {name.lower() for name in found} == NAMES
    assert str(found["From"]) == "Our papers <papers@lab.example>"
    assert found["Date"].datetime == LETTER.date
    assert found["List-Id"] == '"Our papers, daily" <digest.lab.example>'
    assert found["List-Unsubscribe"] == (
        "<https://lab.example/digest/stop/abc:def>, <mailto:stop+abc@lab.example?subject=stop>"
    )
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["Message-ID"] == "<d7.20260303@lab.example>"
    assert found["Feedback-ID"] == "daily:digest:broadsheet:lab"


def test_text_comes_first_and_both_bodies_are_whole() -> None:
    found = parsed(LETTER)

    kinds = [part.get_content_type() for part in found.iter_parts()]
    assert (found.get_content_type(), kinds) == ("multipart/alternative", ["text/plain", "text/html"])
    assert _content(found, "plain") == "One paper.\n.\n..dots\nFrom here on\n"
    assert _content(found, "html") == LETTER.html
    assert not found.defects


def test_a_long_link_in_a_header_stays_in_one_piece() -> None:
    link = f"<https://lab.example/{'x' * 200}>"

    assert parsed(replace(LETTER, headers=(("List-Help", link),)))["List-Help"] == link
    assert f"{link}\r\n".encode() in build(replace(LETTER, headers=(("List-Help", link),)))


def test_a_letter_without_html_is_one_part() -> None:
    found = parsed(replace(LETTER, html=""))

    assert found.get_content_type() == "text/plain"
    assert found.get_content().startswith("One paper.")


def test_the_same_letter_gives_the_same_bytes() -> None:
    assert build(LETTER) == build(replace(LETTER))


def test_without_https_nobody_is_told_of_one_click() -> None:
    found = parsed(replace(LETTER, unsubscribe_url="http://localhost:8000/stop/abc", unsubscribe_mailto=""))

    assert found["List-Unsubscribe"] == "<http://localhost:8000/stop/abc>"
    assert found["List-Unsubscribe-Post"] is None


def test_texts_of_other_alphabets_take_the_shorter_encoding() -> None:
    assert b"base64" in build(replace(LETTER, text="Статьи дня " * 50))
    assert b"base64" not in build(replace(LETTER, text="Les articles du jour, étonnants. " * 50))


@settings(max_examples=25, deadline=None)
@given(TEXTS, TEXTS)
@example("=?utf-8?q?x?=", "a" * 77)
@example("\r\nBcc: eve@evil.example", "\r\n\r\nHello")
def test_no_name_or_title_can_write_a_header(name: str, title: str) -> None:
    letter = replace(LETTER, sender_name=name, subject=title, list_name=title, headers=(("X-Edition", name),))
    written = build(letter)
    found = email.message_from_bytes(written, policy=email.policy.default)

    assert sorted(key.lower() for key in found) == sorted(NAMES | {"x-edition"})
    assert _unfolded(found["Subject"]) == _unfolded(clean(title))
    assert _unfolded(found["X-Edition"]) == _unfolded(clean(name))
    assert [one.addr_spec for one in found["From"].addresses] == ["papers@lab.example"]
    assert _name_shown(written) == _unfolded(clean(name))
    assert [part.get_content_type() for part in found.iter_parts()] == ["text/plain", "text/html"]
    _is_well_formed(written)


@settings(max_examples=25, deadline=None)
@given(TEXTS, TEXTS)
@example("--=_\r\n--", "x" * 5000)
def test_bodies_come_out_as_they_went_in(text: str, html: str) -> None:
    written = build(replace(LETTER, text=text, html=html or "<p>"))
    found = email.message_from_bytes(written, policy=email.policy.default)

    parts = [part.get_payload(decode=True) for part in found.iter_parts()]
    assert parts == [_as_sent(text), _as_sent(html or "<p>")]
    _is_well_formed(written)


@settings(max_examples=25, deadline=None)
@given(TEXTS)
@example("ada@reader.example\r\nBcc: eve@evil.example")
@example("ada@reader.example>,<eve@evil.example")
@example('"a b"@reader.example')
def test_what_is_taken_for_an_address_is_one(text: str) -> None:
    for candidate in (text, f"{text}@reader.example", f"ada@{text}"):
        try:
            found = address(candidate)
        except Unsendable:
            continue
        assert found.count("@") == 1
        assert not set(found) & set(' \t\r\n<>(),;:"[]\\\x00')
        assert found.partition("@")[2].isascii()


@pytest.mark.parametrize(
    "wrong", ["", "ada", "@x.example", "ada@", "a@b@c.example", "a..b@c.example", "ada@-x-.example"]
)
def test_what_is_no_address_is_refused_with_a_reason(wrong: str) -> None:
    with pytest.raises(Unsendable, match="not a"):
        address(wrong)


def test_addresses_of_an_impossible_length_are_refused() -> None:
    with pytest.raises(Unsendable, match="too long"):
        address("a" * 65 + "@reader.example")


def test_domains_outside_ascii_are_written_as_the_dns_knows_them() -> None:
    assert address("ada@Bücher.example") == "ada@xn--bcher-kva.example"
    assert host("例え.テスト") == "xn--r8jz45g.xn--zckzah"
    assert not needs_utf8("ada@bücher.example")
    assert needs_utf8("jürgen@lab.example")


def test_a_local_part_outside_ascii_stays_as_it_is() -> None:
    assert "To: jürgen@lab.example\r\n".encode() in build(replace(LETTER, to="jürgen@lab.example"))


@pytest.mark.parametrize(
    "change",
    [
        {"unsubscribe_url": "https://lab.example/>\r\nBcc: eve@evil.example"},
        {"unsubscribe_url": "javascript:alert(1)"},
        {"unsubscribe_url": "https://lab.example/" + "x" * 1000},
        {"message_id": "<a b@c>"},
        {"message_id": "d7@lab.example"},
        {"list_id": "digest lab"},
        {"headers": (("Bcc", "eve@evil.example"),)},
        {"headers": (("X-A", "1"), ("x-a", "2"))},
        {"headers": (("X-A:\r\nBcc", "1"),)},
        {"headers": (("Content-Disposition", "inline"),)},
        {"date": datetime(2026, 3, 3)},  # noqa: DTZ001 - a date without its zone is what is refused
    ],
)
def test_what_cannot_be_written_safely_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(Unsendable):
        build(replace(LETTER, **change))  # type: ignore[arg-type]


def test_the_name_of_a_mail_depends_on_its_row_and_day_alone() -> None:
    assert message_id(12, date(2026, 3, 3), "Lab.example") == "<d12.20260303@lab.example>"
    assert message_id(12, date(2026, 3, 4), "lab.example") != message_id(12, date(2026, 3, 3), "lab.example")


def _content(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(cast(EmailMessage, part).get_content()).replace("\r\n", "\n")


def _as_sent(text: str) -> bytes:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return (lines if lines.endswith("\n") else lines + "\n").replace("\n", "\r\n").encode("utf-8", "replace")


def _name_shown(written: bytes) -> str:
    """Read the name by the older parser: the newer one of Python 3.11 puts blanks between encoded words of a name."""
    raw = str(email.message_from_bytes(written)["From"]).replace("\r\n", "")
    return _unfolded(str(make_header(decode_header(parseaddr(raw)[0]))))


def _unfolded(text: str) -> str:
    """Some blanks outside ASCII count as blanks for the parser."""
    return " ".join(str(text).split())


def _is_well_formed(written: bytes) -> None:
    assert written.count(b"\n") == written.count(b"\r\n") == written.count(b"\r")
    assert max(map(len, written.split(b"\r\n"))) <= 998
    assert written.isascii()
