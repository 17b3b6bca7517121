"""Django's admin, for the owner: to look at everything, and to change what no door of the program guards.

Whatever a room decides (a role, a vote, a comment, a verdict) is changed on the site's own pages, which write it into
the moderation log; here it can only be read.
"""

from typing import TYPE_CHECKING

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.translation import gettext_lazy

from broadsheet.community import models as community
from broadsheet.papers.models import Paper
from broadsheet.readers import models as readers
from broadsheet.readers.accounts import check_name
from broadsheet.web.acting import sign_in
from broadsheet.web.views.me import held


class OwnersOffice(admin.AdminSite):
    """The admin: signing in, out and changing passwords go through the site's own pages."""

    site_title = site_header = gettext_lazy("The owner’s office")
    index_title = gettext_lazy("What is kept")
    enable_nav_sidebar = False

    @property
    def site_url(self) -> str:  # type: ignore[override]
        """Where “View site” leads."""
        return resolve_url("latest")

    def login(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:
        """Send to the site's own sign-in; who is signed in and not the owner gets no further."""
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            return redirect("latest")
        return redirect(sign_in(request.GET.get("next", "") or resolve_url("admin:index")))

    def password_change(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:  # type: ignore[override]
        """Leave passwords to the pages about accounts."""
        return redirect("account_change_password")

    def logout(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:  # type: ignore[override]
        """Leave signing out to the pages about accounts."""
        return redirect("account_logout")


site = OwnersOffice(name="admin")

SECRETS = ("password", "digest")

if TYPE_CHECKING:
    Rows = admin.ModelAdmin[Model]
else:
    Rows = admin.ModelAdmin


class ReadOnly(Rows):
    """Rows to look at; `may_change` names the fields that may be changed."""

    may_change: tuple[str, ...] = ()
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nothing is added here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is deleted here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Only where some fields may be changed."""
        return bool(self.may_change)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """All but the fields that may be changed."""
        kept = {*self.may_change, *SECRETS}
        return [field.name for field in self.opts.fields if field.name not in kept]

    def get_exclude(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Hide what nobody should read over a shoulder."""
        return [*SECRETS]


class NamedForm(forms.ModelForm):  # type: ignore[type-arg]
    """A reader's name keeps to the rule for names here too."""

    def clean_name(self) -> str:
        """Hold the name to the rule for names."""
        return held(check_name, self.cleaned_data["name"])


@admin.register(readers.Reader, site=site)
class ReaderAdmin(ReadOnly):
    """People with an account."""

    form = NamedForm
    may_change = ("name", "about")
    list_display = ("handle", "name", "email", "role", "state", "joined", "standing")
    list_filter = ("role", "state")
    search_fields = ("handle", "name", "email", "orcid")
    ordering = ("-joined",)

    def view_on_site(self, obj: Model) -> str:
        """The reader's page."""
        return resolve_url("reader", handle=str(obj))


@admin.register(readers.Invitation, site=site)
class InvitationAdmin(ReadOnly):
    """Links by which people join."""

    list_display = ("id", "made_by", "role", "uses_left", "made", "expires", "note")
    ordering = ("-made",)
    list_select_related = ("made_by",)


@admin.register(community.Comment, site=site)
class CommentAdmin(ReadOnly):
    """Comments."""

    list_display = ("id", "author", "paper", "state", "written")
    list_filter = ("state",)
    search_fields = ("text", "author__handle", "paper__key")
    ordering = ("-written",)
    list_select_related = ("author", "paper")
    raw_id_fields = ("paper", "author", "parent")


@admin.register(community.Submission, site=site)
class SubmissionAdmin(ReadOnly):
    """Papers that readers brought in."""

    list_display = ("id", "title", "reader", "state", "at", "day")
    list_filter = ("state",)
    search_fields = ("title", "name", "reader__handle")
    ordering = ("-at",)
    list_select_related = ("reader",)


@admin.register(community.Claim, site=site)
class ClaimAdmin(ReadOnly):
    """Who says that a paper is theirs."""

    list_display = ("id", "reader", "paper", "state", "proof", "contested", "at")
    list_filter = ("state", "proof", "contested")
    ordering = ("-at",)
    list_select_related = ("reader", "paper")


@admin.register(community.Organisation, site=site)
class OrganisationAdmin(ReadOnly):
    """Groups that papers come from."""

    may_change = ("name", "url", "about", "domains")
    list_display = ("slug", "name", "url", "made_by", "made")
    search_fields = ("slug", "name")
    list_select_related = ("made_by",)


@admin.register(community.Report, site=site)
class ReportAdmin(ReadOnly):
    """What readers reported."""

    list_display = ("id", "subject", "cause", "reader", "state", "at")
    list_filter = ("state", "cause")
    search_fields = ("subject",)
    ordering = ("-at",)
    list_select_related = ("reader",)


@admin.register(community.Finding, site=site)
class FindingAdmin(ReadOnly):
    """What the search for steered votes found."""

    list_display = ("id", "kind", "state", "discount", "paper", "found")
    list_filter = ("kind", "state")
    ordering = ("-found",)
    list_select_related = ("paper",)


@admin.register(community.Act, site=site)
class ActAdmin(ReadOnly):
    """The moderation log."""

    list_display = ("at", "did", "subject", "by", "affected", "reason")
    list_filter = ("did",)
    search_fields = ("subject", "about")
    ordering = ("-at",)
    list_select_related = ("by", "affected")


@admin.register(Paper, site=site)
class PaperAdmin(ReadOnly):
    """Papers of the record."""

    list_display = ("key", "title", "announced", "votes", "comments", "hidden", "withdrawn")
    search_fields = ("key", "title")
    ordering = ("-id",)
    list_filter = ("hidden", "withdrawn")
