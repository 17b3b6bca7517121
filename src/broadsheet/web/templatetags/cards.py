"""Cards, and what stands on them, in templates."""

from django import template
from django.template import RequestContext
from django.utils.safestring import SafeString

from broadsheet.papers.models import Paper
from broadsheet.web import card_html, cards
from broadsheet.web.card_html import Looking

register = template.Library()


def _looking(context: RequestContext) -> Looking:
    me = context.get("me")
    reader = bool(me and me.is_authenticated)
    return Looking(reader, str(context.get("sign_in", "")), bool(context.get("in_groups")))


@register.simple_tag(takes_context=True)
def hit(context: RequestContext, card: cards.Card, beneath: str = "") -> SafeString:
    """Set a card of a list. beneath: a template whose text stands beneath the abstract."""
    return card_html.hit(card, _looking(context), _rendered(context, card, beneath))


@register.simple_tag(takes_context=True)
def card(context: RequestContext, card: cards.Card, size: str = "", beneath: str = "") -> SafeString:
    """Set a card of an edition; the template's `days` says whether to tell its day. beneath: a template to end it."""
    return card_html.card(card, _looking(context), size, bool(context.get("days")), _rendered(context, card, beneath))


def _rendered(context: RequestContext, card: cards.Card, name: str) -> SafeString:
    if not name:
        return SafeString()
    with context.push(card=card):
        return context.template.engine.get_template(name).render(context)  # type: ignore[union-attr]


@register.simple_tag(takes_context=True)
def vote(context: RequestContext, paper: Paper, voted: bool, hint: str) -> SafeString:
    """Set the button by which a reader votes for a paper."""
    return card_html.vote(paper, voted, hint, _looking(context))


@register.simple_tag(takes_context=True)
def save(context: RequestContext, paper: Paper, saved: bool, near: str = "") -> SafeString:
    """Set the button by which a reader saves a paper. near: the id of what on the page names the paper."""
    return card_html.save(paper, saved, near, _looking(context))


register.simple_tag(card_html.badge, name="badge")
