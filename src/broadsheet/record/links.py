"""The addresses in a text, and what the words before each say is there: code, data, a model, a demo, a project."""

import re
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

from broadsheet.lib.text import places
from broadsheet.record.paper import Link

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


def find_links(text: str) -> list[tuple[Link, int]]:
    """Find the addresses of a text, with the place each stands at; one written twice counts once."""
    if "www." not in text and ("/" not in text or ("://" not in text and ".co" not in text)):
        return []
    found: list[tuple[Link, int]] = []
    seen: set[str] = set()
    before = 0
    for begin in sorted(_url_places(text)):
        if begin < before or not (match := _URL.match(text, begin)):
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
    for place in places(text, "://"):
        for scheme in _SCHEMES:
            if text[max(0, place - len(scheme)) : place].lower() == scheme:
                yield place - len(scheme)
                break
    for host in _BARE_HOSTS:
        for place in places(text, host):
            if place == 0 or not (text[place - 1].isalnum() or text[place - 1] in "_./@-"):
                yield place


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


def once(found: Sequence[Link]) -> tuple[Link, ...]:
    """Give links by address once, each as it was told first."""
    return tuple({link.url.rstrip("/").lower(): link for link in reversed(found)}.values())[::-1]
