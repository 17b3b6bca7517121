"""The addresses of one reader's list. Whatever changes something is a POST."""

from django.urls import URLPattern, URLResolver

from broadsheet.web.community_urls import act, page
from broadsheet.web.views import foryou

urlpatterns: list[URLPattern | URLResolver] = [
    page("foryou", foryou.show, "foryou"),
    page("foryou/date/<str:key>", foryou.of_day, "foryou-day"),
    act("foryou/say/<path:key>", foryou.say, "foryou-say"),
    act("foryou/tune", foryou.tune, "foryou-tune"),
    act("foryou/knobs", foryou.turn, "foryou-knobs"),
]
