"""Status and reply codes in text (RFC 3463, RFC 5321)."""

import re
from itertools import takewhile

_LONGEST_ANSWER = 8  # lines

# Not within an address or a version: no digit or dot before, none after.
_STATUS = re.compile(r"(?<![\w.\[])[245]\.\d{1,3}\.\d{1,3}(?![\w.]*\d)")
_REPLY = re.compile(r"(?<![\w./:@\[-])([245][0-5]\d|571)(?=[ \t#,:)\]'\"-]|$)(?![-.:]\d{1,3}[.:]\d)", re.MULTILINE)
# Answers to what a server was asked after it had refused the recipient say nothing about the recipient.
_CONSEQUENCE = re.compile(
    r"(?im)^.{0,60}\b50[13][ -].{0,40}(?:need|valid|rcpt|recipient|bad sequence|all rcpt).{0,200}$"
    r"|^.{0,20}\b554[ -](?:5\.[05]\.[01] )?(?:error: )?(?:no valid recipients|service unavailable).{0,200}$"
)
_ANSWER = re.compile(r"(?<![\w./:@\[-])[45][0-5]\d(?:[ :-]|$)(?![-.:]\d{1,3}[.:]\d)", re.MULTILINE)


def statuses_in(text: str) -> list[str]:
    """Enhanced status codes, those that say something before those of the kind x.0.0, failures before successes."""
    found = [code[0] for code in _STATUS.finditer(_CONSEQUENCE.sub("", text))] or [
        code[0] for code in _STATUS.finditer(text)
    ]
    return sorted(dict.fromkeys(found), key=lambda code: (code.startswith("2"), code.endswith(".0.0")))


def status_in(text: str) -> str:
    """The most telling enhanced status code, or ""."""
    return next(iter(statuses_in(text)), "")


def reply_in(text: str) -> str:
    """The first failing SMTP reply code, or ""."""
    told = _CONSEQUENCE.sub("", text)
    for found in _REPLY.finditer(told):
        if found[1][0] != "2":
            return found[1]
    return ""


def is_generic(status: str) -> bool:
    """Whether a status code says no more than its class."""
    return not status or status.endswith(".0.0")


def answer_in(text: str) -> str:
    """The first answer of a server that is quoted, from its reply code on, or "".

    An answer goes on in lines that are set in or begin with the same code.
    """
    told = without_consequences(text)
    found = _ANSWER.search(told)
    if not found:
        return ""
    first, *others = told[found.start() :].split("\n")[:_LONGEST_ANSWER]
    more = takewhile(lambda line: line.strip() and (line[0] in " \t" or found[0][:3] in line[:8]), others)
    return "\n".join([first, *more])


def without_consequences(text: str) -> str:
    """A transcript without the answers that only follow from the refusal before them."""
    return _CONSEQUENCE.sub("", text)
