"""Why a paper stands where it stands: the terms of an order come in, sentences for a reader go out."""

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

Terms = Mapping[str, object]

# The parts of a paper's support (`ranking.support`), in votes of full standing.
PARTS: Final = {
    "own": gettext_lazy("Votes here, each by its voter’s standing: %(part)s."),
    "talk": gettext_lazy("Readers who discuss it: %(part)s."),
    "outside": gettext_lazy("Votes counted elsewhere: %(part)s."),
    "code": gettext_lazy("Stars of its code: %(part)s."),
}


def sentences(why: Terms) -> list[str]:
    """Say the terms of an order; terms that are not known here are given by name."""
    said = why.get("said")
    if isinstance(said, list | tuple):
        # A reader's own list says it where the names are known.
        return [str(sentence) for sentence in said]
    if "support_term" in why:
        return _trending(why)
    if "identifier" in why:
        return [_("You named it: %(name)s.") % {"name": why["identifier"]}]
    if "proximity" in why:
        return _words(why)
    if "similarity" in why:
        return [_("Its meaning is close: similarity %(share)s of 1.") % {"share": _figure(why, "similarity")}]
    if "meaning" in why:
        shares = {"words": _figure(why, "words"), "meaning": _figure(why, "meaning")}
        return [_("By words %(words)s of 1, by meaning %(meaning)s of 1.") % shares]
    if "words" in why:
        return _shared(why)
    return _edition(why)


def _edition(why: Terms) -> list[str]:
    said = _support(why)
    if "votes" in why and not said:
        votes = _whole(why, "votes")
        said.append(ngettext("%(votes)d vote counts first.", "%(votes)d votes count first.", votes) % {"votes": votes})
    if "submitted" in why:
        said.append(
            _("Among equals the latest submitted comes first: this one on %(day)s.") % {"day": why["submitted"]}
        )
    if "votes" in why or "support" in why:
        said.append(_("What is still equal is drawn by lot, the same each time."))
    return said or _by_name(why)


def _support(why: Terms) -> list[str]:
    """Say how much speaks for a paper and what it is made of; parts that give nothing are left out."""
    if "support" not in why:
        return []
    said = [
        _("Its support is %(support)s, where a vote of full standing gives 1.") % {"support": _figure(why, "support")}
    ]
    return said + [says % {"part": _figure(why, part)} for part, says in PARTS.items() if why.get(part)]


def _trending(why: Terms) -> list[str]:
    age = _whole(why, "age")
    field = {name: _figure(why, name) for name in ("field_mean", "overall_mean", "lifted")}
    terms = {name: _figure(why, name) for name in ("support_term", "age_term", "score")}
    return [
        *_support(why),
        _("Its field has %(field_mean)s on average, all fields %(overall_mean)s: counted as %(lifted)s.") % field,
        ngettext("It is %(age)d edition old.", "It is %(age)d editions old.", age) % {"age": age},
        _("Support gives %(support_term)s, age takes %(age_term)s: together %(score)s.") % terms,
    ]


def _shared(why: Terms) -> list[str]:
    words = why["words"]
    if not isinstance(words, list | tuple) or not words:
        return [_("The newest come first.")]
    return [_("It holds: %(words)s.") % {"words": ", ".join(str(word) for word in words)}]


def _words(why: Terms) -> list[str]:
    said = _shared(why) if why.get("words") else []
    typos = _whole(why, "typos")
    said.append(
        ngettext("%(typos)d typo between its words and yours.", "%(typos)d typos between its words and yours.", typos)
        % {"typos": typos}
        if typos
        else _("Spelled as you typed it.")
    )
    near = _whole(why, "proximity")
    if near:
        said.append(_("Distance between the words: %(near)d (smaller is better).") % {"near": near})
    titled = _whole(why, "title_words")
    if titled:
        said.append(
            ngettext("%(count)d of them stands in the title.", "%(count)d of them stand in the title.", titled)
            % {"count": titled}
        )
    return said


def _by_name(why: Terms) -> list[str]:
    return [f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in why.items()]


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _whole(why: Terms, name: str) -> int:
    value = why.get(name, 0)
    return int(value) if isinstance(value, int | float) else 0


def _figure(why: Terms, name: str) -> str:
    value = why.get(name, 0.0)
    return f"{value:.2f}" if isinstance(value, int | float) else str(value)
