"""Subscribing without an account: the form, the confirmation from a mailbox, and the way out by one click."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from broadsheet.digest import links, run, subscribing, wishes
from broadsheet.digest.links import BadLink, Signed
from broadsheet.digest.models import Subscription
from broadsheet.editions import named
from broadsheet.lib.clock import now
from broadsheet.readers.network import client_address
from broadsheet.readers.refused import Refused
from broadsheet.web import wishing
from broadsheet.web.acting import SeeOther, reader_of, typed
from broadsheet.web.limits import limited
from broadsheet.web.views.errors import NotHere

# From an older mail the preferences are not opened any more; that it stops what comes, it always may.
PREFERENCES_FOR: Final = timedelta(days=180)


@csrf_exempt
@limited("subscribe")
@never_cache
def show(request: HttpRequest) -> HttpResponseBase:
    """Show the form, with what the box on a page sent typed into it; only the form itself asks for anything.

    The box stands on pages that set no cookie, so it can carry no token against forged requests. What it sends
    changes nothing; the form that follows has its token, and is refused without.
    """
    if not run.is_on():
        raise NotHere(_("This site sends no mail."))
    if reader_of(request):
        return SeeOther(resolve_url("my-digest"))
    if request.method == "POST" and "csrfmiddlewaretoken" in request.POST:
        return _ask(request)
    return _form(request, _prefilled(request))


@csrf_protect
def _ask(request: HttpRequest) -> HttpResponse:
    form = wishing.AskForm(request.POST, wish=wishing.begin_with(), asks_zone=True)
    if form.is_valid():
        address = form.cleaned_data.pop("address")
        try:
            subscribing.ask(address, form.wish(), now=now(), origin=client_address(request))
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            return render(request, "web/subscribe_asked.html", {"address": address})
    return _form(request, form)


def _prefilled(request: HttpRequest) -> wishing.AskForm:
    key = typed(request, "lists", named.LONGEST_KEY)
    begin = wishing.begin_with()
    with suppress(Refused):
        begin = wishes.checked(replace(begin, lists=(key or "trending",)), has_account=False, today=now().date())
    form = wishing.AskForm(wish=begin, asks_zone=True)
    form.initial["address"] = typed(request, "address", 254).replace("\n", "")
    return form


def _form(request: HttpRequest, form: wishing.AskForm) -> HttpResponse:
    return render(request, "web/subscribe.html", {"form": form}, status=400 if form.errors else 200)


@limited("subscribe")
@never_cache
def confirm(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show what a confirmation begins; POST begins it. Programs that look through links change nothing."""
    try:
        signed = links.read("confirm", token, now=now())
        if request.method == "POST":
            return _confirmed(request, subscribing.confirm(signed, now=now()))
    except (BadLink, Refused) as problem:
        return useless(request, str(problem))
    wish = wishes.of(signed.subscription)
    context = {
        "address": signed.address or signed.subscription.address,
        "lists": wishing.names(wish.lists),
        "when": wishing.said(wish),
    }
    return render(request, "web/subscribe_confirm.html", context)


def _confirmed(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    context = {"address": subscription.address, "when": wishing.said(wishes.of(subscription))}
    context["preferences"] = preferences_of(subscription)
    return render(request, "web/subscribe_confirmed.html", context)


# RFC 8058, section 3.1: mail programs send this form without cookies, so it can carry no token; it is the only one.
@csrf_exempt
@never_cache
def unsubscribe(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show a button that stops the digests; POST stops them, from a person or from a mail program's one click."""
    try:
        signed = links.read("unsubscribe", token, now=now())
        if request.method == "POST":
            subscribing.stop(signed.subscription, now=now())
    except (BadLink, Refused) as problem:
        return useless(request, str(problem))
    young = now() < signed.made + PREFERENCES_FOR
    context = {
        "address": masked(signed.subscription.address),
        "stopped": request.method == "POST" or signed.subscription.state in ("stopped", "suppressed"),
        "preferences": _later(signed) if young else "",
    }
    return render(request, "web/unsubscribe.html", context)


def useless(request: HttpRequest, says: str) -> HttpResponse:
    """Say why a link is not good."""
    context = {"status": 410, "heading": _("This link does not work"), "says": says}
    return render(request, "web/error.html", context, status=410)


def preferences_of(subscription: Subscription) -> str:
    """Give the path of the preference page by a fresh link."""
    return resolve_url("digest-preferences", token=links.token(subscription, "preferences", now=now()))


def _later(signed: Signed) -> str:
    """The same, good for no longer than the mail's own link."""
    return resolve_url("digest-preferences", token=links.token(signed.subscription, "preferences", now=signed.made))


def masked(address: str) -> str:
    """Give an address so that its owner knows it and nobody else learns it: a forwarded mail holds this link too."""
    local, _at, host = address.rpartition("@")
    return f"{local[:1]}\N{HORIZONTAL ELLIPSIS}@{host}"
