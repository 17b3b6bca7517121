"""What an abstract and a source give beside the paper: code, models, data, demos, as small signs with a link."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadsheet.community.models import AddedLink
from broadsheet.papers.models import Paper

KINDS: Final = {
    "code": gettext_lazy("Code"),
    "model": gettext_lazy("Model"),
    "data": gettext_lazy("Data"),
    "demo": gettext_lazy("Demo"),
    "project": gettext_lazy("Project page"),
}

TOLD: Final = {
    "system": gettext_lazy("System"),
    "model_sizes": gettext_lazy("Model sizes"),
    "benchmarks": gettext_lazy("Benchmarks"),
    "gains": gettext_lazy("From … to …"),
    "speed_ups": gettext_lazy("Speed-ups"),
    "percentages": gettext_lazy("Percentages"),
    "packages": gettext_lazy("Packages"),
    "cites": gettext_lazy("Names the papers"),
}
FIGURES: Final = 3


@dataclass(frozen=True, slots=True)
class Badge:
    """A sign on a card. `url` is empty where there is nothing to open; `hint` says more."""

    kind: str
    label: str
    url: str = ""
    hint: str = ""


def badges(paper: Paper, added: Iterable[AddedLink] = ()) -> list[Badge]:
    """Give the signs of a paper: code, there or promised, then one for each kind of link, then what it is.

    added: the links that readers added; those of the sources and the abstract come before them.
    """
    facts = _facts(paper)
    links: dict[str, str] = {}
    for link in [*all_links(paper), *_links([{"kind": link.kind, "url": link.url} for link in added])]:
        links.setdefault(link["kind"], link["url"])
    found = [*_code(facts, links.pop("code", "")), *(Badge(kind, str(KINDS[kind]), url) for kind, url in links.items())]
    return [*found, Badge("survey", _("Survey"))] if facts.get("survey") else found


def _code(facts: Mapping[str, object], url: str) -> list[Badge]:
    """The sign for code: a link that an abstract gives may still be an empty promise."""
    if facts.get("code_promised"):
        return [Badge("promised", _("Code promised"), url, _("The abstract says that code will come."))]
    if url:
        return [Badge("code", str(KINDS["code"]), url)]
    return (
        [Badge("code", str(KINDS["code"]), "", _("The abstract says that code is there."))]
        if facts.get("code_released")
        else []
    )


def figures(paper: Paper) -> list[str]:
    """Give the few figures of an abstract that fit on a card: gains, speed-ups, model sizes, as written."""
    facts = _facts(paper)
    return [text for name in ("gains", "speed_ups", "model_sizes") for text in _texts(facts.get(name))][:FIGURES]


def told(paper: Paper) -> list[tuple[str, list[str]]]:
    """Give what was found in the abstract beside links, as (name, values)."""
    facts = _facts(paper)
    found = [(str(label), _texts(facts.get(name))) for name, label in TOLD.items()]
    if facts.get("state_of_the_art"):
        found.append((_("Claim"), [_("The authors claim a state of the art.")]))
    return [(label, values) for label, values in found if values]


def _facts(paper: Paper) -> Mapping[str, object]:
    return paper.facts if isinstance(paper.facts, Mapping) else {}


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    return [str(text) for text in value] if isinstance(value, list | tuple) else []


def all_links(paper: Paper) -> list[dict[str, str]]:
    """Give every link of a known kind that opens in a browser, from the sources and from the abstract, each once."""
    found: dict[str, dict[str, str]] = {}
    for link in [*_links(paper.links), *_links(_facts(paper).get("links"))]:
        found.setdefault(link["url"].rstrip("/").lower(), link)
    return list(found.values())


def _links(raw: object) -> list[dict[str, str]]:
    if not isinstance(raw, list | tuple):
        return []
    return [
        {"kind": link["kind"], "url": link["url"]}
        for link in raw
        if isinstance(link, Mapping)
        and link.get("kind") in KINDS
        and str(link.get("url", "")).startswith(("https://", "http://"))
    ]
