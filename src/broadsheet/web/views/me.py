"""What belongs to the reader who is signed in: profile, preferences, standing, export and erasure."""

from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from zoneinfo import available_timezones

from allauth.account.decorators import reauthentication_required
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render, resolve_url
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from broadsheet.community import given
from broadsheet.readers import accounts, belongings, notifications
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web.acting import ReaderView, SeeOther, acting
from broadsheet.web.limits import limited
from broadsheet.web.standing import sentences

LONGEST_ABOUT: Final = 2000
GONE: Final = {
    "votes": gettext_lazy("votes"),
    "comments": gettext_lazy("comments"),
    "library": gettext_lazy("papers in the library"),
    "claims": gettext_lazy("claims"),
    "memberships": gettext_lazy("memberships"),
    "notifications": gettext_lazy("notifications"),
    "sessions": gettext_lazy("sessions"),
    "digests": gettext_lazy("subscriptions to digests"),
    "submissions": gettext_lazy("papers brought in, which lose your name"),
    "links": gettext_lazy("links added, which lose your name"),
}

# Whoever has a password or a second factor shows it again before something that cannot be undone.
confirmed: Callable[[ReaderView[[]]], ReaderView[[]]] = reauthentication_required(
    allow_get=True, enabled=lambda request: not getattr(request, "alone", False)
)


def languages() -> list[tuple[str, str]]:
    """The languages that Broadsheet's own words are there in, and the wish to follow the browser."""
    folder = Path(__file__).resolve().parents[1] / "locale"
    known = [(code, name) for code, name in settings.LANGUAGES if code == "en" or (folder / code).is_dir()]
    return [("", _("As my browser asks")), *((code, _(name)) for code, name in known)]


def time_zones() -> list[tuple[str, Any]]:
    """All time zones by region, as a select shows them."""
    places = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix")))
    regions = groupby(places, lambda name: name.split("/")[0])
    named = [(region, [(name, name.split("/", 1)[1].replace("_", " ")) for name in names]) for region, names in regions]
    return [("UTC", "UTC"), *named]


def held(rule: Callable[..., str], *given: object) -> str:
    """Hold what was typed to a room's rule; its refusal becomes the sentence by the field."""
    try:
        return rule(*given)
    except Refused as refusal:
        raise forms.ValidationError(str(refusal)) from refusal


class ProfileForm(forms.Form):
    """What a reader says of themselves, and how the site speaks to them."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    about = forms.CharField(
        label=gettext_lazy("About you"),
        help_text=gettext_lazy("Shown on your page: what you work on, and where."),
        max_length=LONGEST_ABOUT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=lazy(languages, list), required=False)
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"), choices=time_zones)
    mailed = forms.MultipleChoiceField(
        label=gettext_lazy("Mail me when"),
        help_text=gettext_lazy("All of it stands under News as well."),
        choices=lambda: list(notifications.KINDS.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def clean_name(self) -> str:
        """Hold the name to the rule for names."""
        return held(accounts.check_name, self.cleaned_data["name"])

    def clean_about(self) -> str:
        """Keep only what a page can show."""
        return held(given.passage, self.cleaned_data["about"], LONGEST_ABOUT)


@limited("profile")
@never_cache
@acting
def show(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show the reader's settings and standing; POST saves the profile."""
    before = {name: getattr(reader, name) for name in ProfileForm.base_fields}
    form = ProfileForm(request.POST or None, initial=before)
    if request.method == "POST" and form.is_valid():
        for name, value in form.cleaned_data.items():
            setattr(reader, name, value)
        reader.save(update_fields=list(form.cleaned_data))
        messages.success(request, _("Saved."))
        return SeeOther(resolve_url("me"))
    context = {
        "section": "me",
        "form": form,
        "standing": sentences(reader),
        "mail_goes": bool(settings.CONFIG.mail_url or settings.CONFIG.mail_provider),
    }
    return render(request, "web/account/me.html", context, status=400 if form.errors else 200)


@limited("export")
@acting
def export(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Give everything the reader gave, as one JSON file."""
    response = JsonResponse(belongings.export(reader), json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = f'attachment; filename="broadsheet-{reader.handle}.json"'
    response["Cache-Control"] = "private, no-store"
    return response


@limited("erase")
@never_cache
@acting
@confirmed
def erase(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Explain what erasing means; POST with the handle typed erases the reader and all that was theirs."""
    wrong = ""
    if request.method == "POST":
        if request.POST.get("handle", "").strip().removeprefix("@") == reader.handle:
            return _erased(request, reader)
        wrong = _("That is not your handle. Nothing was erased.")
    return render(request, "web/account/erase.html", {"section": "me", "wrong": wrong}, status=400 if wrong else 200)


def _erased(request: HttpRequest, reader: Reader) -> HttpResponse:
    handle, gone = reader.handle, _counts(belongings.export(reader))
    belongings.erase(reader)
    logout(request)
    return render(request, "web/account/erased.html", {"handle": handle, "gone": gone, "me": request.user})


def _counts(exported: Mapping[str, object]) -> list[tuple[str, int]]:
    """How many things of each kind go, by the parts of an export that people ask about."""
    counted = ((label, exported.get(name)) for name, label in GONE.items())
    return [(str(label), len(things)) for label, things in counted if isinstance(things, list) and things]
