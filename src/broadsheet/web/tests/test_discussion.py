from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from broadsheet.community.models import Comment
from broadsheet.community.tests.factory import reader
from broadsheet.readers.models import Reader

Page = Callable[[str], str]
KEY = "2405.15001"
PAPER = f"/papers/{KEY}"
ON = f"/comment/on/{KEY}"
NASTY = [
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "[a](javascript:alert(1))",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    '"><svg onload=alert(1)>',
    "<style>*{display:none}</style>",
    "</textarea><script>alert(1)</script>",
    "$\\href{javascript:alert(1)}{x}$",
    "<a href='//evil.example' onclick='x()'>y</a>",
    "`</code><script>alert(1)</script>`",
]


@pytest.fixture
def ada(edition: int, client: Client) -> Reader:
    """A reader who is signed in on a site with an edition."""
    signed_in = reader(1)
    client.force_login(signed_in)
    return signed_in


def as_reader(member: Reader) -> Client:
    other = Client()
    other.force_login(member)
    return other


def write(client: Client, text: str, **more: object) -> Comment:
    response = client.post(ON, {"text": text, **more})
    assert response.status_code == 303, response.content.decode()[:500]
    comment = Comment.objects.latest("pk")
    assert response.headers["Location"] == f"{PAPER}#comment-{comment.pk}"
    return comment


def test_a_comment_stands_on_the_page_with_its_author(ada: Reader, client: Client, page: Page) -> None:
    comment = write(client, "The **wind** matters: $E = mc^2$.")
    html = page(PAPER)
    assert f'id="comment-{comment.pk}"' in html and "<strong>wind</strong>" in html and "<math" in html
    assert 'href="/readers/reader-1"' in html
    stranger = Client().get(PAPER).content.decode()
    assert "<strong>wind</strong>" in stranger and "Sign in to write a comment" in stranger


def test_answers_stand_below_what_they_answer(ada: Reader, client: Client, page: Page) -> None:
    first = write(client, "First")
    second = write(client, "Second")
    answer = write(client, "Answer", parent=first.pk)
    html = page(PAPER)
    places = [html.index(f'id="comment-{number}"') for number in (first.pk, answer.pk, second.pk)]
    assert places == sorted(places)
    assert 'class="comment depth-1"' in html


def test_a_preview_keeps_nothing_but_the_text(ada: Reader, client: Client) -> None:
    html = client.post(ON, {"text": "It is **so** & <b>", "preview": "1"}).content.decode()
    assert "<strong>so</strong>" in html and "It is **so** &amp; &lt;b&gt;</textarea>" in html
    assert not Comment.objects.exists()


@pytest.mark.thorough
@pytest.mark.parametrize("text", NASTY)
def test_nothing_that_could_run_reaches_a_page(ada: Reader, client: Client, page: Page, text: str) -> None:
    previewed = client.post(ON, {"text": text, "preview": "1"}).content.decode()
    write(client, text)
    for html in (page(PAPER), previewed):
        lower = html.lower()
        assert "<script>alert" not in lower and "<img" not in lower and "<style>" not in lower
        assert 'href="javascript' not in lower and 'href="data:' not in lower and "<svg onload" not in lower
        assert not any(f"<{tag} {event}" in lower for tag in "ai" for event in ("onclick", "onerror"))


def test_what_is_refused_keeps_what_was_typed(ada: Reader, client: Client) -> None:
    huge = "word " * 15_000
    refused = client.post(ON, {"text": huge})
    assert refused.status_code == 400 and 'role="alert"' in refused.content.decode()
    assert refused.content.decode().count("word ") >= 15_000
    for text in ("", "   \n ", "\0\0"):
        assert client.post(ON, {"text": text}).status_code == 400
    assert client.post(ON, {}).status_code == 400
    assert not Comment.objects.exists()


@pytest.mark.thorough
@pytest.mark.parametrize(
    "text", ["\0 nul", "\x1b[31m escape", "\ud800 half", "é\u202e turned", "@a " * 10_000, ">" * 5_000]
)
def test_odd_texts_are_kept_or_refused(ada: Reader, client: Client, page: Page, text: str) -> None:
    assert client.post(ON, {"text": text.encode(errors="replace").decode()}).status_code in (303, 400)
    page(PAPER)


def test_ten_thousand_mentions_break_nothing(ada: Reader, client: Client, page: Page) -> None:
    reader(2)
    text = " ".join(f"@reader-{number}" for number in range(10_000))[:9_000]
    assert client.post(ON, {"text": text}).status_code in (303, 400)
    page(PAPER)


@pytest.mark.parametrize("parent", ["nope", "-1", "99999999", "9" * 400, "1.5", "\0"])
def test_an_answer_to_nothing_is_refused(ada: Reader, client: Client, parent: str) -> None:
    assert client.post(ON, {"text": "Hello", "parent": parent}).status_code == 400


def test_an_answer_stays_with_its_paper(ada: Reader, client: Client) -> None:
    comment = write(client, "Here")
    elsewhere = client.post("/comment/on/2405.15002", {"text": "There", "parent": comment.pk})
    assert elsewhere.status_code == 400


def test_an_edit_shows_and_its_history_too(ada: Reader, client: Client, page: Page) -> None:
    comment = write(client, "The wind is weak.")
    form = page(f"/comment/{comment.pk}/edit")
    assert "The wind is weak.</textarea>" in form
    looked = client.post(f"/comment/{comment.pk}/edit", {"text": "The *wind*", "preview": "1"}).content.decode()
    assert "<em>wind</em>" in looked
    response = client.post(f"/comment/{comment.pk}/edit", {"text": "The wind is strong."})
    assert response.headers["Location"] == f"{PAPER}#comment-{comment.pk}"
    html = page(PAPER)
    assert "The wind is strong." in html and f"/comment/{comment.pk}/history" in html
    told = page(f"/comment/{comment.pk}/history")
    assert "The wind is weak." in told and "The wind is strong." in told


def test_only_its_author_edits_and_deletes(ada: Reader, client: Client) -> None:
    comment = write(client, "Mine")
    other = as_reader(reader(2))
    assert other.get(f"/comment/{comment.pk}/edit").status_code == 400
    assert other.post(f"/comment/{comment.pk}/edit", {"text": "Yours"}).status_code == 400
    assert other.post(f"/comment/{comment.pk}/delete").status_code == 400
    html = other.get(PAPER).content.decode()
    assert f"/comment/{comment.pk}/edit" not in html and f"/comment/{comment.pk}/delete" not in html
    comment.refresh_from_db()
    assert (comment.text, comment.state) == ("Mine", "shown")


def test_a_deleted_comment_leaves_its_answers(ada: Reader, client: Client, page: Page) -> None:
    comment = write(client, "Gone soon")
    write(client, "But I stay", parent=comment.pk)
    assert client.post(f"/comment/{comment.pk}/delete").status_code == 303
    html = page(PAPER)
    assert "Gone soon" not in html and "But I stay" in html and "Its author deleted this comment." in html
    assert client.get(f"/comment/{comment.pk}/history").status_code == 404


def test_a_removed_comment_says_why_and_where_that_stands(ada: Reader, client: Client, page: Page) -> None:
    comment = write(client, "Buy my pills")
    judge = as_reader(reader(9, role="moderator"))
    assert "Remove this comment" in judge.get(PAPER).content.decode()
    done = judge.post(f"/desk/comment/{comment.pk}", {"do": "remove", "reason": "An <b>advertisement</b>"})
    assert done.status_code == 303
    html = page(PAPER)
    assert "pills" not in html and "An &lt;b&gt;advertisement&lt;/b&gt;" in html and 'href="/moderation"' in html
    assert judge.post(f"/desk/comment/{comment.pk}", {"do": "restore", "reason": "It was none"}).status_code == 303
    assert "pills" in page(PAPER)


def test_a_frozen_discussion_says_so_and_takes_nothing(ada: Reader, client: Client, page: Page) -> None:
    judge = as_reader(reader(9, role="moderator"))
    assert judge.post(f"/desk/paper/{KEY}", {"do": "freeze", "reason": "Too hot"}).status_code == 303
    html = page(PAPER)
    assert "A moderator froze this discussion" in html and "Too hot" in html and 'id="comment-text"' not in html
    refused = client.post(ON, {"text": "But I have something to say"})
    assert refused.status_code == 400 and "But I have something to say</textarea>" in refused.content.decode()
    judge.post(f"/desk/paper/{KEY}", {"do": "thaw", "reason": "Cooled"})
    write(client, "Now I can")


def test_a_report_names_its_subject_and_goes_to_the_desk(ada: Reader, client: Client) -> None:
    comment = write(client, "Buy my pills")
    other = as_reader(reader(2))
    assert other.get(f"/report/comment:{comment.pk}").status_code == 200
    nothing = other.post(f"/report/comment:{comment.pk}", {"says": "spam!"})
    assert nothing.status_code == 400 and "spam!</textarea>" in nothing.content.decode()
    sent = other.post(f"/report/comment:{comment.pk}", {"cause": "spam", "says": "It sells <b>pills</b>"})
    assert sent.status_code == 303 and f"#comment-{comment.pk}" in sent.headers["Location"]
    desk = as_reader(reader(9, role="moderator")).get("/desk/reports").content.decode()
    assert "It sells &lt;b&gt;pills&lt;/b&gt;" in desk


@pytest.mark.parametrize(
    "subject", ["comment:0", "comment:x", "nonsense", "paper:nope", "reader:", ":", "%00", "x" * 900]
)
def test_a_report_of_nothing_is_refused(ada: Reader, client: Client, subject: str) -> None:
    assert client.get(f"/report/{subject}").status_code in (400, 404)
    assert client.post(f"/report/{subject}", {"cause": "spam"}).status_code in (400, 404)


@pytest.mark.parametrize("address", ["/comment/0/edit", "/comment/99/edit", f"/comment/{'9' * 30}/history"])
def test_a_comment_that_is_not_there_is_404(ada: Reader, client: Client, address: str) -> None:
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("address", [f"{ON}", "/report/paper:2405.15001", f"/claim/{KEY}", f"/link/{KEY}", "/submit"])
def test_forms_send_strangers_to_sign_in_and_back(edition: int, client: Client, address: str) -> None:
    assert client.get(address).headers["Location"].endswith(f"?next={address}".replace(":", "%3A"))
    assert client.post(address, {"text": "x"}).status_code == 303


def test_more_comments_need_no_more_queries(ada: Reader, client: Client) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(PAPER).status_code == 200
        return len(captured)

    first = write(client, "One")
    few = asked()
    for number in range(8):
        write(client, f"Number {number}", parent=first.pk)
    assert asked() == few <= 35


def test_links_are_added_shown_with_who_added_them_and_removed(ada: Reader, client: Client, page: Page) -> None:
    sent = client.post(f"/link/{KEY}", {"kind": "model", "url": "https://models.example/planets"})
    assert (sent.status_code, sent.headers["Location"]) == (303, f"{PAPER}#links")
    html = page(PAPER)
    assert 'href="https://models.example/planets" rel="nofollow ugc noopener external"' in html and "added by" in html
    assert "https://models.example/planets" in page("/date/2024-05-27")
    number = html.split("/link/")[1].split("/remove")[0] if "/remove" in html else "0"
    assert client.post(f"/link/{number}/remove").status_code == 303
    assert "https://models.example/planets" not in page(PAPER)


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("code", "javascript:alert(1)"), ("code", "http://127.0.0.1/"), ("code", "http://localhost/x"), ("code", ""),
        ("nonsense", "https://a.example/"), ("", "https://a.example/"), ("code", "https://u:p@a.example/"),
        ("code", "http://["), ("code", "https://a.example/\0"), ("code", "https://a.example/" + "x" * 9000),
        ("code", "ftp://a.example/x"), ("code", '"><script>alert(1)</script>'),
    ],
)  # fmt: skip
def test_links_of_an_unsafe_shape_are_refused(ada: Reader, client: Client, kind: str, url: str) -> None:
    refused = client.post(f"/link/{KEY}", {"kind": kind, "url": url})
    html = refused.content.decode()
    assert refused.status_code in (303, 400) and "<script>alert" not in html
    if refused.status_code == 303:
        assert "\0" in url
