"""Why a paper stands in a digest: the terms of a pick come in, sentences for a reader go out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from broadsheet.digest.ranker import TRENDING

Terms = Mapping[str, Any]

# By the kind of list that a paper comes from.
KINDS: Final = {
    "author": gettext_lazy("By %(name)s, whom you follow"),
    "organisation": gettext_lazy("From %(name)s, which you follow"),
    "tag": gettext_lazy("About %(name)s, which you follow"),
    "search": gettext_lazy("It holds what you look for: %(name)s"),
    "like": gettext_lazy("Near in meaning to what you look for: %(name)s"),
    "similar": gettext_lazy("Like “%(name)s”"),
    "category": gettext_lazy("New in %(name)s"),
    "trending": gettext_lazy("Trending here"),
    "edition": gettext_lazy("New in the daily papers"),
    "foryou": gettext_lazy("Close to what you liked before"),
}
# Kinds of lists that are the same for all readers.
EVERYBODYS: Final = frozenset({"trending", "edition"})
DISCOVERIES: Final = {
    "liked": gettext_lazy("Outside your lists: what readers here liked most"),
    "new": gettext_lazy("Outside your lists: new in %(name)s"),
    "field": gettext_lazy("From a field that would have been missing: %(name)s"),
}
NOTHING: Final = {
    "lists": gettext_lazy("You chose no list that is there."),
    "empty": gettext_lazy("No papers were announced."),
    "late": gettext_lazy("The papers had not come in time; they come with the next digest."),
    "told": gettext_lazy("There was nothing new in your lists."),
    "least": gettext_lazy("There are fewer new papers in your lists than you asked for."),
}


def sentences(why: Sequence[Terms]) -> list[str]:
    """Say the terms of a pick, as `choose.Pick.why` holds them; terms that are not known here are passed over."""
    known: dict[str, Any] = {name: value for terms in why for name, value in terms.items()}
    said = _head(known)
    votes = known.get("votes")
    if not said:
        return []
    if isinstance(votes, int) and votes > 0:
        counted = ngettext("%(votes)d vote", "%(votes)d votes", votes) % {"votes": votes}
        return [_("%(why)s, %(votes)s.") % {"why": said, "votes": counted}]
    return [_("%(why)s.") % {"why": said}]


def _head(known: Terms) -> str:
    if known.get("kind") == "foryou" and isinstance(known.get("words"), list | tuple):
        return _("Close to what you liked before: %(words)s") % {"words": ", ".join(map(str, known["words"]))}
    wording = DISCOVERIES.get(known.get("discovery", "")) or KINDS.get(known.get("kind", ""))
    return str(wording) % {"name": known.get("name", "")} if wording else ""


def standing(count: int, ranker: str, picks: Iterable[Mapping[str, Any]]) -> str:
    """Say what a digest of so many papers is: chosen for its reader, or what trends for everybody.

    ranker, picks: as `models.Digest` keeps them.
    """
    if _is_chosen(ranker, picks):
        return ngettext("%(count)d paper chosen for you", "%(count)d papers chosen for you", count) % {"count": count}
    return ngettext("%(count)d paper that trends here", "%(count)d papers that trend here", count) % {"count": count}


def _is_chosen(ranker: str, picks: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a profile ordered it, or a list that is not everybody's gave a paper."""
    if ranker and ranker != str(TRENDING):
        return True
    known = (terms for pick in picks for terms in pick.get("why", ()))
    return any("kind" in terms and terms["kind"] not in EVERYBODYS for terms in known)


def nothing(reason: str) -> str:
    """Say why there is no digest, by one of the keys of NOTHING."""
    return str(NOTHING[reason])
