"""The addresses of a reader's library. Whatever changes something is a POST."""

from django.urls import URLPattern, URLResolver

from broadsheet.web.community_urls import act, form, page
from broadsheet.web.views import bring_library, library

urlpatterns: list[URLPattern | URLResolver] = [
    page("library", library.show, "library"),
    page("library/reading", library.reading, "library-reading"),
    page("library/tags", library.tags, "library-tags"),
    act("library/tags/change", library.change_tag, "library-change-tag"),
    act("library/several", library.several, "library-several"),
    act("library/file/<path:key>", library.file, "library-file"),
    act("library/move/<path:key>", library.move, "library-move"),
    form("library/bring", bring_library.bring, "bring-library"),
]
