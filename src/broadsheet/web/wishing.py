"""The form in which people say what they want of digests; the same for strangers, for a signed link and for readers."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, time
from typing import Any, Final

from django import forms
from django.conf import settings
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from broadsheet.digest import addresses, wishes
from broadsheet.digest.wishes import Wish
from broadsheet.editions import named
from broadsheet.readers.refused import Refused
from broadsheet.web import categories
from broadsheet.web.views.me import languages, time_zones

RHYTHMS: Final = (
    ("daily", gettext_lazy("every day with an edition")),
    ("weekly", gettext_lazy("once a week")),
    ("monthly", gettext_lazy("once a month")),
    ("when", gettext_lazy("when enough papers match")),
)
FORMS: Final = (("html", gettext_lazy("typeset, like this site")), ("text", gettext_lazy("plain text")))
LONGEST_LIST: Final = 4000


def offered(*, has_account: bool) -> list[tuple[str, str]]:
    """Give the lists that are worth a tick box: key and name."""
    own = [("foryou", _("Chosen for me")), ("follows", _("What I follow"))] if has_account else []
    codes = settings.CONFIG.categories
    fields = [(f"category/{code}", f"{categories.name(code)} ({code})") for code in codes if code in categories.NAMES]
    return [("trending", _("Trending")), *own, *fields]


def said(wish: Wish) -> str:
    """Say in one sentence when digests come."""
    hour, weekday = time_format(time(wish.hour)), str(WEEKDAYS[wish.weekday])
    if wish.rhythm == "weekly":
        when = _("Every %(weekday)s, from %(hour)s") % {"weekday": weekday, "hour": hour}
    elif wish.rhythm == "monthly":
        when = _("Once a month, from %(hour)s") % {"hour": hour}
    elif wish.rhythm == "when":
        least = ngettext("As soon as %(least)d paper matches", "As soon as %(least)d papers match", wish.least)
        when = least % {"least": wish.least}
    else:
        when = _("Every day with an edition, from %(hour)s") % {"hour": hour}
    most = ngettext("at most %(length)d paper", "at most %(length)d papers", wish.length) % {"length": wish.length}
    return f"{when} ({wish.time_zone.replace('_', ' ')}), {most}."


def names(keys: Iterable[str]) -> list[str]:
    """Name lists as a reader would."""
    known = dict(offered(has_account=True))
    return [str(known.get(key, key)) for key in keys]


class WishForm(forms.Form):
    """What, how often, when, how long, and how it looks."""

    lists = forms.MultipleChoiceField(
        label=gettext_lazy("What comes"), required=False, widget=forms.CheckboxSelectMultiple
    )
    more = forms.CharField(
        label=gettext_lazy("Other lists, one in a line"),
        help_text=gettext_lazy("Such as author/Ada Lovelace, tag/imagenet, search/long context or category/math.CO."),
        max_length=LONGEST_LIST,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "autocapitalize": "off", "spellcheck": "false"}),
    )
    rhythm = forms.ChoiceField(label=gettext_lazy("How often"), choices=RHYTHMS, widget=forms.RadioSelect)
    weekday = forms.TypedChoiceField(label=gettext_lazy("On"), choices=lambda: list(WEEKDAYS.items()), coerce=int)
    least = forms.IntegerField(
        label=gettext_lazy("At least how many new ones"), min_value=1, max_value=wishes.MOST_PAPERS, required=False
    )
    hour = forms.TypedChoiceField(
        label=gettext_lazy("From"),
        choices=lambda: [(hour, time_format(time(hour))) for hour in range(24)],
        coerce=int,
    )
    time_zone = forms.ChoiceField(label=gettext_lazy("Your time zone"), widget=forms.Select(attrs={"data-zone": ""}))
    length = forms.IntegerField(
        label=gettext_lazy("At most how many papers"), min_value=1, max_value=wishes.MOST_PAPERS
    )
    form = forms.ChoiceField(label=gettext_lazy("How it looks"), choices=FORMS, widget=forms.RadioSelect)
    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    paused_until = forms.DateField(
        label=gettext_lazy("Pause until"),
        help_text=gettext_lazy("Nothing comes before that day."),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )

    def __init__(self, data: Any = None, *, wish: Wish, has_account: bool = False, asks_zone: bool = False) -> None:  # noqa: ANN401
        """wish: what the form begins with. asks_zone: no time zone is taken for granted."""
        choices = offered(has_account=has_account)
        known = {key for key, _name in choices}
        others = [key for key in wish.lists if key not in known]
        begin = {**asdict(wish), "lists": [*known & {*wish.lists}], "more": "\n".join(others)}
        super().__init__(data, initial=begin | ({"time_zone": ""} if asks_zone else {}))
        self.fields["lists"].choices = choices  # type: ignore[attr-defined]
        self.fields["time_zone"].choices = _zones(wish.time_zone, asks_zone)  # type: ignore[attr-defined]
        spoken = [("", _("The site’s own")), *languages()[1:]]
        self.fields["language"].choices = spoken  # type: ignore[attr-defined]
        if has_account:
            self.fields["more"].help_text = _("Such as author/Ada Lovelace, tag/imagenet or search/long context.")
        self.before = wish

    def wish(self) -> Wish:
        """Give what was wanted, once the form is valid."""
        given = dict(self.cleaned_data)
        lines = (" ".join(line.split()) for line in given.pop("more").splitlines())
        given["lists"] = (*given["lists"], *(line[: named.LONGEST_KEY + 1] for line in lines if line))
        given["least"] = given["least"] or self.before.least
        return Wish(**given)

    @property
    def pause_said(self) -> str:
        """The day until which it pauses, for people; "" without."""
        day: date | None = self.before.paused_until
        return date_format(day, "j F Y") if day else ""


class AskForm(WishForm):
    """The same with the address, for those without an account."""

    address = forms.CharField(
        label=gettext_lazy("Your mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autocapitalize": "none"}),
    )
    # Who has not begun does not pause.
    paused_until = None  # type: ignore[assignment]
    field_order = ("address",)

    def clean_address(self) -> str:
        """Hold the address to the rule for addresses."""
        return held_address(self.cleaned_data["address"])


def held_address(text: str) -> str:
    """Give an address as it is written here; what is wrong with it becomes the sentence by the field."""
    try:
        return addresses.written(text)
    except Refused as refusal:
        raise forms.ValidationError(str(refusal)) from refusal


def begin_with(reader_zone: str = "UTC") -> Wish:
    """What a form begins with for somebody new."""
    return Wish(time_zone=reader_zone if reader_zone in wishes.available() else "UTC")


def _zones(current: str, asks: bool) -> list[tuple[str, Any]]:
    choices = time_zones()
    places = {name for _region, names in choices[1:] for name, _place in names} | {"UTC"}
    first: list[tuple[str, Any]] = [("", _("Choose"))] if asks else []
    return [*first, *([] if current in places else [(current, current)]), *choices]
