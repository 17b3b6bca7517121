import pytest

from broadsheet.digest.lint import check

TEXT = "Words\nhttps://papers.lab.example/\n"
HEAD = (
    '<html lang="en"><head><title>Papers</title><meta http-equiv="Content-Type" content="text/html; charset=UTF-8">'
    "<meta name='color-scheme' content='light dark'><style>@media (prefers-color-scheme: dark) { p { color: red } }"
    "</style></head><body>"
)


def mail(body: str = "", head: str = HEAD) -> str:
    heading = '<h1 style="margin:0">Papers</h1>'
    return f'{head}<table role="presentation"><tr><td style="padding:0">{heading}{body}</td></tr></table>'


def test_a_sound_mail_has_no_findings() -> None:
    assert (
        check(mail('<p style="margin:0"><a style="color:red" href="https://a.example/">The paper</a></p>'), TEXT) == []
    )
    assert check("", TEXT) == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("<script>1</script>", "<script>"),
        ("<form></form>", "<form>"),
        ('<link rel="stylesheet" href="x.css">', "<link>"),
        ("<table></table>", "role=presentation"),
        ('<img src="a" width="3">', "no text in its place"),
        ('<img src="a" alt="">', "no width"),
        ("<p>a</p>", "no inline style"),
        ('<p style="margin:0;float:left">a</p>', "float"),
        ('<div style="display: flex">a</div>', "flex"),
        ('<div style="position:absolute">a</div>', "position"),
        ('<div style="background:url(https://a.example/b.png)">a</div>', "url"),
        ('<div style="width:600px">a</div>', "600 pixels"),
        ('<table role="presentation" width="640"></table>', "640 pixels"),
        ('<a style="color:red" href="javascript:alert(1)">The paper</a>', "no whole address"),
        ('<a style="color:red" href="/papers/1">The paper</a>', "no whole address"),
        ('<a style="color:red" href="mailto:a@b.example">The paper</a>', "no whole address"),
        ('<a style="color:red" href="https://a.example/">here</a>', "does not tell where"),
        ('<a style="color:red" href="https://a.example/"></a>', "does not tell where"),
        ('<p style="margin:0" onclick="x()">a</p>', "runs a script"),
        ("{{ story.title }}", "not filled in"),
        ("%(vote)s", "not filled in"),
        ("a\x1bb", "control character"),
        ('<h3 style="margin:0">a</h3>', "level 3 follows"),
        ('<h1 style="margin:0">a</h1>', "2 main headings"),
        ("a" * 100_000, "clip"),
        ("<style>@import 'a.css'</style>", "@import"),
        (f"<style>{'a{}' * 3000}</style>", "dropped by Gmail"),
    ],
)
def test_each_quirk_is_found(body: str, says: str) -> None:
    assert any(says in finding for finding in check(mail(body), TEXT)), check(mail(body), TEXT)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (' lang="en"', "", "language"),
        ("<title>Papers</title>", "", "title"),
        ("charset=UTF-8", "charset=latin1", "charset"),
        ("prefers-color-scheme", "x", "dark mode"),
    ],
)
def test_what_the_head_lacks_is_found(before: str, after: str, says: str) -> None:
    assert any(says in finding for finding in check(mail(head=HEAD.replace(before, after)), TEXT))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("a https://a.example {{ site }}", "filled"),
        ("words", "no link"),
        ("a" * 1000, "longer"),
        ("\x07", "control"),
    ],
)
def test_what_the_text_lacks_is_found(text: str, says: str) -> None:
    assert any(says in finding for finding in check("", text))
