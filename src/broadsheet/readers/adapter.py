"""How django-allauth asks this site: who may join, as whom, where to go next, and how its mails look.

OAuth's exchange of tokens is allauth's own and goes through `requests`, not through `lib.http`: it reaches the
providers that the operator named in the settings, and no address that a reader gave.
"""

import logging
from smtplib import SMTPException
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.sites.requests import RequestSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from broadsheet.lib.clock import now
from broadsheet.readers import joining
from broadsheet.readers.accounts import check_email
from broadsheet.readers.models import Reader
from broadsheet.readers.network import client_address, site_address
from broadsheet.readers.refused import Refused

log = logging.getLogger("broadsheet.readers")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth tells no types
    """The rules of this site for accounts. Who waits or is suspended is led to `account_inactive` by allauth itself."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether the person may join: by the registration in force, or by the invitation they came with."""
        return joining.is_open(request)

    def clean_email(self, email: str) -> str:
        """Hold an address to the rule for addresses."""
        try:
            return check_email(email)
        except Refused as refused:
            raise forms.ValidationError(str(refused)) from refused

    def save_user(self, request: HttpRequest, user: Reader, form: forms.Form, commit: bool = True) -> Reader:
        """Save a new reader with all that was asked of them, and use their invitation."""
        super().save_user(request, user, form, commit=False)
        user.handle, user.name = form.cleaned_data["handle"], form.cleaned_data["name"]
        try:
            joining.let_in(request, user, now=now())
        except Refused as refused:
            messages.error(request, str(refused))
            raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account_signup"))) from refused
        return user

    def get_client_ip(self, request: HttpRequest) -> str:
        """Give the address that everything here goes by."""
        return client_address(request)

    def is_safe_url(self, url: str) -> bool:
        """Whether a redirect stays on the host that was asked."""
        return url_has_allowed_host_and_scheme(url, {self.request.get_host()}, require_https=self.request.is_secure())

    def format_email_subject(self, subject: str) -> str:
        """Put the site's name before the subject of a mail."""
        return f"{settings.CONFIG.site_name}: {subject}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail; where the mail server does not take it, say so on the page instead of failing."""
        here = RequestSite(self.request)
        here.name = settings.CONFIG.site_name
        told = {name: self._at_home(value) for name, value in context.items()}
        if settings.CONFIG.public_url:
            here.domain = urlsplit(settings.CONFIG.public_url).netloc
        try:
            super().send_mail(template_prefix, email, {**told, "current_site": here})
        except (OSError, SMTPException):
            log.exception("a mail of signing in could not be sent")
            says = _("The mail could not be sent. Please try again later, or tell whoever runs this site.")
            messages.error(self.request, says)

    def _at_home(self, value: Any) -> Any:  # noqa: ANN401 - what stands in a mail may be anything
        """Let an address of this site in a mail be the public one.

        allauth makes it from the Host header, which whoever asks writes: a link that sets a password must not lead to
        another name that this machine answers to as well.
        """
        asked = f"://{self.request.get_host()}/"
        if not settings.CONFIG.public_url or not isinstance(value, str) or asked not in value[: len(asked) + 5]:
            return value
        return site_address() + value.partition(asked)[2]


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc] # allauth tells no types
    """The same rules for those who sign in through ORCID, GitHub or the provider of their organisation."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Whether the person may join."""
        return joining.is_open(request)

    def get_signup_form_initial_data(self, sociallogin: SocialLogin) -> dict[str, str]:
        """Propose the address and the name that the provider told; the handle is asked for."""
        data = sociallogin.account.get_provider().extract_common_fields(sociallogin.account.extra_data)
        name = data.get("name") or " ".join(filter(None, (data.get("first_name"), data.get("last_name"))))
        initial: dict[str, str] = super().get_signup_form_initial_data(sociallogin)
        return {"email": initial["email"], "name": str(name or "")[:80]}

    def get_requests_session(self) -> Any:  # noqa: ANN401 - `requests` is allauth's, not ours
        """Give allauth its door to the providers; one that is down is said on a page instead of failing.

        allauth itself asks an OpenID Connect provider for its configuration where nobody catches the failure.
        """
        session = super().get_requests_session()
        ask = session.request

        def guarded(*given: object, **named: object) -> Any:  # noqa: ANN401 - what `requests` gives
            try:
                response = ask(*given, **named)
            except OSError as problem:
                raise ImmediateHttpResponse(_not_reached(self.request)) from problem
            if response.status_code >= 500:
                raise ImmediateHttpResponse(_not_reached(self.request))
            return response

        session.request = guarded
        return session


def _not_reached(request: HttpRequest) -> HttpResponse:
    log.warning("a provider of sign-in could not be reached")
    return render(request, "socialaccount/authentication_error.html", status=502)


class TwoFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc] # allauth tells no types
    """Second factors and passkeys carry the name of the site."""

    def _get_site_name(self) -> str:
        return str(settings.CONFIG.site_name)
