"""Why a paper stands where it stands: the terms of an order come in, sentences for a reader go out."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

Terms = Mapping[str, object]


def sentences(why: Terms) -> list[str]:
    """Say the terms of an order; terms this page does not know are given by name."""
    if "vote_term" in why:
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
    said = []
    if "votes" in why:
        votes = _whole(why, "votes")
        said.append(ngettext("%(votes)d vote counts first.", "%(votes)d votes count first.", votes) % {"votes": votes})
    if "submitted" in why:
        said.append(
            _("Among equals the latest submitted comes first: this one on %(day)s.") % {"day": why["submitted"]}
        )
    if "votes" in why:
        said.append(_("What is still equal is drawn by lot, the same each time."))
    return said or _by_name(why)


def _trending(why: Terms) -> list[str]:
    votes, age = _whole(why, "votes"), _whole(why, "age")
    drawn = {"votes": votes, "mean": _figure(why, "category_mean"), "drawn": _figure(why, "drawn_votes")}
    terms = {
        "vote_term": _figure(why, "vote_term"),
        "age_term": _figure(why, "age_term"),
        "score": _figure(why, "score"),
    }
    return [
        ngettext(
            "%(votes)d vote, where its category has %(mean)s on average: counted as %(drawn)s.",
            "%(votes)d votes, where its category has %(mean)s on average: counted as %(drawn)s.",
            votes,
        )
        % drawn,
        ngettext("It is %(age)d edition old.", "It is %(age)d editions old.", age) % {"age": age},
        _("Votes give %(vote_term)s, age takes %(age_term)s: together %(score)s.") % terms,
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
