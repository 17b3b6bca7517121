"""Lists as pages speak of them: their feeds, the feeds of the site, and the lists that may be followed."""

from dataclasses import dataclass
from itertools import islice
from typing import Final

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from broadsheet.community import organisations
from broadsheet.editions import named
from broadsheet.editions.named import NamedList, NoSuchList, exists
from broadsheet.export.feeds import FORMATS
from broadsheet.web import categories
from broadsheet.web.views.errors import NotHere

MOST_ORGANISATIONS: Final = 100


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed of a list in one of the formats."""

    name: str
    url: str
    type: str


def feed_links(key: str) -> list[FeedLink]:
    """Give the feeds of a list by its key."""
    return [
        FeedLink(made.name, reverse("feed", kwargs={"key": key, "form": form}), made.type)
        for form, made in FORMATS.items()
    ]


def title(found: NamedList) -> str:
    """Name a list as a reader would."""
    kind, _slash, value = found.key.partition("/")
    return categories.name(value) if kind == "category" else found.title


def of_key(key: str) -> NamedList:
    """Give a list that everybody can see, without its papers. Raises NotHere where there is none."""
    try:
        found = named.head(key)
    except NoSuchList as missing:
        raise NotHere(str(missing)) from None
    kind, _slash, value = found.key.partition("/")
    # Any code could be a category: one that nobody has heard of, and that no paper here is in, is a mistake.
    if kind == "category" and value not in categories.NAMES and not named.of_kind(kind, value).exists():
        raise NotHere(_("There is no such category."))
    return found


@dataclass(frozen=True, slots=True)
class Offer:
    """A list with its feeds, under the name of the group it stands in."""

    group: str
    key: str
    title: str
    path: str

    @property
    def feeds(self) -> list[FeedLink]:
        """Its feeds, one in each format."""
        return feed_links(self.key)


def offers() -> list[Offer]:
    """Give the lists of the site that are worth a feed without a search: editions, categories, organisations."""
    found = [
        Offer("", "edition", _("Every edition"), reverse("latest")),
        Offer("", "trending", _("Trending"), reverse("trending")),
    ]
    for code in settings.CONFIG.categories:
        if not exists(f"category/{code}"):
            continue
        name = f"{categories.name(code)} ({code})" if code in categories.NAMES else code
        found.append(Offer(_("Categories"), f"category/{code}", name, reverse("category", args=[code])))
    for one in islice(organisations.everyone().iterator(chunk_size=MOST_ORGANISATIONS), MOST_ORGANISATIONS):
        path = reverse("organisation", args=[one.slug])
        found.append(Offer(_("Organisations"), f"organisation/{one.slug}", one.name, path))
    return found
