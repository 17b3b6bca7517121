"""Ids of 24 hexadecimal digits, as programs for Hugging Face's API hold them: of papers, authors, readers and so on.

They follow from what the record knows already, so that they are the same on every copy of it and need no column.
"""

import re
from hashlib import sha256
from typing import Final

LENGTH: Final = 24
# Base 40, the first digit standing for the end: 18 of these characters fit into 96 bits (40**18 < 2**96), and every
# key of arXiv and of our own has at most 16.
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789./-"
_DIGITS: Final = {char: digit for digit, char in enumerate(_ALPHABET, 1)}
_BASE: Final = len(_ALPHABET) + 1
_LONGEST: Final = 18
_OBJECT_ID: Final = re.compile(r"[0-9a-f]{24}", re.ASCII)


def paper_id(key: str) -> str:
    """Give the id of a paper's discussion; `paper_key` reads it back where the key is an ordinary one."""
    if not 0 < len(key) <= _LONGEST or not set(key) <= _DIGITS.keys():
        # Above all that the packed keys reach, so that it is never read as one of them.
        return "ff" + _digest("paper", key)[2:]
    number = 0
    for char in key:
        number = number * _BASE + _DIGITS[char]
    return f"{number * _BASE ** (_LONGEST - len(key)):0{LENGTH}x}"


def paper_key(object_id: str) -> str | None:
    """Give the key that `paper_id` made an id of; None for any other text."""
    if not is_object_id(object_id):
        return None
    number, chars = int(object_id, 16), []
    while number:
        number, digit = divmod(number, _BASE)
        chars.append(_ALPHABET[digit - 1] if digit else "")
    key = "".join(reversed(chars))
    return key if key and paper_id(key) == object_id else None


def author_id(key: str, position: int) -> str:
    """Give the id of an author's place on a paper; position from 0."""
    return _digest("author", f"{key} {position}")


def user_id(handle: str) -> str:
    """Give the id of a reader."""
    return _digest("reader", handle)


def organisation_id(slug: str) -> str:
    """Give the id of an organisation."""
    return _digest("organisation", slug)


def is_object_id(text: str) -> bool:
    """Whether a text has the form of an id."""
    return bool(_OBJECT_ID.fullmatch(text))


def _digest(kind: str, name: str) -> str:
    return sha256(f"broadsheet {kind} {name}".encode()).hexdigest()[:LENGTH]
