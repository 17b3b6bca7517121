r"""TeX commands in titles and abstracts as people read them: the one place that knows what they mean outside formulas.

Sources give texts with the authors' own macros (`\eg`, `\method{}`), with signs that stand outside dollars (`{\mu}m`),
and with commands of layout. What is known is spelled out; of what is not, the argument is shown, or else the name.
"""

import re
from collections.abc import Callable, Collection
from typing import Final

from broadsheet.lib.text import accents

ABBREVIATIONS: Final = {
    "eg": "e.g.", "ie": "i.e.", "Eg": "E.g.", "Ie": "I.e.", "etal": "et al.", "etc": "etc.", "cf": "cf.", "vs": "vs.",
    "wrt": "w.r.t.", "iid": "i.i.d.", "aka": "a.k.a.", "viz": "viz.", "resp": "resp.", "wlog": "w.l.o.g.",
    "Wlog": "W.l.o.g.", "whp": "w.h.p.", "onedot": ".",
}  # fmt: skip
_GREEK: Final = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε", "eps": "ε", "zeta": "ζ",
    "eta": "η", "theta": "θ", "vartheta": "ϑ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν",
    "xi": "ξ", "pi": "π", "rho": "ρ", "varrho": "ϱ", "sigma": "σ", "varsigma": "ς", "tau": "τ", "upsilon": "υ",
    "phi": "ϕ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ",
    "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
_SIGNS: Final = {
    "leq": "≤", "le": "≤", "leqslant": "≤", "geq": "≥", "ge": "≥", "geqslant": "≥", "ll": "≪", "gg": "≫", "neq": "≠",
    "ne": "≠", "approx": "≈", "simeq": "≃", "sim": "∼", "equiv": "≡", "propto": "∝", "lesssim": "≲", "gtrsim": "≳",
    "times": "×", "cdot": "·", "pm": "±", "mp": "∓", "div": "÷", "ast": "∗", "star": "⋆", "circ": "∘", "bullet": "•",
    "oplus": "⊕", "otimes": "⊗", "in": "∈", "notin": "∉", "subset": "⊂", "subseteq": "⊆", "supset": "⊃", "cup": "∪",
    "cap": "∩", "setminus": "∖", "emptyset": "∅", "exists": "∃", "forall": "∀", "neg": "¬", "land": "∧", "wedge": "∧",
    "lor": "∨", "vee": "∨", "to": "→", "rightarrow": "→", "leftarrow": "←", "leftrightarrow": "↔", "Rightarrow": "⇒",
    "mapsto": "↦", "implies": "⇒", "iff": "⇔", "infty": "∞", "partial": "∂", "nabla": "∇", "sum": "∑", "prod": "∏",
    "int": "∫", "ell": "ℓ", "hbar": "ℏ", "prime": "′", "langle": "⟨", "rangle": "⟩", "lfloor": "⌊", "rfloor": "⌋",
    "lceil": "⌈", "rceil": "⌉", "lVert": "‖", "rVert": "‖", "Vert": "‖", "vert": "|", "mid": "|", "sqrt": "√",
    "cdots": "…", "sharp": "♯", "flat": "♭",
    "pounds": "£", "textsterling": "£", "euro": "€", "texteuro": "€", "copyright": "©", "textcopyright": "©",
    "textregistered": "®", "texttrademark": "™", "S": "§", "P": "¶", "dag": "†", "ddag": "‡", "degree": "°",
    "textmu": "µ", "textless": "<", "textgreater": ">", "textbar": "|", "textbackslash": "\\", "textbullet": "•",
    "item": "•", "textasciitilde": "~", "textasciicircum": "^", "textunderscore": "_", "guillemotleft": "«",
    "guillemotright": "»", "textquotedblleft": "“", "textquotedblright": "”", "textquoteleft": "‘",
    "textquoteright": "’", "textquotesingle": "'", "slash": "/", "percent": "%", "nobreakdash": "",
}  # fmt: skip
SIGNS: Final = {**_GREEK, **_SIGNS}
# They change how the text after them looks, so the blanks behind them go with them.
_LAYOUT: Final = (
    "em it bf tt sc sf rm sl bfseries itshape scshape ttfamily sffamily rmfamily upshape normalfont mathrm mathbf left "
    "right big Big bigg Bigg bigl bigr Bigl Bigr displaystyle textstyle tiny scriptsize footnotesize small normalsize "
    "large Large LARGE huge Huge centering noindent protect relax ensuremath boldmath unboldmath limits nolimits "
    "allowbreak nolinebreak sloppy maketitle xspace"
)
_SILENT: Final = frozenset(_LAYOUT.split())
_SPACES: Final = frozenset(
    ("footnote", "par", "medskip", "bigskip", "smallskip", "newline", "linebreak", "quad", "qquad", "space")
)
# Their argument is no text, or not all of it.
_FIRST_DROPPED: Final = "textcolor|colorbox|color|label|vspace|hspace|begin|end|index|bibliographystyle|pagestyle"
_COMMAND: Final = re.compile(
    rf"""
      \\(?:{_FIRST_DROPPED})\*?(?:\[[^\[\]{{}}]{{0,80}}\])?\{{[^{{}}]{{0,300}}\}}
    | \\(?:auto|paren|text|foot)?cite[a-z]*\*?(?:\[[^\[\]{{}}]{{0,80}}\]){{0,2}}\{{(?P<cited>[^{{}}]{{1,200}})\}}
    | \\[dt]?frac\{{(?P<above>[^{{}}]{{0,100}})\}}\{{(?P<below>[^{{}}]{{0,100}})\}}
    | \\sqrt\{{(?P<root>[^{{}}]{{1,100}})\}}
    | \\footnote\{{(?P<note>[^{{}}]{{1,400}})\}}
    | \\href\{{(?P<address>[^{{}}]{{0,300}})\}}\{{(?P<linked>[^{{}}]{{0,300}})\}}
    | \\(?:ac[slf]?p|acs[lf]p|[gG]lspl)\{{(?P<plural>[^{{}}]{{1,80}})\}}
    | \\(?P<name>[A-Za-z]+)\*?(?:(?:\[[^\[\]{{}}]{{0,80}}\])?(?P<argument>\{{)(?P<empty>\s*\}})?)?(?P<blanks>\s*)
    | \\(?P<sign>.)
    | (?P<brace>[{{}}])
    """,
    re.VERBOSE | re.DOTALL,
)
_TIE: Final = re.compile(r"(?<=[\w.,)\]])~(?=[\w(\[]|$)")
# Looked at one by one in `_dash`: a pattern that begins with what it looks for is searched for many times faster.
_HYPHENS: Final = re.compile("--+")
_DASHES: Final = {2: "\N{EN DASH}", 3: "\N{EM DASH}"}
_BEFORE_DASH: Final = frozenset(")]}\"'\N{RIGHT DOUBLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK},.%$>")
_AFTER_DASH: Final = frozenset("([{\"'\N{LEFT DOUBLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}\\$<")
_BLANK_SIGNS: Final = frozenset(" ,;:>\\\n\t")
_ITSELF: Final = frozenset("%&#_{}$")
# Names that authors give to what formulas have a command for.
_IN_FORMULAS: Final = {
    "eps": r"\epsilon", "R": r"\mathbb{R}", "RR": r"\mathbb{R}", "reals": r"\mathbb{R}", "N": r"\mathbb{N}",
    "NN": r"\mathbb{N}", "Z": r"\mathbb{Z}", "ZZ": r"\mathbb{Z}", "Q": r"\mathbb{Q}", "QQ": r"\mathbb{Q}",
    "C": r"\mathbb{C}", "CC": r"\mathbb{C}", "F": r"\mathbb{F}", "FF": r"\mathbb{F}", "E": r"\mathbb{E}",
    "textgreater": ">", "textless": "<", "sfrac": r"\frac", "nicefrac": r"\frac",
    "textsc": r"\text", "textsf": r"\text",
}  # fmt: skip


def printed(text: str) -> str:
    """Give a text without formulas with the quotes and dashes of print for those of TeX: “x” for ``x'', – for --."""
    return dashed(_quoted(text))


def dashed(text: str) -> str:
    """Give a text, or HTML made of one, with dashes for two or three hyphens.

    Dashes are those between words and those with blanks around them: an option, an arrow or an address keeps its own.
    """
    return _HYPHENS.sub(_dash, text) if "--" in text else text


def _quoted(text: str) -> str:
    return text.replace("``", "\N{LEFT DOUBLE QUOTATION MARK}").replace("''", "\N{RIGHT DOUBLE QUOTATION MARK}")


def _dash(match: re.Match[str]) -> str:
    text, start, end = match.string, match.start(), match.end()
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    alone = before.isspace() and after.isspace()
    joins = (before.isalnum() or before in _BEFORE_DASH) and (after.isalnum() or after in _AFTER_DASH)
    if not alone and (not joins or _is_in_address(text, start)):
        return match[0]
    return _DASHES.get(end - start, match[0])


def _is_in_address(text: str, place: int) -> bool:
    word = text[max(text.rfind(" ", 0, place), text.rfind("\n", 0, place)) + 1 : place]
    return "://" in word or word.endswith("xn")


def words(text: str, *, dashes: bool = True) -> str:
    r"""Give a stretch of text without formulas as people read it; what is no TeX stays.

    Accents become characters, `\eg` is e.g., `{\mu}m` is μm, `\%` is %; of an unknown command with an argument the
    argument is shown (`\term{x}` is x), of one without its name (`\method{}` and `\method` are method). Braces go,
    quotes written as grave accents and primes become quotation marks, a tie is a blank that breaks no line. Blanks at
    the ends stay, as one each. dashes: whether two or three hyphens become a dash; in code they are what they are.
    """
    text = printed(text) if dashes else _quoted(text)
    # "~10" is how people write "about 10".
    text = _TIE.sub("\N{NO-BREAK SPACE}", text)
    if "\\" not in text and "{" not in text and "}" not in text:
        return text
    return _squashed(_COMMAND.sub(_spelled, accents(text)))


def in_formula(tex: str, unknown: Collection[str]) -> str:
    r"""Give a formula with commands that nobody knows spelled out. unknown: their names, without backslashes.

    The names of common sets and signs are those; another command is its name, upright. One with an argument is left as
    it is: what it does to the argument is not known, and a formula without it says something else.
    """
    command = re.compile(r"\\(" + "|".join(sorted(map(re.escape, unknown), key=len, reverse=True)) + r")(?![A-Za-z])")
    return command.sub(_in_formula, tex)


def _in_formula(match: re.Match[str]) -> str:
    if match[1] in _IN_FORMULAS:
        return _IN_FORMULAS[match[1]] + " "
    return match[0] if match.string.startswith("{", match.end()) else rf"\mathrm{{{match[1]}}}"


def _spelled(match: re.Match[str]) -> str:
    if match["name"]:
        return _named(match)
    if match["sign"]:
        sign = match["sign"]
        return " " if sign in _BLANK_SIGNS else sign if sign in _ITSELF else "‖" if sign == "|" else ""
    if match["brace"]:
        return ""
    return next((write(match) for group, write in _WRITERS.items() if match[group] is not None), "")


def _named(match: re.Match[str]) -> str:
    """Write a command by its name. Blanks after it stay: most authors' macros see to the one that follows them."""
    name, blanks = match["name"], match["blanks"]
    if name in ABBREVIATIONS:
        said = ABBREVIATIONS[name]
        follows = match.string[match.end() : match.end() + 1]
        return (said[:-1] if follows == "." and not blanks else said) + blanks
    if name in SIGNS:
        return SIGNS[name] + blanks
    if name in _SPACES:
        return " "
    if name in _SILENT:
        # "so\xspace it" keeps its blank, "{\em so" has none.
        return blanks if name == "xspace" else ""
    if match["argument"] is not None and match["empty"] is None:
        return blanks
    # "n\\log n" is two words.
    return (" " if match.string[max(0, match.start() - 1) : match.start()].isalnum() else "") + name + blanks


def _fraction(match: re.Match[str]) -> str:
    return "/".join(_held(words(match[part]).strip()) for part in ("above", "below"))


def _link(match: re.Match[str]) -> str:
    address, said = words(match["address"]).strip(), words(match["linked"]).strip()
    return said if not address or said == address else f"{said} ({address})" if said else address


def _held(text: str) -> str:
    return text if len(text) == 1 or text.isalnum() else f"({text})"


_WRITERS: Final[dict[str, Callable[[re.Match[str]], str]]] = {
    "cited": lambda match: f"[{match['cited'].strip()}]",
    "above": _fraction,
    "root": lambda match: "√" + _held(words(match["root"]).strip()),
    "note": lambda match: f" ({words(match['note']).strip()})",
    "address": _link,
    "plural": lambda match: words(match["plural"]).strip() + "s",
}


def _squashed(text: str) -> str:
    """Fold blanks, but for those that break no line; one at either end stays."""
    return re.sub(r"[ \t\r\n\f\v]+", " ", text)
