"""A message as text of a chat: in Markdown, HTML or plain, within the length that the service takes. No Django here.

The forms are markdown; links, which is Markdown for services that know no backslash (Slack, Google Chat, Teams …), so
that what could be markup is written with other signs; html; and text.
"""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

Link = Callable[[str, str], str]
ZERO_WIDTH: Final = "\u200b"
# In Markdown as DingTalk and Teams read it, two blanks end a line.
LINE_ENDS: Final = {"html": "<br>\n", "links": "  \n"}
OTHER_SIGNS: Final = str.maketrans("[]<>|*`\\", "()‹›¦∗'/")
# What a service adds around a message, and what its own escaping makes longer.
SPARE: Final = 60
# A message of many papers is easier to read when each takes two or three lines at most.
LONGEST: Final = 12_000


def rendered(message: Mapping[str, Any], form: str, longest: int) -> tuple[str, str]:
    """Give title and body of a message. form: as above. longest: characters the body may have.

    Papers that do not fit are counted in the last line.
    """
    limit = max(min(longest, LONGEST) - SPARE, 120)
    title = f"{message['list']['title']} · {message.get('site', '')}".strip(" ·")
    head, foot = _head(message, form), _foot(message, form, 0)
    parts: list[str] = []
    for paper in message["papers"]:
        for lines in (_paper(paper, form), _paper({**paper, "says": "", "by": ""}, form)):
            left = len(message["papers"]) - len(parts) - 1
            foot = _foot(message, form, left)
            if len(_joined([head, *parts, lines, foot], form)) <= limit:
                parts.append(lines)
                break
        else:
            break
    foot = _foot(message, form, len(message["papers"]) - len(parts))
    return _quiet(title), _joined([head, *parts, foot], form)[:longest]


def _joined(parts: Sequence[str], form: str) -> str:
    # Telegram keeps an empty line only where something stands in it.
    return ("<br>\u2063<br>\n" if form == "html" else "\n\n").join(part for part in parts if part)


def _head(message: Mapping[str, Any], form: str) -> str:
    note = [_plain(message["note"], form)] if message.get("note") else []
    listed = message["list"]
    return " ".join([*note, _strong(_link(listed["title"], listed["url"], form), form)])


def _foot(message: Mapping[str, Any], form: str, left: int) -> str:
    more = int(message.get("more", 0)) + left
    if not more:
        return ""
    return _link(f"+ {more}", message["list"]["url"], form)


def _paper(paper: Mapping[str, Any], form: str) -> str:
    line = " · ".join(_plain(part, form) for part in (paper.get("by"), paper.get("votes")) if part)
    says = _plain(paper.get("says", ""), form)
    lines = [_link(paper["title"], paper["url"], form), line, says]
    return LINE_ENDS.get(form, "\n").join(part for part in lines if part)


def _link(words: str, url: str, form: str) -> str:
    if form == "html":
        return f'<a href="{html.escape(url)}">{_plain(words, form)}</a>'
    if form in ("markdown", "links"):
        safe = url.replace("(", "%28").replace(")", "%29").replace(" ", "%20")
        return f"[{_plain(words, form)}]({safe})"
    return f"{_plain(words, form)}\n{url}"


def _strong(words: str, form: str) -> str:
    if form == "html":
        return f"<b>{words}</b>"
    return words if form == "text" else f"**{words}**"


def _plain(words: str, form: str) -> str:
    """Keep words words: nothing in a title may become markup, or call everybody of a channel."""
    words = _quiet(" ".join(words.split()))
    if form == "html":
        return html.escape(words)
    if form == "markdown":
        return re.sub(r"([\\`*_\[\]<>~|#])", r"\\\1", words)
    return words.translate(OTHER_SIGNS) if form == "links" else words


def _quiet(words: str) -> str:
    return re.sub(r"@(?=\w)", f"@{ZERO_WIDTH}", words)
