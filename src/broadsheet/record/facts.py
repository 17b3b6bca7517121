"""Facts that a title and an abstract state: links, code, sizes, benchmarks, figures. Reading, not understanding.

It runs for every paper of a bulk import, so cheap tests (a substring, the set of words) stand before every pattern.
A claim stays a claim: "state of the art" and percentages are what the authors say.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, cast
from urllib.parse import urlsplit

from broadsheet.lib.text import squash
from broadsheet.record.benchmarks import benchmarks, capitals
from broadsheet.record.identifiers import BadIdentifier, arxiv_id
from broadsheet.record.paper import Link

# How many sizes, figures and so on of one kind are kept of an abstract.
MOST: Final = 6
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
    found = _links(abstract)
    released, promised = _code(abstract, found)
    if any(link.kind == "code" for link in links):
        released, promised = True, False
    left = capitals(abstract)
    digits = left.translate(None, _NO_DIGIT)
    percentages, gains, speed_ups, sizes = _figures(abstract) if digits else _NO_FIGURES
    return Facts(
        links=_once([*links, *(link for link, _ in found)]) if links or found else (),
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


# Links -------------------------------------------------------------------------------------------------------------

_URL = re.compile(r"(?:[^\s{}<>\"'`|\\^]|\\[_#%&~])+")
_SCHEMES: Final = ("https", "http")
# Written without a scheme only these are taken for addresses.
_BARE_HOSTS: Final = ("github.com/", "huggingface.co/", "gitlab.com/", "hf.co/", "www.")
_CODE_HOSTS: Final = (
    "github.com", "gist.github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "anonymous.4open.science",
)  # fmt: skip
_DATA_HOSTS: Final = ("zenodo.org", "figshare.com", "kaggle.com", "dataverse.harvard.edu", "osf.io")
_HUB_HOSTS: Final = ("huggingface.co", "hf.co")
_PAPER_HOSTS: Final = ("arxiv.org", "doi.org", "openreview.net")
# The last of these words before an address says what is there.
_ARTEFACT = re.compile(
    r"\b(?:(?P<code>code|codes|codebase|implementations?|software|toolkit|toolbox|library|package|scripts?)"
    r"|(?P<data>datasets?|data|benchmarks?|corpus|corpora)|(?P<demo>demos?|demonstrations?|playground)"
    r"|(?P<model>models?|weights|checkpoints?)"
    r"|(?P<project>project page|project website|website|web page|webpage|homepage))\b",
    re.IGNORECASE,
)


def _links(text: str) -> list[tuple[Link, int]]:
    """Find the addresses of a text, with the place each stands at; one written twice counts once."""
    if "www." not in text and ("/" not in text or ("://" not in text and ".co" not in text)):
        return []
    found: list[tuple[Link, int]] = []
    seen: set[str] = set()
    before = 0
    for begin in sorted(_url_places(text)):
        match = _URL.match(text, begin)
        if begin < before or not match:
            continue
        url = _tidy(match[0])
        host = _host(url)
        key = url.rstrip("/").lower()
        if host and key not in seen and not host.endswith(_PAPER_HOSTS):
            seen.add(key)
            found.append((Link(_kind(url, host, text[max(before, begin - 150) : begin]), url), begin))
        before = match.end()
    return found


def _url_places(text: str) -> Iterator[int]:
    for place in _places(text, "://"):
        for scheme in _SCHEMES:
            if text[max(0, place - len(scheme)) : place].lower() == scheme:
                yield place - len(scheme)
                break
    for host in _BARE_HOSTS:
        for place in _places(text, host):
            if place == 0 or not (text[place - 1].isalnum() or text[place - 1] in "_./@-"):
                yield place


def _places(text: str, part: str, begin: int = 0) -> Iterator[int]:
    place = text.find(part, begin)
    while place >= 0:
        yield place
        place = text.find(part, place + len(part))


def _tidy(url: str) -> str:
    """Complete an address and cut off what belongs to the sentence around it."""
    url = url.replace("\\", "")
    while url and (url[-1] in ".,;:!?*'\"]" or (url[-1] == ")" and url.count("(") < url.count(")"))):
        url = url[:-1]
    url = url.removesuffix(".git")
    if "://" not in url:
        url = f"https://{url}"
    return url if len(url) <= 500 else ""


def _host(url: str) -> str:
    try:
        host = (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
    return host if "." in host else ""


def _kind(url: str, host: str, said: str) -> str:
    if host in _HUB_HOSTS:
        return _hub_kind(url)
    named = [match.lastgroup or "" for match in _ARTEFACT.finditer(_last_sentence(said))]
    if host.endswith(".github.io"):
        return "demo" if "demo" in url.lower() or named[-1:] == ["demo"] else "project"
    if host in _CODE_HOSTS:
        return "data" if "data" in named and "code" not in named else "code"
    if host.endswith(_DATA_HOSTS):
        return "code" if named[-1:] == ["code"] else "data"
    if host == "colab.research.google.com":
        return "demo"
    return named[-1] if named else "project"


def _hub_kind(url: str) -> str:
    path = urlsplit(url).path
    if path.startswith("/datasets/"):
        return "data"
    return "demo" if path.startswith("/spaces/") else "model" if path.strip("/").count("/") == 1 else "project"


def _last_sentence(text: str) -> str:
    return text[text.rfind(". ") + 1 :]


def _once(links: Sequence[Link]) -> tuple[Link, ...]:
    return tuple({link.url.rstrip("/").lower(): link for link in reversed(links)}.values())[::-1]


# Code: there, or promised ------------------------------------------------------------------------------------------

# Where code is to be had is said at the end of an abstract.
_END: Final = 600
# What a sentence about code holds; substrings, for these are looked for in every abstract.
_AVAILABILITY: Final = (
    "vailable", "elease", "pen-sourc", "pen sourc", "soon", "ublic", "ithub", "itHub", "can be found", "ccessible",
    "e provide", "e share", "cceptance",
)  # fmt: skip
_CODE_WORDS: Final = (
    " code", "Code", "elease", "pen-sourc", "pen sourc", "soon", "mplementation", "oftware", "library", "oolkit",
    "oolbox", "ackage",
)  # fmt: skip
_CODE = re.compile(
    r"\b(?:codes?|code ?base|implementations?|software|library|toolkit|toolbox|package|scripts?)\b", re.IGNORECASE
)
_RELEASED = re.compile(
    r"\b(?:is|are|been|was|were|be|made?|make|makes|making) (?:[\w/ -]{0,40}?)?"
    r"(?:available|released|open[- ]?sourced?|public|published|accessible|shared|provided|online|hosted)\b"
    r"|\bavailable (?:at|on|in|from|via|here|online|under|:)|\bavailable:"
    r"|\bcan be (?:found|accessed|obtained|downloaded)|\b(?:is|are) (?:at|on|in) (?:https?:|github)"
    r"|\bwe (?:\w+ ){0,3}?(?:releas|open[- ]?sourc|shar|provid|publish)"
    r"|\b(?:code|codes|codebase|github|repository|implementation)\s*(?::|at|on|\()\s*(?:https?:|github|www)",
    re.IGNORECASE,
)
_WE_RELEASE = re.compile(
    r"\bwe (?:\w+ ){0,3}?(?:open[- ]?source|release)[sd]?\b|\bopen[- ]?sourced (?:at|on|in|under|to|here)\b"
    r"|\b(?:is|are|been|fully|we've|be) (?:fully |now |also |publicly )?open[- ]?sourced\b",
    re.IGNORECASE,
)
_PROMISED = re.compile(
    r"\bcoming soon\b|\bavailable soon\b"
    r"|\b(?:will|shall|to) (?:soon |also |both |all )?be (?:\w+ ){0,3}?"
    r"(?:available|released|open[- ]?sourced?|published|public|shared|provided|accessible|uploaded|found)\b"
    r"|\bwe (?:will|shall|plan to|intend to) (?:\w+ ){0,2}?(?:release|open[- ]?source|publish|share|provide|make)\b"
    r"|\b(?:up)?on (?:paper )?(?:acceptance|publication)\b",
    re.IGNORECASE,
)
_PROMISED_THING = re.compile(
    r"\b(?:codes?|source|implementations?|datasets?|data|models?|weights|checkpoints?|demos?|repository|toolkit|library|"
    r"benchmarks?|software|scripts?)\b|https?://|soon",
    re.IGNORECASE,
)


def _code(text: str, found: Sequence[tuple[Link, int]]) -> tuple[bool, bool]:
    """Tell whether code is said, or shown by a link, to be there, and whether it is only promised.

    A link in a sentence that promises is a place, not yet code.
    """
    if not found and not any(map(text[-_END:].__contains__, _CODE_WORDS)):
        return False, False
    linked = [place for link, place in found if link.kind == "code"]
    released = promised = False
    for begin, end in _sentences_on_code(text, linked):
        sentence = text[begin:end]
        if _PROMISED.search(sentence) and _PROMISED_THING.search(sentence):
            promised = True
        elif any(begin <= place < end for place in linked) or _says_released(sentence):
            released = True
    return released, promised and not released


def _sentences_on_code(text: str, linked: Sequence[int]) -> set[tuple[int, int]]:
    """Give where the sentences begin and end that hold a link to code or a word of availability."""
    begin = max(0, len(text) - _END)
    places = [*linked, *(place for word in _AVAILABILITY for place in _places(text, word, begin))]
    return {_sentence_around(text, place) for place in places}


def _sentence_around(text: str, place: int) -> tuple[int, int]:
    begin = max(text.rfind(mark, 0, place) for mark in (". ", "! ", "? "))
    # Words glued in the source: "platforms.Code is available".
    begin = max(begin, *(text.rfind(f".{word}", begin + 1, place) for word in ("Code", "Our", "The", "We")))
    end = text.find(". ", place)
    end = end + 1 if end >= 0 else len(text)
    return max(begin + 1, place - _END), min(end, place + _END)


def _says_released(sentence: str) -> bool:
    return (_CODE.search(sentence) is not None and _RELEASED.search(sentence) is not None) or (
        _WE_RELEASE.search(sentence) is not None
    )


# Figures -----------------------------------------------------------------------------------------------------------

# One pass over the numbers; what stands after a number says what it is. The patterns begin with a character, and look
# behind it afterwards, so that the search can leap from one digit to the next.
_NUMBER = re.compile(
    r"[0-9](?<![\w.][0-9])[0-9]*(?:x[0-9]+)?(?:[.,][0-9]+)*(?:"
    r"(?P<percent>\s?\\?%)"
    r"|(?P<times>\s?(?:times|[xX×])(?![\w^]|\s?\d))"
    r"|(?P<size>\s?-?(?:[BbMm](?![\w])|[bm]illion\b))"
    r")"
)
_GAIN = re.compile(
    r"from(?<!\wfrom)\s+(\d+(?:\.\d+)?\s?\\?%?)\s+to\s+(\d+(?:\.\d+)?\s?\\?%?)"
    r"(?![\d.]*\d|[\w-]|\s*(?:billion|million|param))"
)
_SIZE = re.compile(r"((?:\d+x)?\d+(?:\.\d+)?)\s?-?([BbMm]\b|billion|million)")
_FOLLOWING = re.compile(
    r"\b(?:(?P<size>param|model|LM\b|LLM|network|transformer|decoder|encoder|variant)"
    r"|(?P<other>tokens?|examples|samples|(?:[\w-]+-)?pairs|images|videos|clips|documents|words|interactions|decisions|"
    r"instructions|corpus|corpora|datasets?|data|rows|users|items|records|nodes|edges|papers|steps|frames|hours|"
    r"sentences|points|triples|queries|citations|molecules|proteins|cells|people|FLOPs?|years|dollars|euros|texts)\b)",
    re.IGNORECASE,
)
_PHRASE_END = re.compile(r"[.;]\s|\)\s*[.,;]")
_IN_A_NAME = re.compile(r"[A-Za-z][\w.]*-(?:\w+-)*$")
_COMPARED = re.compile(
    r"fast|slow|speed|small|larg|few|less|more|low|high|reduc|improv|accelerat|cheap|better|increas|decreas|effic|bigger|"
    r"long|short|\bby\b",
    re.IGNORECASE,
)

Texts = tuple[str, ...]
_NO_DIGIT: Final = bytes(byte for byte in range(256) if byte not in b"0123456789")
_NO_FIGURES: Final[tuple[Texts, Texts, Texts, Texts]] = ((), (), (), ())


def _figures(text: str) -> tuple[Texts, Texts, Texts, Texts]:
    percentages: list[str] = []
    speed_ups: list[str] = []
    sizes: list[str] = []
    for match in _NUMBER.finditer(text):
        told = match[0]
        if match.lastgroup == "percent":
            percentages.append(told.replace("\\", "").replace(" ", ""))
        elif match.lastgroup == "times":
            if _is_speed_up(text, match):
                speed_ups.append(told.lower().replace("times", "x").replace("×", "x").replace(" ", ""))
        elif _is_size(text, match):
            sizes.append(_size(told))
    return _first(percentages), _gains(text), _first(speed_ups), _first(sizes)


def _first(texts: list[str]) -> Texts:
    return tuple(dict.fromkeys(texts))[:MOST] if texts else ()


def _is_speed_up(text: str, match: re.Match[str]) -> bool:
    """Take "3.5x" alone; "3 times" needs a comparison beside it, or it may count repetitions."""
    if not match["times"].endswith("times"):
        return True
    return _COMPARED.search(text[max(0, match.start() - 40) : match.end() + 30]) is not None


def _is_size(text: str, match: re.Match[str]) -> bool:
    """Read the words after a number: "1.3M text-image pairs" is no size, "330M parameters" is.

    Billions are parameters unless something else follows, millions only if parameters or a model follow.
    """
    told = match["size"].strip()
    words = _words_after(text, match.end())
    following = _FOLLOWING.search(" ".join(words[:4])) or _FOLLOWING.search(" ".join(words))
    if following and (following.lastgroup == "size" or following.end() <= len(" ".join(words[:4]))):
        return following.lastgroup == "size"
    if told == "b":
        return _IN_A_NAME.search(text[max(0, match.start() - 30) : match.start()]) is not None
    return told[-1:] == "B" or told.endswith("billion")


def _words_after(text: str, place: int) -> list[str]:
    window = text[place : place + 80]
    end = _PHRASE_END.search(window)
    return (window[: end.start()] if end else window).split()[:6]


def _size(told: str) -> str:
    match = _SIZE.match(told)
    if not match:
        return squash(told)
    return f"{match[1]}{'B' if match[2][0] in 'Bb' else 'M'}"


def _gains(text: str) -> Texts:
    return tuple(
        f"{squash(match[1])} → {squash(match[2])}".replace("\\", "")
        for match in _GAIN.finditer(text)
        if not _is_year(match[1], match[2])
    )[:MOST]


def _is_year(first: str, last: str) -> bool:
    return all(re.fullmatch(r"(?:19|20)\d\d", one.strip()) for one in (first, last))


# Title, claims, citations ------------------------------------------------------------------------------------------

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
    return any(_is_claim(text, place) for words in looked_for if words in text for place in _places(text, words))


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
    return _first(found)


def _packages(text: str) -> Texts:
    return _first([match[1] for match in _PACKAGE.finditer(text)]) if "install" in text else ()
