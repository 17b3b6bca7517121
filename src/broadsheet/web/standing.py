"""A reader's standing, told in sentences."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from broadsheet.community.rules import rules
from broadsheet.readers.models import Reader


def sentences(reader: Reader) -> list[str]:
    """Say how the weight of a reader's vote came about, one term a sentence; of terms that are unknown nothing."""
    terms = reader.standing_terms
    if not terms:
        return [_("It is counted within a day of joining, and again every day.")]
    if terms.get("by_role"):
        return [_("As one who cares for this site, your vote weighs in full."), *_losses(terms)]
    return [_start(terms), *_earned(terms), *_losses(terms)]


def terms(reader: Reader) -> list[tuple[str, str]]:
    """Name the terms of a reader's standing for moderators, in percent; those that change nothing are left out."""
    told = reader.standing_terms
    if not told:
        return []
    if told.get("by_role"):
        named = [(_("in full, by the role"), "")]
    else:
        shares = {"start": _("began at"), "age_part": _("time here"), "active_part": _("days active")}
        named = [(label, f"{_percent(told.get(name, 0))} %") for name, label in shares.items()]
        if told.get("accepted_part"):
            named.append((_("contributions"), f"+{_percent(told['accepted_part'])} %"))
    if told.get("upheld_factor", 1) < 1:
        named.append((_("upheld reports leave"), f"{_percent(told['upheld_factor'])} %"))
    if told.get("discount"):
        named.append((_("findings take"), f"{_percent(told['discount'])} %"))
    return named


def _start(terms: dict[str, float]) -> str:
    if terms.get("start", 0) > rules().newcomer:
        said = _("Someone with standing vouched for you, so your vote began at %(percent)s %%.")
    else:
        said = _("Your vote began at %(percent)s %%, as every new one does that nobody vouched for.")
    return said % {"percent": _percent(terms.get("start", 0))}


def _percent(share: float) -> str:
    """A share in percent: whole, but below one percent, where rounding would say none."""
    percent = 100 * share
    return f"{percent:.1f}" if 0 < percent < 1 else str(round(percent))


def _earned(terms: dict[str, float]) -> list[str]:
    full = rules()
    age = _("Time here: %(percent)d %% of the %(days)d days that full standing asks for.")
    active = _("Days on which you voted or commented: %(percent)d %% of %(days)d. The lesser of the two counts.")
    said = [
        age % {"percent": round(100 * terms.get("age_part", 0)), "days": full.full_age_days},
        active % {"percent": round(100 * terms.get("active_part", 0)), "days": full.full_active_days},
    ]
    accepted = round(terms.get("accepted_part", 0) / full.accepted_worth) if full.accepted_worth else 0
    if accepted:
        more = ngettext(
            "%(count)d paper, link or claim of yours was accepted, which adds to it.",
            "%(count)d papers, links or claims of yours were accepted, which adds to it.",
            accepted,
        )
        said.append(more % {"count": accepted})
    return said


def _losses(terms: dict[str, float]) -> list[str]:
    said = []
    if terms.get("upheld_factor", 1) < 1:
        said.append(_("Reports about you were upheld, which takes from it."))
    if terms.get("discount", 0) > 0:
        lost = _("A finding of steered votes takes %(percent)d %% of it until it is cleared.")
        said.append(lost % {"percent": round(100 * terms["discount"])})
    return said
