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
