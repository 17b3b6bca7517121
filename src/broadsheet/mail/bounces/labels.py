"""Marks of their own that large receivers put into their answers, and what they publish as the meaning of each.

Words are for people and change; a mark stays. Every line is one house's.
"""

import re

_LONGEST_WORDS = 20_000  # characters

_TABLE: tuple[tuple[str, str], ...] = (
    # Facebook
    ("userunknown", r"\b(?:rcp-p1|int-p[134])\b"),
    ("filtered", r"\brcp-p[23]\b"),
    ("suspend", r"\brcp-t4\b"),
    ("rejected", r"\bdns-(?:p[12]|t1)\b"),
    ("requireptr", r"\bdns-(?:p3|t2)\b"),
    ("blocked", r"\bpol-(?:p[1-4]|t[1-3])\b"),
    ("toomanyconn", r"\bcon-t[1-4]\b|\bmsg-t1\b"),
    ("mesgtoobig", r"\bmsg-p1\b|\bint-p2\b"),
    ("contenterror", r"\bmsg-p[23]\b"),
    # Orange, La Poste
    ("userunknown", r"\b(?:lpn|ofr|ouk)\d{0,3}[_-]?(?:416|418)\b"),
    ("mailboxfull", r"\b(?:lpn|ofr|ouk)\d{0,3}[_-]?417\b"),
    ("suspend", r"\b(?:lpn|ofr|ouk)\d{0,3}[_-]?(?:420|426)\b"),
    ("rejected", r"\b(?:lpn|ofr|ouk)\d{0,3}[_-]?(?:403|405|415|421)\b"),
    ("blocked", r"\b(?:lpn|ofr|ouk)\d{0,3}[_-]?(?:10[2-9]|201|401|510|999)\b"),
    ("spamdetected", r"\b(?:lpn|ofr|ouk)\d{0,3}[_-]?506\b"),
    # GoDaddy
    ("blocked", r"\bib1(?:0[3-6]|1[0-3])\b"),
    ("requireptr", r"\bib108\b"),
    ("authfailure", r"\bib508\b"),
    ("rejected", r"\bib50[126]\b"),
    ("toomanyconn", r"\bib(?:007|504|510|60[57])\b"),
    ("spamdetected", r"\bib212\b"),
    # Cox, Spectrum
    ("blocked", r"\baup#(?:cxbl|cdrbl|ipbl\d+|[io]?-?(?:1000|12[0-5]0))\b"),
    ("requireptr", r"\baup#(?:cxdns|[io]?-?11[0-5]0)\b"),
    ("authfailure", r"\baup#cxsndr\b"),
    ("rejected", r"\baup#(?:cxsmtp|[io]?-?(?:10[1-8]0|15[02]0))\b"),
    ("toomanyconn", r"\baup#(?:cxcnct|cxmxrt|[io]?-?(?:1[34]\d0|15[4-8]0))\b"),
    # i.ua
    ("userunknown", r"i\.ua/err/2\b"),
    ("suspend", r"i\.ua/err/3\b"),
    ("mailboxfull", r"i\.ua/err/4\b"),
    ("filtered", r"i\.ua/err/10\b"),
    ("blocked", r"i\.ua/err/[1-9]\b"),
    # Microsoft: codes that say what a reader's rules or the sender's standing did
    ("suspend", r"\b5\.7\.50[45]\b"),
    ("toomanyconn", r"\b5\.(?:2\.12[12]|1\.90|7\.7[0-4]\d)\b"),
    ("authfailure", r"\b[45]\.7\.(?:509|32[2-5])\b"),
    ("blocked", r"\b[45]\.7\.(?:50[1-8]|51[01]|513|6\d\d|8[5-9]\d)\b"),
    ("rejected", r"\b5\.7\.(?:12|124|13[3-6])\b"),
    # au by KDDI leaves the address out where a reader's own filter refused
    ("filtered", r"\b550 : user unknown"),
)
_PATTERNS = tuple((reason, re.compile(pattern)) for reason, pattern in _TABLE)


def reason_of_label(words: str) -> str:
    """The reason that a mark in words gives, or ""."""
    text = " ".join(words[:_LONGEST_WORDS].lower().split())
    return next((reason for reason, pattern in _PATTERNS if pattern.search(text)), "")
