from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.lib.tests.quick import within
from broadsheet.markup.markdown import ATTRIBUTES, ELEMENTS, LONGEST, REL, mentioned, to_html

ADA = {"ada": "/readers/ada"}


class Elements(HTMLParser):
    """Every element of a piece of HTML, with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def is_harmless(html: str) -> bool:
    for tag, attributes in Elements(html).found:
        allowed = ATTRIBUTES.get(tag, set()) | ({"rel"} if tag == "a" else set())
        if tag not in ELEMENTS or not set(attributes) <= allowed:
            return False
        address = attributes.get("href")
        if address is not None and not address.lower().startswith(("http://", "https://", "mailto:", "/readers/ada")):
            return False
    return True


def links(html: str) -> list[str | None]:
    return [attributes.get("href") for tag, attributes in Elements(html).found if tag == "a"]


def test_markdown_becomes_what_it_means() -> None:
    made = to_html("One *two* **three** ~~four~~ `five`\n\n- six\n\n> seven\n\n| a |\n|---|\n| 8 |", {})
    for wanted in ("<em>two", "<strong>three", "<s>four", "<code>five", "<li>six", "<blockquote>", "<td>8</td>"):
        assert wanted in made


def test_headings_stay_below_those_of_the_page() -> None:
    assert to_html("# A\n\n## B\n\nC\n===", {}).split("\n\n") == ["<h4>A</h4>\n<h5>B</h5>\n<h4>C</h4>"]


def test_line_breaks_are_kept() -> None:
    assert to_html("one\ntwo", {}) == "<p>one<br>\ntwo</p>"


@pytest.mark.parametrize("text", ["$x_i$", r"\(x_i\)", "$$x_i$$", r"\[x_i\]", "$$\nx_i\n$$", "\\[\nx_i\n\\]"])
def test_every_way_to_write_a_formula_becomes_mathml(text: str) -> None:
    assert "<msub><mi>x</mi><mi>i</mi></msub>" in to_html(f"Let\n{text}\nbe", {})


def test_emphasis_does_not_eat_formulas() -> None:
    made = to_html(r"$a_1 * b_2$ and *$c_3 * d_4$* and \(e_5\) \[f_6\]", {})
    assert made.count("<msub>") == 6 and made.count("<em>") == 1


def test_lines_of_a_formula_are_no_list_and_no_heading() -> None:
    made = to_html("$$\na\n+ b\n- c\n= d\n$$", {})
    assert "<li>" not in made and "<h4>" not in made and made.count("<math") == 1


@pytest.mark.parametrize("text", ["`$x$`", "```\n$x$\n```", "    $x$", "`` \\(x\\) ``", "`a $x` b$"])
def test_maths_inside_code_stays_code(text: str) -> None:
    assert "<math" not in to_html(text, {}) and "<code>" in to_html(text, {})


@pytest.mark.parametrize("text", ["from $5 to $10", "$5/$10", "5 $ and 6 $", r"\$x\$", "US$5", "a $ b"])
def test_money_is_no_formula(text: str) -> None:
    assert "<math" not in to_html(text, {})


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java&#x0A;script:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](vbscript:x)",
        "[x](//elsewhere.example)",
        "[x](/account/logout)",
        "<javascript:alert(1)>",
        "[x](https://a.example 'title\" onmouseover=alert(1)')",
        'https://a.example/"onmouseover=alert(1)',
        "$\\href{javascript:alert(1)}{x}$",
        "$\\text{<script>alert(1)</script>}$",
        "</p></div><form action=/erase>",
        "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>",
        '```"><script>alert(1)</script>\nx\n```',
        "| a |\n|:-:|\n| <b style=color:red>x |",
        "1. x\n<svg onload=alert(1)>",
        "@ada<script>",
    ],
)
def test_nothing_that_runs_or_loads_comes_through(text: str) -> None:
    assert is_harmless(to_html(text, ADA))


def test_pictures_become_links() -> None:
    made = to_html("![a plot](https://a.example/p.png) [![badge](https://b.example/b.svg)](https://c.example)", {})
    assert "<img" not in made and links(made) == ["https://a.example/p.png", "https://c.example"]
    assert ">a plot</a>" in made and ">badge</a>" in made


def test_links_say_that_a_reader_made_them() -> None:
    assert all(
        attributes["rel"] == REL
        for tag, attributes in Elements(to_html("[x](https://a.example) <b@c.example> @ada", ADA)).found
        if tag == "a"
    )


def test_a_link_without_words_shows_its_address() -> None:
    assert ">https://a.example</a>" in to_html("[](https://a.example)", {})


def test_addresses_become_links_that_stop_before_the_full_stop() -> None:
    made = to_html("(see https://a.example/b_(c).) `https://code.example` https://d.example/e_f_g.", {})
    assert links(made) == ["https://a.example/b_(c)", "https://d.example/e_f_g"]


def test_only_readers_that_are_here_are_mentioned() -> None:
    made = to_html("@ada @Ada @bob a@ada @ada.example `@ada` [@ada](https://a.example)", ADA)
    assert links(made) == ["/readers/ada", "/readers/ada", "https://a.example"]


def test_mentions_are_found_once_each_outside_code_and_links() -> None:
    text = "@ada, @bob-2! @ADA `@code` [@link](https://a.example) me@mail @x.example @-no\n\n    @indented"
    assert mentioned(text) == ["ada", "bob-2"]


def test_control_characters_and_turned_writing_are_dropped() -> None:
    made = to_html("a\0b\x07c\u202ed\u2066e\ud800f &#x202e;g \x9b", {})
    assert made == "<p>abcde?f g</p>"


def test_what_is_too_long_is_cut() -> None:
    assert len(to_html("a" * (LONGEST + 10_000), {})) < LONGEST + 20


def test_a_text_that_would_fill_the_page_is_shown_as_it_was_written() -> None:
    text = "$" + "a^b_c" * 100 + "$\n" + "".join(f"$b_{{{number}}}" + "a^b_c" * 110 + "$ " for number in range(40))
    made = to_html(text, {})
    assert "<math" not in made and made.startswith("<p>$a^b_c")


PATHOLOGICAL = [
    "[", "]", "*", "_", ">", "`", "$", "!", "![", "[[]", "](", "*a ", "*a_", "~~", "<", "&", "\\", "@", "@a ", "- ",
    "|", "#", "> - ",
    "[a](", "![a](b)", "[![a](b)](c)", "\\(", "\\[", "\\[\n", "$$\n", "$a$ ", "https://", "[*", "**_*",
    "x\n", "\n  - a", "a\n=\n", "```\n", "~~~\n", "&#x202e;", "\n-\n", "<a:", "[`", "{", "é", "$\\sqrt{", "|-", "\n\n",
]  # fmt: skip


# What takes more than its size takes it in a shorter text too; that the longest is read in time is asked apart.
@pytest.mark.parametrize("length", [LONGEST // 4, pytest.param(LONGEST, marks=pytest.mark.slow)])
@pytest.mark.parametrize("piece", PATHOLOGICAL)
def test_hostile_texts_are_quick(piece: str, length: int) -> None:
    text = (piece * length)[:length]
    with within(5.0 * length / LONGEST):
        made = to_html(text, ADA)
        mentioned(text)
    assert is_harmless(made)


def test_a_table_cannot_fill_the_page_with_empty_cells() -> None:
    made = to_html("|" + "a|" * 100 + "\n|" + "-|" * 100 + "\n" + "x\n" * 4000, {})
    assert made.count("<td>") <= 4000


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "$",
                "$$",
                "\\(",
                "\\)",
                "\\[",
                "\\]",
                "`",
                "```\n",
                "*",
                "_",
                "[",
                "]",
                "(",
                ")",
                "!",
                "<",
                ">",
                "&",
                "@ada",
            ]
            + [
                "https://a.example",
                "javascript:",
                "&#x3c;",
                "<script>",
                "\n",
                "\n\n",
                "> ",
                "- ",
                "1. ",
                "# ",
                "|",
                "-|",
                "~",
            ]
            + [
                "\\frac",
                "{",
                "}",
                "x",
                "'",
                '"',
                "\\",
                "\0",
                "\u202e",
                "\ud800",
                "=",
                "    ",
                ":",
                "mailto:",
                "<math>",
                "é",
            ]
        ),
        max_size=40,
    ).map("".join)
)
def test_whatever_is_written_is_harmless(text: str) -> None:
    assert is_harmless(to_html(text, ADA))


@settings(max_examples=80, deadline=None)
@given(st.text(st.characters(), max_size=200))
def test_no_text_at_all_raises(text: str) -> None:
    assert is_harmless(to_html(text, ADA))
    mentioned(text)
