"""Where a reader's lists are sent: web hooks and chats, with a preview, a test, and a log of what went out."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, render, resolve_url
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from broadsheet.delivery import changing, places
from broadsheet.delivery.masked import masked
from broadsheet.delivery.models import Delivery, Hook
from broadsheet.delivery.places import Preview
from broadsheet.editions import named
from broadsheet.lib.clock import now
from broadsheet.readers import follows
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web.acting import SeeOther, acting
from broadsheet.web.limits import limited
from broadsheet.web.views.errors import NotHere

SHOWN: Final = 50
# In the session, until the page of the place was shown: its number and its new secret.
SHOWN_ONCE: Final = "hook_secret"
KINDS: Final = (("webhook", gettext_lazy("A web hook, for a program")), ("chat", gettext_lazy("A chat, for people")))
RHYTHMS: Final = (
    ("at-once", gettext_lazy("as they come")),
    ("daily", gettext_lazy("once a day, when the edition is complete")),
    ("weekly", gettext_lazy("once a week")),
)
STATES: Final[Mapping[str, Any]] = {
    "active": gettext_lazy("active"),
    "paused": gettext_lazy("paused"),
    "failing": gettext_lazy("paused, because it fails"),
    "waiting": gettext_lazy("waiting"),
    "sending": gettext_lazy("on its way"),
    "sent": gettext_lazy("arrived"),
    "failed": gettext_lazy("failed"),
}


class PlaceForm(forms.Form):
    """Where a list goes, and how often."""

    kind = forms.ChoiceField(label=gettext_lazy("What it is"), choices=KINDS, initial="webhook")
    target = forms.CharField(
        label=gettext_lazy("Address"),
        help_text=gettext_lazy(
            "Of a web hook: https://… Of a chat, as Apprise writes it: slack://…, discord://…, tgram://…, matrixs://…, "
            "feishu://…, workflows://… for Teams, ntfys://…; many take the address the chat gives you as it is."
        ),
        max_length=places.LONGEST_TARGET,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}),
    )
    key = forms.CharField(
        label=gettext_lazy("List"),
        help_text=gettext_lazy(
            "edition, trending, category/cs.CL, author/Ada Lovelace, organisation/…, tag/…, search/long context, "
            "like/long context, similar/2405.12345; or, of your own, library and digest."
        ),
        max_length=named.LONGEST_KEY,
        widget=forms.TextInput(attrs={"list": "lists", "autocapitalize": "off"}),
    )
    rhythm = forms.ChoiceField(label=gettext_lazy("How often"), choices=RHYTHMS, initial="daily")
    least = forms.IntegerField(
        label=gettext_lazy("At least how many papers"), min_value=1, max_value=places.MOST_PAPERS, initial=1
    )
    most = forms.IntegerField(
        label=gettext_lazy("At most how many in a message"), min_value=1, max_value=places.MOST_PAPERS, initial=20
    )
    name = forms.CharField(label=gettext_lazy("Your name for it"), max_length=places.LONGEST_NAME, required=False)

    def clean_target(self) -> str:
        """Keep the blanks out that copying brings along."""
        return str(self.cleaned_data["target"]).strip()


class ChangeForm(PlaceForm):
    """What may be changed of a place. Neither its address nor its secret is shown; left empty they stay."""

    secret = forms.CharField(
        label=gettext_lazy("A secret of your own"),
        help_text=gettext_lazy(
            "Leave it empty to keep the one it has. Yours is whsec_ and the base64 of 24 to 64 bytes; "
            "for a day the old one signs beside it."
        ),
        max_length=changing.LONGEST_SECRET,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}),
    )

    def __init__(self, hook: Hook, data: Mapping[str, Any] | None = None) -> None:
        initial = {name: getattr(hook, name) for name in ("key", "rhythm", "least", "most", "name")}
        super().__init__(data, initial=initial)
        del self.fields["kind"]
        if hook.kind != "webhook":
            del self.fields["secret"]
        self.fields["target"].required = False
        self.fields["target"].help_text = _("It goes to %(address)s. Leave this empty to keep it.") % {
            "address": escape(masked(hook.target))
        }


@sensitive_post_parameters()
@limited("deliver")
@never_cache
@acting
def show(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show a reader's places and the form for a new one; POST shows what would go out, or keeps it."""
    form = PlaceForm(request.POST or None, initial={"key": _asked_for(request)})
    seen: Preview | None = None
    if request.method == "POST" and form.is_valid():
        try:
            hook = places.made(reader, form.cleaned_data, now=now())
            if "keep" in request.POST:
                return _kept(request, hook)
            seen = places.preview(hook, now=now())
        except Refused as refusal:
            form.add_error(None, str(refusal))
    context = {
        "section": "me",
        "form": form,
        "seen": seen,
        "places": [_told(hook) for hook in _with_counts(reader)],
        "most": places.MOST,
        "lists": _lists(reader),
    }
    return render(request, "web/deliveries.html", context, status=400 if form.errors else 200)


def _lists(reader: Reader) -> list[str]:
    return ["edition", "trending", *named.own_keys(reader), *follows.of(reader)]


def _asked_for(request: HttpRequest) -> str:
    key = request.GET.get("list", "edition")
    return key if key.isprintable() and len(key) <= named.LONGEST_KEY else "edition"


def _kept(request: HttpRequest, hook: Hook) -> SeeOther:
    places.keep(hook, now=now())
    _show_once(request, hook)
    messages.success(request, _("Saved. It begins with what comes from now on; send a test to see that it arrives."))
    return SeeOther(resolve_url("delivery-place", number=hook.pk))


def _show_once(request: HttpRequest, hook: Hook) -> None:
    if hook.secret:
        request.session[SHOWN_ONCE] = [hook.pk, hook.secret]


def _shown_once(request: HttpRequest, hook: Hook) -> str:
    """Give the secret that was just made for a place, once; "" otherwise."""
    number, secret = request.session.get(SHOWN_ONCE) or (None, "")
    if number != hook.pk:
        return ""
    del request.session[SHOWN_ONCE]
    return str(secret)


def _with_counts(reader: Reader) -> list[Hook]:
    return list(Hook.objects.filter(reader=reader).annotate(sent=Count("deliveries")).order_by("-made", "-pk"))


def _told(hook: Hook) -> dict[str, Any]:
    last = hook.deliveries.order_by("-at").first()
    return {
        "row": hook,
        "name": hook.name or hook.key,
        "target": masked(hook.target),
        "state": STATES[hook.state],
        "rhythm": dict(RHYTHMS)[hook.rhythm],
        "last": last,
        "last_state": STATES[last.state] if last else "",
    }


@limited("deliver")
@never_cache
@acting
def one(request: HttpRequest, reader: Reader, number: int) -> HttpResponseBase:
    """Show one place with its secret and its log; POST sends a test and shows what came of it."""
    hook = _own(reader, number)
    outcome, wrong = None, ""
    if request.method == "POST":
        try:
            outcome = places.test(hook, now=now())
        except Refused as refusal:
            wrong = str(refusal)
    log = hook.deliveries.order_by("-made", "-position")[:SHOWN]
    context = {
        "section": "me",
        "place": _told(hook),
        "outcome": outcome,
        "wrong": wrong,
        "log": [{"row": row, "state": STATES[row.state], "papers": len(row.papers)} for row in log],
        "secret": _shown_once(request, hook),
        "both": hook.before and hook.rotated and now() < hook.rotated + places.BOTH_SIGN,
    }
    return render(request, "web/deliveries_place.html", context)


@sensitive_post_parameters()
@limited("deliver")
@never_cache
@acting
def change(request: HttpRequest, reader: Reader, number: int) -> HttpResponseBase:
    """Show what can be changed of a place; POST shows what would go out then, or keeps it."""
    hook = _own(reader, number)
    form = ChangeForm(hook, request.POST if request.method == "POST" else None)
    seen: Preview | None = None
    if request.method == "POST" and form.is_valid():
        try:
            wanted = changing.changed(hook, form.cleaned_data)
            if "keep" in request.POST:
                return _changed(request, hook, wanted)
            seen = places.preview(wanted, now=now())
        except Refused as refusal:
            form.add_error(None, str(refusal))
    context = {"section": "me", "place": _told(hook), "form": form, "seen": seen, "lists": _lists(reader)}
    return render(request, "web/deliveries_change.html", context, status=400 if form.errors else 200)


def _changed(request: HttpRequest, hook: Hook, wanted: Hook) -> SeeOther:
    is_other_list = wanted.key != hook.key
    changing.keep(hook, wanted, now=now())
    says = _("Saved. The new list begins with what comes from now on.") if is_other_list else _("Saved.")
    messages.success(request, says)
    return SeeOther(resolve_url("delivery-place", number=hook.pk))


def _rotate(request: HttpRequest, hook: Hook) -> None:
    if hook.kind == "webhook":
        places.rotate(hook, now=now())
        _show_once(request, hook)
        messages.success(request, _("There is a new secret. For a day the old one signs beside it."))


def _pause(request: HttpRequest, hook: Hook) -> None:
    places.pause(hook)


def _resume(request: HttpRequest, hook: Hook) -> None:
    places.resume(hook, now=now())


def _remove(request: HttpRequest, hook: Hook) -> None:
    hook.delete()
    messages.success(request, _("Removed."))


ACTS: Final[Mapping[str, Callable[[HttpRequest, Hook], None]]] = {
    "pause": _pause,
    "resume": _resume,
    "rotate": _rotate,
    "remove": _remove,
}


@limited("deliver")
@acting
def act(request: HttpRequest, reader: Reader, number: int, act: str) -> HttpResponseBase:
    """Pause, resume or remove a place, or change its secret."""
    hook = _own(reader, number)
    if act not in ACTS:
        raise NotHere(_("There is no such button."))
    ACTS[act](request, hook)
    return SeeOther(resolve_url("deliveries") if act == "remove" else resolve_url("delivery-place", number=number))


@limited("deliver")
@acting
def retry(request: HttpRequest, reader: Reader, number: int, delivery: UUID) -> HttpResponseBase:
    """Send a message that failed once more."""
    places.retry(get_object_or_404(Delivery, pk=delivery, hook=_own(reader, number)), now=now())
    messages.success(request, _("It goes out again within a minute."))
    return SeeOther(resolve_url("delivery-place", number=number))


def _own(reader: Reader, number: int) -> Hook:
    return get_object_or_404(Hook, pk=min(number, 2**62), reader=reader)
