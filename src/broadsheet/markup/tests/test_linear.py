import pytest

from broadsheet.markup import linear


@pytest.mark.parametrize(
    ("text", "plain", "html"),
    [
        ("$O(n^2)$", "O(n²)", "O(n<sup>2</sup>)"),
        ("$L_2$ and $x_i$", "L₂ and xᵢ", "L<sub>2</sub> and x<sub>i</sub>"),
        (r"$O(n \log n)$", "O(n log n)", "O(n log n)"),
        (r"$\alpha$-stable", "α-stable", "α-stable"),
        (r"$\frac{a+b}{2}$", "(a+b)/2", "(a+b)/2"),
        (r"$\sqrt{n}$ of $\hat{x}$", "√n of x\u0302", "√n of x\u0302"),
        (r"$\mathbb{R}^{d\times k}$", "ℝ^(d×k)", "ℝ<sup>d×k</sup>"),
        (r"$p<0.05$", "p < 0.05", "p &lt; 0.05"),
        (r"$f'(x)$", "f′(x)", "f′(x)"),
        (r"$\sum_{i}^{n}$", "∑ᵢⁿ", "∑<sub>i</sub><sup>n</sup>"),
        (r"\textbf{Bold} & <b>", "Bold & <b>", "<strong>Bold</strong> &amp; &lt;b&gt;"),
        (r"$\unknowncommand{x}$", r"\unknowncommand{x}", r"<code>\unknowncommand{x}</code>"),
        ("no maths, $5 to $10", "no maths, $5 to $10", "no maths, $5 to $10"),
        ("", "", ""),
    ],
)
def test_formulas_stand_in_one_line(text: str, plain: str, html: str) -> None:
    assert linear.as_text(text) == plain
    assert linear.as_html(text) == html


def test_nothing_of_a_formula_is_markup() -> None:
    html = linear.as_html(r"$\text{<script>alert(1)</script>}$ $x^{<img>}$ <math><mi>y</mi></math>")
    assert "<script" not in html and "<img" not in html and "<math" not in html


@pytest.mark.parametrize("mark", ["\x01", "\ufffe", "\ud800", "\x00"])
def test_characters_that_no_xml_has_break_no_formula(mark: str) -> None:
    assert linear.as_text(f"so $x{mark}^2$ grows").startswith("so x")
    assert "grows" in linear.as_html(f"so $x{mark}^2$ grows")
