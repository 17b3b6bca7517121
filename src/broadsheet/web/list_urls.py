"""The addresses of lists of papers, of their feeds, and of what a reader follows."""

from django.urls import URLPattern, URLResolver, path, re_path
from django.views.decorators.http import require_POST, require_safe

from broadsheet.web.views import feeds, follows, listed

urlpatterns: list[URLPattern | URLResolver] = [
    path("category/<str:value>", require_safe(listed.category), name="category"),
    path("author/<path:value>", require_safe(listed.author), name="author"),
    path("tag/<str:value>", require_safe(listed.tag), name="tag"),
    path("follows", require_safe(follows.show), name="follows"),
    path("follows/add", require_POST(follows.add), name="add-follow"),
    path("follows/addresses", require_POST(follows.addresses), name="feed-addresses"),
    path("follows/seen", require_POST(follows.seen), name="follows-seen"),
    path("follows/bring", require_POST(follows.bring), name="bring-follows"),
    path("follows/switch/<path:key>", require_POST(follows.switch), name="switch-follow"),
    path("follow/<path:key>", require_POST(follows.follow), name="follow"),
    path("feeds", require_safe(feeds.show), name="feeds"),
    path("feeds.opml", require_safe(feeds.outline), name="feeds-outline"),
    path("follows.opml", require_safe(feeds.followed), name="follows-outline"),
    # Whatever stands after it is a secret, so that no other page, nor what it says of an address, comes into play.
    path("feeds/own/<path:address>", feeds.own, name="own-feed"),
    # A key may hold slashes, dots and blanks: what comes after its last dot is the format.
    re_path(r"^feeds/(?P<key>.+)\.(?P<form>atom|rss|json)$", require_safe(feeds.one), name="feed"),
    path("feed", require_safe(feeds.newest), {"form": "atom"}),
    path("atom.xml", require_safe(feeds.newest), {"form": "atom"}),
    path("rss", require_safe(feeds.newest), {"form": "rss"}),
]
