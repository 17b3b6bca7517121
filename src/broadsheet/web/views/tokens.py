"""The tokens by which a reader's programs act: making one, its secret shown once, and revoking it."""

from typing import Final

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from broadsheet.lib.clock import now
from broadsheet.readers import tokens
from broadsheet.readers.models import Reader
from broadsheet.web.acting import SeeOther, acting
from broadsheet.web.limits import limited
from broadsheet.web.views.me import confirmed

SCOPES: Final = {
    "read": gettext_lazy("Read what is yours: your votes, library, follows and profile"),
    "write": gettext_lazy("Act as you: vote, save, comment, bring papers in, claim them and add links"),
    "feed": gettext_lazy("Open your own feeds, by addresses that feed readers keep"),
}
LIVES: Final = [
    ("30", gettext_lazy("30 days")),
    ("90", gettext_lazy("90 days")),
    ("365", gettext_lazy("A year")),
    ("never", gettext_lazy("For ever, until you revoke it")),
]


def days(chosen: str) -> int | None:
    """Read a lifetime as the form gives it; None for a token that does not expire."""
    return None if chosen == "never" else int(chosen)


class TokenForm(forms.Form):
    """What a token is called, what it may do and how long."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("What you will know it by: the program, and the machine it runs on."),
        max_length=tokens.LONGEST_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do"),
        choices=list(SCOPES.items()),
        initial=["read"],
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.TypedChoiceField(label=gettext_lazy("How long it lives"), choices=LIVES, initial="90", coerce=days)

    def __init__(self, reader: Reader, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.reader = reader

    def clean_name(self) -> str:
        """Let no two tokens of a reader have one name; so a form that is sent twice makes one token."""
        name = " ".join(str(self.cleaned_data["name"]).split())
        if self.reader.tokens.filter(name=name).exists():
            raise forms.ValidationError(_("You have a token of that name already."))
        return name


@limited("token")
@never_cache
@acting
@confirmed
def show(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show the reader's tokens; POST makes one, and its answer is the only page that shows the secret.

    It is not shown after a redirect, as other forms do it: until then it would have to be kept somewhere.
    """
    form = TokenForm(reader, request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return _page(request, reader, form, status=400 if form.errors else 200)
    _made, secret = tokens.make(reader, now=now(), **form.cleaned_data)
    return _page(request, reader, TokenForm(reader), secret)


@limited("token")
@acting
def revoke(request: HttpRequest, reader: Reader, number: int) -> HttpResponseBase:
    """End a token of the reader at once."""
    if number < 2**63:
        tokens.revoke(reader, number)
    return SeeOther(resolve_url("tokens"))


def _page(request: HttpRequest, reader: Reader, form: TokenForm, secret: str = "", status: int = 200) -> HttpResponse:
    at = now()
    context = {
        "section": "me",
        "form": form,
        "secret": secret,
        "tokens": [{"row": row, "over": tokens.has_expired(row, now=at)} for row in tokens.of(reader)],
        "site": request.build_absolute_uri("/").rstrip("/"),
    }
    return render(request, "web/tokens.html", context, status=status)
