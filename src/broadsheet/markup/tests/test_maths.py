import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.markup.maths import LONGEST_FORMULA, as_text, render

ALLOWED = re.compile(r"</?(?:m[a-z]+|none|code|em|strong|mark|a)(?: [a-z]+=\"[^\"<>]*\")*>")


def only_known_elements(made: str) -> bool:
    return "<" not in ALLOWED.sub("", made)


def test_plain_text_is_escaped() -> None:
    assert render("a < b & c <script>alert(1)</script>") == "a &lt; b &amp; c &lt;script&gt;alert(1)&lt;/script&gt;"


@pytest.mark.parametrize("text", ["$x_i$", r"\(x_i\)", "$$x_i$$", r"\[x_i\]"])
def test_every_way_to_write_a_formula_becomes_mathml(text: str) -> None:
    assert "<msub><mi>x</mi><mi>i</mi></msub>" in render(f"Let {text} be")


def test_a_formula_keeps_the_blanks_around_it() -> None:
    made = render("an $O(n)$ bound")
    assert made.startswith("an <math") and made.endswith("</math> bound")


@pytest.mark.parametrize(
    "tex",
    [
        r"\text{<script>alert(1)</script>}",
        r"\text{&lt;script&gt;}",
        r"\href{javascript:alert(1)}{x}",
        r"\style{color:red}{x}",
        r"\class{evil}{x}",
        r"\color{red\" onload=\"alert(1)}{x}",
        "<img src=x onerror=alert(1)>",
        "x</math><script>1</script>",
    ],
)
def test_no_html_comes_through_a_formula(tex: str) -> None:
    made = render(f"before ${tex}$ after")
    assert only_known_elements(made)
    assert "javascript:" not in made.replace("&lt;", "") or "<code>" in made
    assert not re.search(r"<[^>]*\b(?:style|class|onload|onerror)=", made)


@pytest.mark.parametrize("tex", [r"\unknownmacro{x}", "_^", r"\left(", "x" * (LONGEST_FORMULA + 1)])
def test_what_cannot_be_read_stays_as_code(tex: str) -> None:
    made = render(f"${tex}$")
    assert made.startswith("<code>") and made.endswith("</code>")


def test_a_power_without_a_base_is_a_formula() -> None:
    assert "<msup>" in render("VILA$^2$")


def test_prices_are_not_formulas() -> None:
    assert "<math" not in render("from $5 to $10 an hour")


def test_tex_text_commands_become_what_they_mean() -> None:
    made = render(r"Fr\'echet's \emph{own} \textbf{way}, 30\% of ``it''")
    assert made == "Fréchet&#x27;s <em>own</em> <strong>way</strong>, 30% of “it”"


def test_addresses_become_links_that_stop_before_the_full_stop() -> None:
    assert render("See https://code.example/a.") == (
        'See <a href="https://code.example/a" rel="nofollow noopener external">https://code.example/a</a>.'
    )


def test_found_words_are_marked_outside_formulas() -> None:
    assert render("A loss of $loss$ <loss>", ("loss",)).count("<mark>loss</mark>") == 2


def test_as_text_gives_words_alone() -> None:
    assert as_text(r"\emph{A} $x$ & B") == "A x & B"


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab1 $\\{}()[]^_&<>\"'~/%frcsqtxm"), max_size=60))
def test_no_text_at_all_raises_or_lets_html_through(text: str) -> None:
    assert only_known_elements(render(text))
