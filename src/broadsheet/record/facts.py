"""Facts that a title and an abstract state: links, code, sizes, benchmarks, figures. Reading, not understanding.

It runs for every paper of a bulk import, so cheap tests (a substring, the set of words) stand before every pattern.
A claim stays a claim: "state of the art" and percentages are what the authors say.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, cast

from broadsheet.lib.text import places
from broadsheet.record.benchmarks import benchmarks, capitals
from broadsheet.record.code import released_or_promised
from broadsheet.record.figures import NO_DIGIT, NO_FIGURES, Texts, figures, first
from broadsheet.record.identifiers import BadIdentifier, arxiv_id
from broadsheet.record.links import find_links, once
from broadsheet.record.paper import Link

# What stands behind this many characters is no abstract any more.
_LONGEST: Final = 20_000


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found. `code_promised` and `code_released` are never both true; figures are as written ("12.5%").

    links: those given and those of the abstract, by address once.
    model_sizes: numbers of parameters, as "7B" or "330M". speed_ups: factors, as "3.5x".
    gains: pairs "from X to Y", as "22.9% → 39.4%". cites: arXiv ids without version.
    """

    links: tuple[Link, ...] = ()
    code_released: bool = False
    code_promised: bool = False
    model_sizes: tuple[str, ...] = ()
    benchmarks: tuple[str, ...] = ()
    system: str = ""
    survey: bool = False
    state_of_the_art: bool = False
    percentages: tuple[str, ...] = ()
    gains: tuple[str, ...] = ()
    speed_ups: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    @property
    def has_code(self) -> bool:
        """Whether code is there, not only promised."""
        return self.code_released

    def to_json(self) -> dict[str, object]:
        """Give the facts that were found, for JSON; what was not found is absent."""
        told: dict[str, object] = {}
        for name in _NAMES:
            if value := getattr(self, name):
                told[name] = list(value) if isinstance(value, tuple) else value
        if self.links:
            told["links"] = [{"kind": link.kind, "url": link.url} for link in self.links]
        return told

    @classmethod
    def from_json(cls, told: Mapping[str, object]) -> "Facts":
        """Read what `to_json` gave; unknown names are passed over."""
        known: dict[str, object] = {name: value for name, value in told.items() if name in _NAMES}
        links = cast(Sequence[Mapping[str, str]], known.pop("links", ()))
        made = {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()}
        return cls(links=tuple(Link(one["kind"], one["url"]) for one in links), **made)  # type: ignore[arg-type]


_NAMES: Final = tuple(field.name for field in fields(Facts))


def facts(title: str, abstract: str, links: Sequence[Link] = ()) -> Facts:
    """Find the facts of a paper in its title and abstract; `links` are those its source gives already."""
    abstract = abstract[:_LONGEST]
    found = find_links(abstract)
    released, promised = released_or_promised(abstract, found)
    if any(link.kind == "code" for link in links):
        released, promised = True, False
    left = capitals(abstract)
    digits = left.translate(None, NO_DIGIT)
    percentages, gains, speed_ups, sizes = figures(abstract) if digits else NO_FIGURES
    return Facts(
        links=once([*links, *(link for link, _ in found)]) if links or found else (),
        code_released=released,
        code_promised=promised,
        model_sizes=sizes,
        benchmarks=benchmarks(abstract, left),
        system=_system(title),
        survey=_is_survey(title),
        state_of_the_art=_claims_state_of_the_art(abstract, left),
        percentages=percentages,
        gains=gains,
        speed_ups=speed_ups,
        cites=_cites(abstract) if len(digits) >= _DIGITS_OF_AN_ID else (),
        packages=_packages(abstract),
    )


_SURVEY = re.compile(
    r"\b(?:survey|(?:systematic|literature|scoping|comprehensive|critical) review|review|overview)\b", re.I
)
_SYSTEM = re.compile(r"[^\W_][^\s:,?!]{0,29}(?: [\w.+*-]{1,20}){0,2}")
_COINED = re.compile(r"[A-Z]{2}|[a-z][A-Z]|[A-Z]\w*\d")
_VERSION = re.compile(r"v?\d+(?:\.\d+)*")
_DIGITS_OF_AN_ID: Final = 7

_ART: Final = ("tate-of-the-art", "tate of the art", "tate-of-the art")
_ART_IN_CAPITALS: Final = ("SOTA", "SoTA")
_CLAIMS: Final = (
    "achiev", "outperform", "surpass", "new", "set", "reach", "exceed", "beat", "improve", "establish", "advanc",
    "deliver", "obtain", "attain", "yield", "compar", "competitive", "match", "better", "superior", "provid", "show",
    "gain", "over", "than", "give", "result", "produc", "report", "rival", "push", "lead", "demonstrat",
)  # fmt: skip
_RESULT = re.compile(
    r"[\w-]+(?: of the art|-the art)? (?:\w+ ){0,2}?(?:results?|performance|accurac(?:y|ies)|scores?)\b"
)
_CITED = re.compile(
    r"\barxiv(?:\.org/(?:abs|pdf)/|:\s?)([a-z-]+(?:\.[A-Z]{2})?/\d{7}|\d{4}\.\d{4,5})(?:v\d+)?(?!\d)", re.I
)
_PACKAGE = re.compile(r"\bpip3? install (?:-U |--upgrade )?([A-Za-z0-9][\w.-]*\w)")


def _system(title: str) -> str:
    """Give the name before the colon of a title where it is a name: short, and written as names are."""
    name, colon, _ = title.partition(":")
    name = name.strip()
    if not colon or not _SYSTEM.fullmatch(name) or _SURVEY.search(name):
        return ""
    words = name.split()
    return name if _is_name(words) else ""


def _is_name(words: list[str]) -> bool:
    """One word with a capital or digit; two with a coined one, "Social NCE"; two or three with a number, "X 3.0 Y"."""
    if len(words) == 1:
        return words[0][0].isupper() or any(char.isupper() or char.isdigit() for char in words[0])
    if words[0].endswith("ing") or words[0] in ("On", "The", "A", "An", "Do", "Is", "Are", "Can", "Towards"):
        return False
    numbered = any(_VERSION.fullmatch(word) for word in words[1:])
    return numbered or (len(words) == 2 and any(_COINED.search(word) for word in words))


def _is_survey(title: str) -> bool:
    lower = title.lower()
    return ("survey" in lower or "view" in lower) and _SURVEY.search(title) is not None


def _claims_state_of_the_art(text: str, left: bytes) -> bool:
    looked_for = (*_ART, *_ART_IN_CAPITALS) if b"TA" in left else _ART
    return any(_is_claim(text, place) for words in looked_for if words in text for place in places(text, words))


def _is_claim(text: str, place: int) -> bool:
    """Tell whether words of success stand before it in its sentence: "state-of-the-art models need" claims nothing."""
    begin = max(text.rfind(". ", 0, place), place - 160, 0)
    said = text[begin:place].lower()
    return any(word in said for word in _CLAIMS) or _RESULT.match(text, place) is not None


def _cites(text: str) -> Texts:
    if "Xiv:" not in text and "rxiv" not in text:
        return ()
    found = []
    for match in _CITED.finditer(text):
        try:
            found.append(arxiv_id(match[1]).value)
        except BadIdentifier:
            continue
    return first(found)


def _packages(text: str) -> Texts:
    return first([match[1] for match in _PACKAGE.finditer(text)]) if "install" in text else ()
