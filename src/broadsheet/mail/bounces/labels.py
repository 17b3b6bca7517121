"""Marks of their own that large receivers put into their answers, and what they publish as the meaning of each.

Words are for people and change; a mark stays. Every line is one house's.
"""

import re

_LONGEST_WORDS = 20_000  # characters

_TABLE: tuple[tuple[str, str], ...] = (
    # Facebook
    ("userunknown", r"(?:rcp-p1|int-p[134])"),
    ("filtered", r"rcp-p[23]"),
    ("suspend", r"rcp-t4"),
    ("rejected", r"dns-(?:p[12]|t1)"),
    ("requireptr", r"dns-(?:p3|t2)"),
    ("blocked", r"pol-(?:p[1-4]|t[1-3])"),
    ("toomanyconn", r"con-t[1-4]|msg-t1"),
    ("mesgtoobig", r"msg-p1|int-p2"),
    ("contenterror", r"msg-p[23]"),
    # Orange, La Poste
    ("userunknown", r"(?:lpn|ofr|ouk)\d{0,3}[_-]?(?:416|418)"),
    ("mailboxfull", r"(?:lpn|ofr|ouk)\d{0,3}[_-]?417"),
    ("suspend", r"(?:lpn|ofr|ouk)\d{0,3}[_-]?(?:420|426)"),
    ("rejected", r"(?:lpn|ofr|ouk)\d{0,3}[_-]?(?:403|405|415|421)"),
    ("blocked", r"(?:lpn|ofr|ouk)\d{0,3}[_-]?(?:10[2-9]|201|401|510|999)"),
    ("spamdetected", r"(?:lpn|ofr|ouk)\d{0,3}[_-]?506"),
    # GoDaddy
    ("blocked", r"ib1(?:0[3-6]|1[0-3])"),
    ("requireptr", r"ib108"),
    ("authfailure", r"ib508"),
    ("rejected", r"ib50[126]"),
    ("toomanyconn", r"ib(?:007|504|510|60[57])"),
    ("spamdetected", r"ib212"),
    # Cox, Spectrum
    ("blocked", r"aup#(?:cxbl|cdrbl|ipbl\d+|[io]?-?(?:1000|12[0-5]0))"),
    ("requireptr", r"aup#(?:cxdns|[io]?-?11[0-5]0)"),
    ("authfailure", r"aup#cxsndr"),
    ("rejected", r"aup#(?:cxsmtp|[io]?-?(?:10[1-8]0|15[02]0))"),
    ("toomanyconn", r"aup#(?:cxcnct|cxmxrt|[io]?-?(?:1[34]\d0|15[4-8]0))"),
    # i.ua
    ("userunknown", r"mail\.i\.ua/err/2"),
    ("suspend", r"mail\.i\.ua/err/3"),
    ("mailboxfull", r"mail\.i\.ua/err/4"),
    ("filtered", r"mail\.i\.ua/err/10"),
    ("blocked", r"mail\.i\.ua/err/[1-9]"),
    # Microsoft: codes that say what a reader's rules or the sender's standing did
    ("suspend", r"5\.7\.50[45]"),
    ("toomanyconn", r"5\.(?:2\.12[12]|1\.90|7\.7[0-4]\d)"),
    ("authfailure", r"[45]\.7\.(?:509|32[2-5])"),
    ("blocked", r"[45]\.7\.(?:50[1-8]|51[01]|513|6\d\d|8[5-9]\d)"),
    ("rejected", r"5\.7\.(?:12|124|13[3-6])"),
    # au by KDDI leaves the address out where a reader's own filter refused
    ("filtered", r"550 : user unknown"),
)
# A mark stands alone: not within the name of a host or an address of the network.
_PATTERNS = tuple((reason, re.compile(rf"(?<![\w.-])(?:{pattern})(?![\w-]|\.\w)")) for reason, pattern in _TABLE)


def reason_of_label(words: str) -> str:
    """The reason that a mark in words gives, or ""."""
    text = " ".join(words[:_LONGEST_WORDS].lower().split())
    return next((reason for reason, pattern in _PATTERNS if pattern.search(text)), "")
