"""The templates of mails: written in MJML, turned into HTML once in a process, then ordinary templates of Django.

MJML knows what mail programs need (tables, ghost tables for Outlook, inline styles); nothing of it runs when a mail is
made. In a source, what stands between {# story #} and {# /story #} is set apart: once for a paper, not for a reader.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import mjml
from django.template import Context, Engine, Template
from django.utils.translation import get_language, get_language_bidi

SOURCES: Final = Path(__file__).parent / "templates" / "digest"
_STORY: Final = re.compile(r"\{# story #\}(.*?)\{# /story #\}", re.DOTALL)
# The indents of the sources; a blank between two elements of a line stays.
_INDENTS: Final = re.compile(r"\s*\n\s*")


@dataclass(frozen=True, slots=True)
class Typeset:
    """A mail's template: the whole, with `stories` in the place of the papers, and what one paper looks like."""

    whole: Template
    story: Template | None


@cache
def typeset(name: str) -> Typeset:
    """Give the template of that name, such as "digest"."""
    compiled = mjml.mjml2html(_source(f"{name}.mjml"), include_loader=_source)
    found = _STORY.search(compiled)
    whole = _STORY.sub("{{ stories }}", compiled)
    return Typeset(_template(_INDENTS.sub("\n", whole)), _template(found[1]) if found else None)


def render(template: Template, values: Mapping[str, Any]) -> str:
    """Fill a template in the language in force; every value is escaped but safe strings."""
    direction = "rtl" if get_language_bidi() else "ltr"
    return template.render(Context({"language": get_language(), "direction": direction, **values}))


def page(name: str, values: Mapping[str, Any]) -> str:
    """Fill the template of that name, one without papers."""
    return render(typeset(name).whole, values)


def _source(path: str) -> str:
    return (SOURCES / path).read_text(encoding="utf-8")


@cache
def _engine() -> Engine:
    return Engine(libraries={"i18n": "django.templatetags.i18n"}, builtins=["django.templatetags.i18n"])


def _template(html: str) -> Template:
    return _engine().from_string(html.strip())
