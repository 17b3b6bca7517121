"""Whether an abstract says that its code is there, or only that it will be."""

import re
from collections.abc import Sequence
from typing import Final

from broadsheet.lib.text import places
from broadsheet.record.paper import Link

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


def released_or_promised(text: str, found: Sequence[tuple[Link, int]]) -> tuple[bool, bool]:
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
    said = (place for word in _AVAILABILITY for place in places(text, word, begin))
    return {_sentence_around(text, place) for place in (*linked, *said)}


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
