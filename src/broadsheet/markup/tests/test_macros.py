import re
from html import unescape

import pytest

from broadsheet.export.tex import readable
from broadsheet.lib.tests.quick import within
from broadsheet.markup import linear, macros, maths

TEXTS = [
    (r"as models, \eg, of \etal~(2010), do \ie so", "as models, e.g., of et al.\u00a0(2010), do i.e. so"),
    (r"tables, \etc. They \wrt others, \eg. these", "tables, etc. They w.r.t. others, e.g. these"),
    (r"\iid samples and \etal{} more", "i.i.d. samples and et al. more"),
    (r"\method{} beats \tool\ and \method, so \sysname is", "method beats tool and method, so sysname is"),
    (r"is \NP-hard in \PSPACE.", "is NP-hard in PSPACE."),
    (r"we call it \term{quick \name{sort}}", "we call it quick sort"),
    (r"\widget[wide]{inner} text", "inner text"),
    (r"so\xspace it goes", "so it goes"),
    (r"5 {\mu}m at 20\,GHz and {\lambda} \leq 3", "5 μm at 20 GHz and λ ≤ 3"),
    (r"O(n\log n) and \sqrt{n}", "O(n log n) and √n"),
    (r"\frac{a+b}{\alpha}", "(a+b)/α"),
    (r"50\% of \$5 \& \{a\} \#1 x\_y", "50% of $5 & {a} #1 x_y"),
    (r"shown before \cite{bee2010} and \citep[p. 3]{ant}", "shown before [bee2010] and [ant]"),
    (r"a bee\footnote{an insect} flies", "a bee (an insect) flies"),
    (r"a bee\footnote{see {this} and \emph{that}} flies", "a bee see this and that flies"),
    (r"\textcolor{red}{new} words", "new words"),
    (r"many \acp{LLM} at \href{https://there.example/a}{a site}", "many LLMs at a site (https://there.example/a)"),
    (r"M\"uller and \'{E}cole, na{\"i}ve", "Müller and École, naïve"),
    (r"{\em old} and {\bf older {\it still}}", "old and older still"),
    (r"a\\b \par c~d ``quoted''", "a b c\u00a0d “quoted”"),
    ("about ~10 plain words", "about ~10 plain words"),
    (r"a \- b\-c \" 2 unfinished \\", "a bc 2 unfinished "),
    ("", ""),
]


@pytest.mark.parametrize(("tex", "told"), TEXTS)
def test_commands_of_authors_are_spelled_out(tex: str, told: str) -> None:
    assert macros.words(tex) == told


@pytest.mark.parametrize(("tex", "told"), TEXTS)
def test_pages_feeds_mails_and_references_say_the_same(tex: str, told: str) -> None:
    plain = " ".join(told.split())
    assert maths.as_text(tex).split() == plain.split()
    assert linear.as_text(tex).split() == plain.split()
    assert " ".join(readable(tex).split()) == plain


DASHES = [
    ("a gap termed ``path loss'' here", "a gap termed “path loss” here"),
    ("around 10B--40B parameters", "around 10B–40B parameters"),
    ("a class -- a new one -- and", "a class – a new one – and"),
    ("a class---a new one---and --- so", "a class—a new one—and — so"),
    ("(a)--(c), Cauchy--Schwarz", "(a)–(c), Cauchy–Schwarz"),
    ("run with --verbose -->  <!-- no --> a---->b", "run with --verbose -->  <!-- no --> a---->b"),
    ("at https://x--y.example/a--b c--d", "at https://x--y.example/a--b c–d"),
    ("xn--bcher and a well-known one", "xn--bcher and a well-known one"),
    (r"\textbf{a--b} \texttt{make x--y}", r"a–b make x--y"),
    ("$a--b$ c--d", None),
]


@pytest.mark.parametrize(("tex", "told"), DASHES)
def test_hyphens_for_dashes_are_dashes_on_pages_but_in_formulas_code_and_addresses(tex: str, told: str | None) -> None:
    made = maths.render(tex)
    if told is None:
        assert made.endswith("c–d") and "–" not in made.removesuffix("c–d")
        return
    assert unescape(re.sub("</?(?:strong|code|a)[^>]*>", "", made)) == told
    if "texttt" not in tex:
        assert maths.as_text(tex) == told
    assert "–" not in readable(tex) and "—" not in readable(tex)


def test_dashes_stand_beside_words_that_are_marked() -> None:
    made = maths.render("a loss--model pair, the loss -- and `loss-->x`", ("loss", "model"))
    assert "<mark>loss</mark>–<mark>model</mark> pair" in made and "</mark> – and" in made and "--&gt;x" in made


def test_what_a_command_shows_is_escaped() -> None:
    made = maths.render(r"\term{<b>x</b>} \textless script\textgreater \href{javascript:alert(1)}{<i>} \cite{<u>}")
    assert "<b>" not in made and "<i>" not in made and "<u>" not in made and "<script" not in made
    assert "<a " not in made


def test_an_address_in_a_link_stays_a_link() -> None:
    made = maths.render(r"at \href{https://there.example/a}{our site}")
    assert 'our site (<a href="https://there.example/a" rel="nofollow noopener external">' in made


def test_formulas_show_unknown_names_and_keep_unknown_functions_as_they_were_written() -> None:
    assert linear.as_text(r"$\eps > 0$, $x \in \R^d$, $\OPT$") == "ϵ > 0, x ∈ ℝ^d, OPT"
    assert linear.as_text(r"$\proba{x}$") == r"\proba{x}"
    assert linear.as_text(r"$\textsc{NP}$") == "NP"


def test_words_are_still_marked() -> None:
    assert "<mark>method</mark>" in maths.render(r"our \method{} is", ("method",))


@pytest.mark.parametrize(
    "part", ["\\a{", "\\cite{", "\\frac{", "\\footnote{", "{", "\\", "}", "\\a[", "\\textcolor{", "\\a{ ", "~"]
)
def test_nothing_takes_long(part: str) -> None:
    text = (part * 20_000)[:20_000]
    with within(3):
        macros.words(text)
        maths.render(text)
