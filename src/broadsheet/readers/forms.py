"""What is asked of those who join, besides what signing in needs."""

from allauth.core import context
from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadsheet.readers import accounts, joining
from broadsheet.readers.models import Reader
from broadsheet.readers.names import LONGEST_HANDLE, LONGEST_NAME
from broadsheet.readers.refused import Refused


class Join(forms.Form):
    """Name and handle: asked for, never made up from an address. allauth derives its forms for joining from this."""

    field_order = ("name", "handle", "email", "password1")

    name = forms.CharField(
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("As you sign your papers, or as you like to be called."),
        max_length=LONGEST_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    handle = forms.CharField(
        label=gettext_lazy("Handle"),
        help_text=gettext_lazy("Your name in links and mentions: a to z, 0 to 9 and hyphens. It stays yours."),
        max_length=LONGEST_HANDLE + 1,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )

    def clean_name(self) -> str:
        """Hold the name to the rule for names."""
        try:
            return accounts.check_name(self.cleaned_data["name"])
        except Refused as refused:
            raise forms.ValidationError(str(refused)) from refused

    def clean_handle(self) -> str:
        """Hold the handle to the rule for handles; it must be free."""
        try:
            handle = accounts.check_handle(self.cleaned_data["handle"])
        except Refused as refused:
            raise forms.ValidationError(str(refused)) from refused
        if not accounts.is_free(handle):
            raise forms.ValidationError(_("This handle is taken. Please choose another."))
        return handle

    def clean(self) -> dict[str, object]:
        """Look again whether the door is open: an invitation may have been used up since the page was shown."""
        cleaned: dict[str, object] = super().clean() or self.cleaned_data
        if not joining.is_open(context.request):
            raise forms.ValidationError(_("This invitation is used up or too old. Please ask for a new one."))
        return cleaned

    def signup(self, request: HttpRequest, user: Reader) -> None:
        """Nothing is left to do: the adapter saved all of it at once. allauth asks for this method."""
