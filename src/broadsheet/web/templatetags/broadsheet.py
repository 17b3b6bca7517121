"""What the templates need beyond Django's own."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.filter
def coded(text: str) -> SafeString:
    """Give a sentence as HTML, with what stands between backticks as code."""
    parts = str(text).split("`")
    made = (format_html("<code>{}</code>" if place % 2 else "{}", part) for place, part in enumerate(parts))
    return mark_safe("".join(made))
