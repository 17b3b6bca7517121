"""At which step of the session a server said no (RFC 5321): an address is refused at RCPT, a mail only after DATA.

Mail systems tell it in three ways: by a transcript, by naming the command, or by a number of their own.
"""

import re
from typing import Literal

from broadsheet.mail.bounces.codes import without_consequences

Stage = Literal["connect", "mail", "rcpt", "data", ""]

_LONGEST_WORDS = 20_000  # characters

# A line of a transcript: its arrow or name, and then what was asked or what was answered.
_LINE = re.compile(
    r"(?im)^.{0,30}?(?:>>>|<<<|\b(?:in|out|c|s):)[ \t]{0,9}"
    r"(?:(?P<asked>helo|ehlo|lhlo|starttls|auth|mail|rcpt|data|bdat)\b|(?P<refused>[45]\d\d)[ -])"
)
_STAGE_OF_COMMAND: dict[str, Stage] = {"mail": "mail", "rcpt": "rcpt", "data": "data", "bdat": "data"}
_TOLD: tuple[tuple[Stage, re.Pattern[str]], ...] = (
    (
        "data",
        re.compile(
            r"(?im)end[ -]of[ -]data|\(data\)|data command|after i sent the message|\[data\]|in reply to data"
            r"|smtp:data|after (?:the )?(?:data\b|message body)|data phase|^(?:data|\.)[ \t]*$|\(state 1[5-9]\)"
        ),
    ),
    (
        "rcpt",
        re.compile(
            r"(?i)\brcpt(?:[ _]to)?\b|requested action not taken: mailbox unavailable|recipient address rejected"
            r"|does not like recipient|\(state 14\)|\b542 \S{1,160} rejected|unknown recipient or mailbox unavailable"
        ),
    ),
    (
        "mail",
        re.compile(
            r"(?i)\bmail[ _]from\b|sender was rejected|smtp:mail|initial connection|my name was rejected"
            r"|greeting failed|after (?:helo|ehlo)\b|in reply to (?:helo|ehlo)|\(state (?:[3-9]|1[0-3])\)"
        ),
    ),
)


def stage_of(words: str) -> Stage:
    """The step that was refused, "" where nothing tells it; of several, the first refusal counts."""
    told = words[:_LONGEST_WORDS]
    return _of_transcript(told) or _of_words(without_consequences(told))


def _of_transcript(words: str) -> Stage:
    asked = ""
    for line in _LINE.finditer(words):
        if line["refused"]:
            return _STAGE_OF_COMMAND.get(asked, "connect")
        asked = line["asked"].lower()
    return ""


def _of_words(words: str) -> Stage:
    return next((stage for stage, pattern in _TOLD if pattern.search(words)), "")
