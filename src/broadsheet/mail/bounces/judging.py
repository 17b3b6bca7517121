"""What became of one recipient, from all that a report says of it."""

import re
from dataclasses import dataclass

from broadsheet.mail.bounces.codes import answer_in, is_generic, reply_in, status_in, without_consequences
from broadsheet.mail.bounces.labels import reason_of_label
from broadsheet.mail.bounces.outcome import HARD_REASONS, Recipient
from broadsheet.mail.bounces.reasons import is_refusal, reason_of_status, reason_of_words
from broadsheet.mail.bounces.reports import Reported
from broadsheet.mail.bounces.stages import stage_of

_DELIVERED = ("delivered", "relayed", "expanded")
# Reasons that words give by the way: something clearer beside them counts more.
_WEAK = ("", "filtered", "expired", "systemerror")
_VAGUE = (*_WEAK, "policyviolation", "contenterror")
# What leaves room for a code that names the address or the host as the fault.
_OUTWEIGHED = (
    "", "filtered", "systemerror", "policyviolation", "syntaxerror", "contenterror", "expired", "securityerror",
)  # fmt: skip

# Commands sent in one go (RFC 2920): the refusal shows after DATA, but was the answer to RCPT TO.
_NO_RECIPIENT_LEFT = re.compile(
    r"(?i)no valid recipients|need rcpt|all rcpt commands were rejected|valid rcpt|rcpt (?:command )?first"
    r"|must have (?:a )?(?:valid )?recipient"
)
# A code x.1.y is about the address, but for those about the sender and for a house code of Microsoft's.
_NAMES_ADDRESS = re.compile(r"[245]\.1\.(?!90$)\d{1,3}$")
_NAMES_SENDER = re.compile(r"[245]\.1\.[78]$")
# Sendmail and Postfix name the recipient first where they answer RCPT TO.
_ECHO = re.compile(r"[45]\d\d[ :-]{1,3}(?:<[^<>\s]{1,160}>(?::|\.{3})|[^<>\s]{1,160}@[^<>\s]{1,160}?\.{3})")
_TERSE = re.compile(r"(?i)\buser unknown\b|doesn't have an? \S{1,80} account")
_TRANSIENT = re.compile(
    r"(?i)failing for a long time|(?<!delivery )retry timeout exceeded|mailbox is full \(quota exceeded"
    r"|temporary (?:problem|failure|error)|will be retried"
    r"|will retry|has been delayed|is delayed"
    r"|warning message only|not yet been delivered|delivery attempts will continue|still trying|will continue to"
)


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known of a recipient.

    reported: its report. passage: the words about it. around: the whole notice, where it is about this one alone.
    warning: the message only says that the mail is late.
    """

    reported: Reported
    passage: str
    around: str = ""
    warning: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """What there is to read, the server's own answer first."""
        passage = self.passage
        return tuple(one for one in (self.reported.diagnostic, answer_in(passage), passage, self.around) if one.strip())

    @property
    def told(self) -> str:
        """All of it together."""
        return "\n".join((self.reported.diagnostic, self.passage, self.around))


def judged(case: Case) -> Recipient:
    """Weigh a case: a mark of the receiver's own, words, codes; its own answer before the words around it."""
    reported = case.reported
    status = _status(case)
    reply = _reply(case)
    if reported.action in _DELIVERED:
        return Recipient(reported.address, status if status[0] == "2" else "2.0.0", reply, "delivered", False)
    reason = reason_of_label(case.told) or _certain(_reason(case, status), case, status, reply)
    return Recipient(reported.address, status, reply, reason, _is_hard(reason, status, case))


def _status(case: Case) -> str:
    """The most telling code of the class that the report gives; the class from the reply or the tone without one."""
    reported = case.reported
    said = status_in(reported.diagnostic)
    own = [reported.status, said] if is_generic(said) else [said, reported.status]
    known = [code for code in (*own, status_in(case.passage), status_in(case.around)) if code]
    if reported.action in _DELIVERED or not known:
        return next((code for code in known if code[0] == "2"), "") or _bare(case)
    first = known[0]
    if is_generic(first):
        first = next((code for code in known if not is_generic(code) and code[0] == first[0]), first)
    return first if first[0] != "2" or reported.action in _DELIVERED else _bare(case)


def _bare(case: Case) -> str:
    if case.reported.action in _DELIVERED:
        return "2.0.0"
    reply = _reply(case)
    delayed = case.warning or case.reported.action == "delayed" or _TRANSIENT.search(case.passage or case.around)
    return "4.0.0" if reply.startswith("4") or (delayed and not reply) else "5.0.0"


def _reply(case: Case) -> str:
    return next((reply for reply in map(reply_in, case.words) if reply), "")


def _reason(case: Case, status: str) -> str:
    """From the server's answer, else the words about the recipient, else the code."""
    told = [reason_of_words(words) for words in (*case.words, case.reported.comment)]
    clear = next((reason for reason in told if reason not in _VAGUE), "")
    first = next((reason for reason in told if reason), "")
    if clear and first in _WEAK:
        return clear
    told_by_code = reason_of_status(status)
    if told_by_code in HARD_REASONS and first in _OUTWEIGHED:
        return told_by_code
    refused = any(is_refusal(words) for words in case.words)
    return first or told_by_code or ("rejected" if refused else "undefined")


def _certain(reason: str, case: Case, status: str, reply: str) -> str:
    """Not everyone who is called unknown is: a server that let the recipient pass first has filtered the mail.

    A code x.1.y names the address as the fault, and a refusal of RCPT TO comes before any mail was seen; without
    either, a server's "user unknown" may well mean a reader's own filter (as with phone companies).
    """
    if reason not in ("userunknown", "hostunknown"):
        return reason
    if _NAMES_SENDER.match(status):
        return "rejected"
    words = without_consequences(case.told)
    stage = stage_of(case.told)
    if stage in ("mail", "connect"):
        return "rejected"
    if reason == "hostunknown" or _NAMES_ADDRESS.match(status) or (stage == "rcpt"):
        return reason
    if _NO_RECIPIENT_LEFT.search(case.told) and status[2] != "7":
        return reason
    if is_generic(status) and stage != "data" and _ECHO.match(answer_in(words)):
        return reason
    return "filtered" if (reply or _TERSE.search(words)) and "bad-mailbox" not in words else reason


def _is_hard(reason: str, status: str, case: Case) -> bool:
    """A code of class 4 counts once the sender has given up; a domain that takes no mail for now may do so again."""
    if reason not in HARD_REASONS:
        return False
    if status[0] == "4":
        return reason != "notaccept" and case.reported.action != "delayed" and not case.warning
    return True
