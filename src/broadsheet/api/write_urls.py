"""The addresses by which programs write; they stand before those that take any name of a paper."""

from django.urls import URLPattern, URLResolver, path

from broadsheet.api import hf_write

urlpatterns: list[URLPattern | URLResolver] = [
    path("papers/index", hf_write.index, name="api-index"),
    path("papers/submit", hf_write.submit, name="api-submit"),
    path("settings/papers/claim", hf_write.claim, name="api-claim"),
    path("papers/<path:key>/comment/<str:number>/reply", hf_write.reply, name="api-reply"),
    path("papers/<path:key>/comment/<str:number>/hide", hf_write.hide, name="api-hide"),
    path("papers/<path:key>/comment", hf_write.comment, name="api-comment"),
    path("papers/<path:key>/links", hf_write.add_links, name="api-links"),
    path("papers/<path:key>/vote", hf_write.vote, name="api-vote"),
    path("papers/<path:key>/save", hf_write.save, name="api-save"),
]
