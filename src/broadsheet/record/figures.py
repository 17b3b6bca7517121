"""Figures of an abstract, told apart by what stands after a number: percentages, speed-ups, sizes of models, gains."""

import re
from typing import Final

from broadsheet.lib.text import squash

# How many of one kind are kept of an abstract.
MOST: Final = 6
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
NO_DIGIT: Final = bytes(byte for byte in range(256) if byte not in b"0123456789")
NO_FIGURES: Final[tuple[Texts, Texts, Texts, Texts]] = ((), (), (), ())


def figures(text: str) -> tuple[Texts, Texts, Texts, Texts]:
    """Give percentages, gains, speed-ups and sizes of models, each as written, at most MOST of a kind."""
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
    return first(percentages), _gains(text), first(speed_ups), first(sizes)


def first(texts: list[str]) -> Texts:
    """Give the first few texts, each once."""
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
