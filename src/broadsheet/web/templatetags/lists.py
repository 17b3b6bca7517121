"""What templates say of lists: their feeds, and the button that follows them."""

from collections.abc import Mapping
from typing import Any

from django import template

from broadsheet.editions import near
from broadsheet.editions.named import LONGEST_KEY
from broadsheet.papers.models import Paper
from broadsheet.readers import follows
from broadsheet.readers.models import Reader
from broadsheet.web import following
from broadsheet.web.addresses import address
from broadsheet.web.views.search import Asked

register = template.Library()


@register.inclusion_tag("web/parts/feed_head.html")
def feeds_in_head(key: str, title: str) -> dict[str, object]:
    """Name the feeds of a list in the head of its page, where browsers and readers' programs look for them."""
    return {"feeds": following.feed_links(key), "title": title}


@register.inclusion_tag("web/parts/feed_links.html")
def feeds_of(key: str) -> dict[str, object]:
    """Give small links to the feeds of a list."""
    return {"feeds": following.feed_links(key)}


register.simple_tag(address, name="list_url")


@register.inclusion_tag("web/parts/follow.html", takes_context=True)
def follow_button(
    context: Mapping[str, Any], key: str, near: str = "", what: str = "", done: str = ""
) -> dict[str, object]:
    """Give the button by which a reader follows a list; it needs the form `acts` on the page.

    near: the id of what on the page names the list. what, done: what the button says before and after, where that
    is more than "Follow" and "Followed".
    """
    me = context.get("me")
    reader = me if isinstance(me, Reader) and me.is_authenticated else None
    followed = bool(reader and follows.followed(reader, [key]))
    said = {"near": near, "what": what, "done": done}
    return {"key": key, "on": followed, "me": me, "sign_in": context.get("sign_in", ""), **said}


@register.filter
def search_key(asked: Asked) -> str:
    """Give the key of the list that a search asks for, its filters among its words; "" where it is too long for one.

    From when on papers are wanted is left out: what is followed is what is new.
    """
    return _key_of("search", asked)


@register.filter
def like_key(asked: Asked) -> str:
    """Give the key of the same search by meaning; "" where this site has no encoder, or it is too long."""
    return _key_of("like", asked) if near.is_on() else ""


def _key_of(kind: str, asked: Asked) -> str:
    words = [asked.q, *(f"cat:{code}" for code in asked.wanted.categories)]
    if asked.wanted.has_code:
        words.append("has:code")
    key = f"{kind}/" + " ".join(filter(None, words))
    return key if asked.q and len(key) <= LONGEST_KEY else ""


@register.filter
def similar_key(paper: Paper) -> str:
    """Give the key of the list of papers like one; "" where this site has no encoder to compare them."""
    return f"similar/{paper.key}" if near.is_on() else ""
