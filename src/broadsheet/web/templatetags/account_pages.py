"""What the pages about accounts need beyond Django's own tags."""

import re
from typing import Final

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

register = template.Library()

# The first that fits: browsers name those they descend from as well.
BROWSERS: Final = (
    ("Firefox", r"Firefox/"),
    ("Edge", r"Edg(e|A|iOS)?/"),
    ("Opera", r"OPR/"),
    ("Chrome", r"(Chrome|CriOS|Chromium|HeadlessChrome)/"),
    ("Safari", r"Safari/"),
)
SYSTEMS: Final = (
    ("Android", r"Android"),
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Windows", r"Windows"),
    ("Mac", r"Macintosh|Mac OS X"),
    ("Linux", r"Linux|X11"),
)

LABELS: Final = {
    "Email": gettext_lazy("Mail address"),
    "Email (again)": gettext_lazy("Mail address (again)"),
    "Current Password": gettext_lazy("Current password"),
    "New Password": gettext_lazy("New password"),
    "New Password (again)": gettext_lazy("New password (again)"),
    "Remember Me": gettext_lazy("Remember me"),
    "Passwordless": gettext_lazy("Sign in with it alone, without a password"),
}


@register.filter
def browser(agent: str) -> str:
    """Name a browser and its system from what it says of itself, as far as that can be told."""
    name = next((name for name, pattern in BROWSERS if re.search(pattern, agent)), "")
    system = next((name for name, pattern in SYSTEMS if re.search(pattern, agent)), "")
    if name and system:
        return _("%(browser)s on %(system)s") % {"browser": name, "system": system}
    return name or agent[:60] or _("A browser that does not say what it is")


@register.filter
def as_here(label: object) -> object:
    """Give the label of one of allauth's fields in the words of this site; others stay as they are."""
    return LABELS.get(str(label), label)


@register.filter
def inline_svg(drawing: str) -> SafeString:
    """Give an SVG document as the part of a page: without what stands before its first tag.

    Only for drawings that this site made itself.
    """
    return mark_safe(drawing[drawing.find("<svg") :])
