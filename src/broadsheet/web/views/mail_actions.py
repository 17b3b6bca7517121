"""What the links beside a paper in a mail lead to: vote for it, save it, see less like it.

Programs that scan mails open links too: a page shows what would happen and a button, and only the button acts. The link
says who acts, so nobody has to sign in; in a browser where somebody else is signed in it does nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from broadsheet.community import origins, votes
from broadsheet.digest import links
from broadsheet.digest.links import BadLink, Signed
from broadsheet.digest.models import Less, Subscription
from broadsheet.foryou import signals
from broadsheet.lib.clock import now
from broadsheet.markup import maths
from broadsheet.papers.models import Paper
from broadsheet.readers import library
from broadsheet.readers.models import Reader
from broadsheet.readers.network import client_address
from broadsheet.readers.refused import Refused
from broadsheet.web import cards
from broadsheet.web.acting import SeeOther, reader_of, refused
from broadsheet.web.limits import limited
from broadsheet.web.views.errors import NotHere
from broadsheet.web.views.save import keep_what_was_filed
from broadsheet.web.views.subscribe import useless
from broadsheet.web.views.vote import wished

View = Callable[[HttpRequest, str], HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that a link of a mail may do.

    purpose: of its links. done: tells whether it is done already; do: does it, or takes it back.
    account: only readers with an account can; `without` says so to others.
    """

    purpose: str
    heading: str | Promise
    button: str | Promise
    done_says: str | Promise
    take_back: str | Promise
    done: Callable[[Subscription, Paper], bool]
    do: Callable[[HttpRequest, Subscription, Paper, bool], None]
    without: str | Promise = ""


def page(act: Act, request: HttpRequest, token: str) -> HttpResponseBase:
    """Show what a link is for; do it, or take it back, when that is posted."""
    try:
        signed = links.read(act.purpose, token, now=now())
    except BadLink as bad:
        return useless(request, str(bad))
    subscription, paper = signed.subscription, _paper(signed)
    reader, here = subscription.reader, reader_of(request)
    if here and reader and here.pk != reader.pk:
        says = _("This link is from the mail of another reader, so it does nothing while you are signed in here.")
        return refused(request, says, status=403)
    if act.without and reader is None:
        return _shown(act, request, subscription, paper)
    if reader and not reader.is_active:
        return refused(request, _("Your account is not active now, so you can read but not act."), status=403)
    if request.method != "POST":
        return _shown(act, request, subscription, paper)
    try:
        act.do(request, subscription, paper, wished(request))
    except Refused as refusal:
        return refused(request, str(refusal))
    return SeeOther(request.path)


def _paper(signed: Signed) -> Paper:
    paper = Paper.objects.filter(pk=signed.paper).first() if signed.paper else None
    if paper is None or not paper.is_shown:
        raise NotHere(_("This paper has been taken off the lists since the mail was sent."))
    return paper


def _shown(act: Act, request: HttpRequest, subscription: Subscription, paper: Paper) -> HttpResponse:
    names = cards.author_names(paper)
    context = {
        "act": act,
        "paper": paper,
        "title": maths.as_text(paper.title),
        "authors": names[: cards.AUTHORS_SHOWN],
        "more": max(len(names) - cards.AUTHORS_SHOWN, 0),
        "lacks_account": bool(act.without) and subscription.reader is None,
        "done": act.done(subscription, paper),
    }
    return render(request, "web/mail_action.html", context)


def _reader(subscription: Subscription) -> Reader:
    if subscription.reader is None:
        raise LookupError("a subscription without an account cannot act in the community")
    return subscription.reader


def _voted(subscription: Subscription, paper: Paper) -> bool:
    return bool(subscription.reader and votes.voted_for(subscription.reader, [paper.pk]))


def _vote(request: HttpRequest, subscription: Subscription, paper: Paper, on: bool) -> None:
    reader, moment = _reader(subscription), now()
    if on:
        votes.cast(reader, paper, now=moment, origin=origins.digest(client_address(request), moment))
    else:
        votes.take_back(reader, paper, now=moment)


def _saved(subscription: Subscription, paper: Paper) -> bool:
    return bool(subscription.reader and library.saved(subscription.reader, [paper.pk]))


def _save(request: HttpRequest, subscription: Subscription, paper: Paper, on: bool) -> None:
    if on:
        library.save(_reader(subscription), paper, now=now())
    else:
        # Mails are forwarded: whoever holds the link must not be able to throw away what its owner wrote.
        keep_what_was_filed(_reader(subscription), paper)
        library.remove(_reader(subscription), paper)


def _wants_less(subscription: Subscription, paper: Paper) -> bool:
    return Less.objects.filter(subscription=subscription, paper=paper).exists()


def _want_less(request: HttpRequest, subscription: Subscription, paper: Paper, on: bool) -> None:
    moment: datetime = now()
    reader = subscription.reader
    if on:
        if reader:
            signals.opine(reader, paper, False, "mail", moment)
        Less.objects.bulk_create([Less(subscription=subscription, paper=paper, at=moment)], ignore_conflicts=True)
    else:
        if reader:
            signals.take_back_less(reader, paper)
        Less.objects.filter(subscription=subscription, paper=paper).delete()


VOTE: Final = Act(
    purpose="vote",
    heading=gettext_lazy("Vote for this paper?"),
    button=gettext_lazy("Vote for it"),
    done_says=gettext_lazy("Your vote counts. Thank you!"),
    take_back=gettext_lazy("Take the vote back"),
    done=_voted,
    do=_vote,
    without=gettext_lazy(
        "Voting needs an account, so that each person has one vote. Joining takes a minute; your mails go on."
    ),
)
SAVE: Final = Act(
    purpose="save",
    heading=gettext_lazy("Save this paper to your library?"),
    button=gettext_lazy("Save it"),
    done_says=gettext_lazy("It is in your library."),
    take_back=gettext_lazy("Take it out again"),
    done=_saved,
    do=_save,
    without=gettext_lazy(
        "A library belongs to an account, and this mail came without one. Joining takes a minute; your mails stay "
        "as they are."
    ),
)
LESS: Final = Act(
    purpose="less",
    heading=gettext_lazy("See less like this paper?"),
    button=gettext_lazy("Less like this"),
    done_says=gettext_lazy("Noted: your digests will hold less like this."),
    take_back=gettext_lazy("Take that back"),
    done=_wants_less,
    do=_want_less,
)


def behind(view: View) -> View:
    """Put a view behind the one gate of all of them: the rate of votes is counted by POST alone."""
    return never_cache(require_http_methods(["GET", "HEAD", "POST"])(limited("vote")(view)))


@behind
def vote(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show the paper of a mail's link, and the button that votes for it; POST does, or takes the vote back."""
    return page(VOTE, request, token)


@behind
def save(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show the paper of a mail's link, and the button that saves it; POST does, or takes it out again."""
    return page(SAVE, request, token)


@behind
def less(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show the paper of a mail's link, and the button that asks for less like it; POST does, or takes that back."""
    return page(LESS, request, token)
