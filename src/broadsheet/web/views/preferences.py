"""The preferences of a subscription: behind a signed link for whoever has its mails, and at /me/digest for a reader."""

from collections.abc import Callable, Mapping
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from broadsheet.digest import belongings, links, run, subscribing, wishes
from broadsheet.digest.links import BadLink
from broadsheet.digest.models import Subscription
from broadsheet.lib.clock import now
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web import wishing
from broadsheet.web.acting import SeeOther, acting, typed
from broadsheet.web.limits import limited
from broadsheet.web.views.subscribe import preferences_of, useless


@limited("preferences")
@never_cache
def by_link(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show the preferences of the subscription that a signed link names; POST does what a button of the page says."""
    try:
        subscription = links.read("preferences", token, now=now()).subscription
    except BadLink as problem:
        return useless(request, str(problem))
    return _answer(request, subscription, resolve_url("digest-preferences", token=token))


@limited("preferences")
@never_cache
@acting
def mine(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """The same for the digest of the reader who is signed in; the first time it begins there."""
    subscription = subscribing.of_reader(reader)
    if not run.is_on() and subscription is None:
        return render(request, "web/digest_without_mail.html", {"section": "me"})
    if subscription is None:
        return _begin(request, reader)
    if subscription.reader_id is None:
        # Of an address that this account proved: with the first change it is the account's.
        subscription.reader = reader
        if request.method == "POST":
            subscription.save(update_fields=["reader"])
    return _answer(request, subscription, resolve_url("my-digest"))


def _begin(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    proved = subscribing.proved_address(reader)
    kind = wishing.WishForm if proved else wishing.AskForm
    wish = wishing.begin_with(reader.time_zone)
    # UTC is what accounts begin with: it says nothing of where a reader is.
    form = kind(request.POST or None, wish=wish, has_account=True, asks_zone=wish.time_zone == "UTC")
    if request.method == "POST" and form.is_valid():
        address = form.cleaned_data.pop("address", "")
        try:
            begun = subscribing.begin(reader, form.wish(), address=address, now=now())
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            if begun.state == "active":
                messages.success(request, _("Done. The first digest comes with the next edition."))
            return SeeOther(resolve_url("my-digest"))
    context = {"section": "me", "form": form, "address": proved, "sign_up": True}
    return render(request, "web/preferences.html", context, status=400 if form.errors else 200)


def _answer(request: HttpRequest, subscription: Subscription, place: str) -> HttpResponseBase:
    if request.method != "POST":
        return _page(request, subscription, place, _form(subscription))
    act = ACTS.get(request.POST.get("do", "save"), _save)
    if act in SIGNED_IN and _is_guarded(subscription, place):
        messages.error(request, _("These digests belong to an account: please sign in to do that."))
        return SeeOther(place)
    try:
        return act(request, subscription, place)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return SeeOther(place)


def _is_guarded(subscription: Subscription, place: str) -> bool:
    """Whether the page is behind a link while there is an account: mails are forwarded, and their links with them."""
    return subscription.reader_id is not None and place != resolve_url("my-digest")


def _form(subscription: Subscription, request: HttpRequest | None = None) -> wishing.WishForm:
    data = request.POST if request else None
    return wishing.WishForm(data, wish=wishes.of(subscription), has_account=subscription.reader_id is not None)


def _page(request: HttpRequest, subscription: Subscription, place: str, form: wishing.WishForm) -> HttpResponse:
    wish = wishes.of(subscription)
    context = {
        "section": "me",
        "form": form,
        "subscription": subscription,
        "address": subscription.address,
        "moving_to": subscribing.moving_to(subscription, now=now()),
        "when": wishing.said(wish),
        "paused": wish.paused_until if wish.paused_until and wish.paused_until > now().date() else None,
        "place": place,
        "guarded": _is_guarded(subscription, place),
        "mail_goes": run.is_on(),
    }
    return render(request, "web/preferences.html", context, status=400 if form.errors else 200)


def _save(request: HttpRequest, subscription: Subscription, place: str) -> HttpResponseBase:
    form = _form(subscription, request)
    if form.is_valid():
        try:
            subscribing.change(subscription, form.wish(), now=now())
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Saved."))
            return SeeOther(place)
    return _page(request, subscription, place, form)


def _stop(request: HttpRequest, subscription: Subscription, place: str) -> HttpResponseBase:
    subscribing.stop(subscription, now=now())
    messages.success(request, _("Stopped. Nothing more is sent."))
    return SeeOther(place)


def _resume(request: HttpRequest, subscription: Subscription, place: str) -> HttpResponseBase:
    found = subscribing.resume(subscription, now=now())
    if found.state == "active":
        messages.success(request, _("Welcome back. The next digest comes with the next edition."))
    else:
        messages.info(request, _("We write once a day at most. Look among the spam, too."))
    return SeeOther(place)


def _move(request: HttpRequest, subscription: Subscription, place: str) -> HttpResponseBase:
    address = subscribing.move(subscription, typed(request, "address", 400), now=now())
    says = _("We wrote to %(address)s. Once it is confirmed from there, the digests go there.")
    messages.success(request, says % {"address": address})
    return SeeOther(place)


def _end_links(request: HttpRequest, subscription: Subscription, place: str) -> HttpResponseBase:
    found = subscribing.end_links(subscription)
    messages.success(request, _("The links of all mails so far are ended. This page has a new address; keep it."))
    return SeeOther(place if place == resolve_url("my-digest") else preferences_of(found))


def _export(request: HttpRequest, subscription: Subscription, place: str) -> HttpResponseBase:
    told = belongings.export(subscription)
    response = JsonResponse(told, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = 'attachment; filename="broadsheet-digest.json"'
    return response


def _erase(request: HttpRequest, subscription: Subscription, place: str) -> HttpResponseBase:
    subscribing.erase(subscription)
    return render(request, "web/subscribe_erased.html", {})


ACTS: Final[Mapping[str, Callable[[HttpRequest, Subscription, str], HttpResponseBase]]] = {
    "save": _save,
    "stop": _stop,
    "resume": _resume,
    "move": _move,
    "end-links": _end_links,
    "export": _export,
    "erase": _erase,
}
# Who was forwarded a mail may not end the links of its owner either, and be given a new one in their place.
SIGNED_IN: Final = (_move, _end_links, _export, _erase)
