"""What the templates need beyond Django's own."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from broadsheet.markup import maths
from broadsheet.web import numbers

register = template.Library()


@register.filter
def with_formulas(text: str) -> SafeString:
    """Give the title or the abstract of a paper as HTML, its formulas as MathML."""
    return maths.render(text)


@register.filter
def counted(number: object) -> object:
    """Write a count with its thousands apart; what is no number stays as it is."""
    return numbers.counted(number) if isinstance(number, int) else number


@register.filter
def coded(text: str) -> SafeString:
    """Give a sentence as HTML, with what stands between backticks as code."""
    parts = str(text).split("`")
    made = (format_html("<code>{}</code>" if place % 2 else "{}", part) for place, part in enumerate(parts))
    return mark_safe("".join(made))
