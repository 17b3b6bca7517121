import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Field, ForeignKey, Model

from broadsheet.community import comments, moderation, votes
from broadsheet.community.models import (
    Act,
    AddedLink,
    Affiliation,
    Claim,
    Comment,
    Finding,
    Freeze,
    Membership,
    Organisation,
    Report,
    Submission,
    Vote,
    Wording,
)
from broadsheet.community.tests.factory import NOON, a_paper, reader
from broadsheet.papers.models import Paper
from broadsheet.readers import belongings, follows, notifications, tokens
from broadsheet.readers.models import Invitation, Notification, Reader, Saved
from broadsheet.readers.refused import Refused

pytestmark = pytest.mark.django_db
ROOMS = ("readers", "community")
# By the column in which a reader stands, the part of an export that tells of it. A new column has to be added here,
# and to `everything`.
TOLD = {
    "readers.Reader.invited_by": "invitations",
    "readers.Reader.approved_by": "account",
    "readers.Invitation.made_by": "invitations",
    "readers.Saved.reader": "library",
    "readers.Follow.reader": "follows",
    "readers.Token.reader": "tokens",
    "readers.Notification.reader": "notifications",
    "community.Vote.reader": "votes",
    "community.Finding.decided_by": "decisions",
    "community.Finding_members.reader": "findings",
    "community.Comment.author": "comments",
    "community.Freeze.by": "decisions",
    "community.Submission.reader": "submissions",
    "community.Submission.decided_by": "decisions",
    "community.Claim.reader": "claims",
    "community.Claim.decided_by": "decisions",
    "community.AddedLink.reader": "links",
    "community.Organisation.made_by": "organisations",
    "community.Membership.reader": "memberships",
    "community.Affiliation.by": "affiliations",
    "community.Report.reader": "reports",
    "community.Report.decided_by": "decisions",
    "community.Act.by": "acts",
    "community.Act.affected": "acts_about_me",
}


def models() -> Iterator[type[Model]]:
    for room in ROOMS:
        yield from apps.get_app_config(room).get_models(include_auto_created=True)


def columns() -> "Iterator[tuple[type[Model], ForeignKey[Any, Any]]]":
    """Every column of these rooms in which a reader stands."""
    for model in models():
        for field in model._meta.concrete_fields:
            if isinstance(field, ForeignKey) and field.related_model is Reader:
                yield model, field


def name(model: type[Model], field: "Field[Any, Any]") -> str:
    return f"{model._meta.app_label}.{model._meta.object_name}.{field.name}"


def everything(ada: Reader, bo: Reader) -> None:
    """Let a reader stand in every column there is."""
    paper, other = a_paper(1), a_paper(2)
    reader(30, invited_by=ada, approved_by=ada)
    Invitation.objects.create(digest="x", made_by=ada, made=NOON, expires=NOON)
    Saved.objects.create(reader=ada, paper=paper, at=NOON)
    follows.follow(ada, "trending", now=NOON)
    tokens.make(ada, "my script", ["read"], days=1, now=NOON)
    votes.cast(ada, paper, now=NOON)
    mine = comments.write(ada, paper, "My words.", now=NOON)
    comments.edit(ada, mine, "My better words.", now=NOON)
    comments.write(bo, paper, f"No, @{ada.handle}.", parent=mine, now=NOON)
    comments.write(ada, other, "Alone here.", now=NOON)
    finding = Finding.objects.create(
        key="k", kind="ring", discount=0.5, found=NOON, decided_by=ada, reason=f"@{ada.handle} looked."
    )
    finding.members.add(ada, bo)
    Freeze.objects.create(paper=other, by=ada, at=NOON, reason="Heated.")
    for state in ("waiting", "accepted"):
        Submission.objects.create(
            reader=ada, decided_by=ada, given="my typing", note="my note", name=state, title="T", at=NOON, state=state
        )
    Claim.objects.create(reader=ada, paper=paper, position=0, at=NOON, decided_by=ada)
    Claim.objects.create(reader=bo, paper=other, position=0, at=NOON, decided_by=ada, state="confirmed")
    AddedLink.objects.create(reader=ada, paper=paper, kind="code", url="https://code.example/x", at=NOON)
    lab = Organisation.objects.create(slug="lab", name="Lab", made_by=ada, made=NOON)
    Membership.objects.create(organisation=lab, reader=ada, at=NOON)
    Affiliation.objects.create(organisation=lab, paper=paper, by=ada, at=NOON)
    moderation.report(ada, f"paper:{other.key}", "spam", "my report", now=NOON)
    Report.objects.create(reader=ada, subject="paper:x", cause="spam", says="my report", at=NOON, state="upheld")
    Report.objects.create(reader=bo, subject="paper:y", cause="spam", at=NOON, state="upheld", decided_by=ada)
    moderation.report(bo, f"reader:{ada.handle}", "abuse", "", now=NOON)
    moderation.note(ada, "place", f"paper:{paper.key}", about="T", reason="Good.", now=NOON)
    about, why = f"{ada.name} (@{ada.handle})", f"{ada.handle} did it, @{ada.handle}!"
    moderation.note(bo, "suspend", f"reader:{ada.handle}", about=about, reason=why, affected=ada, now=NOON)
    moderation.note(bo, "hide", "paper:x", about=f"Claim of @{ada.handle}", reason=f"See @{ada.handle}.", now=NOON)
    notifications.notify([ada], "welcome", {}, "/", now=NOON)


@pytest.fixture
def ada() -> Reader:
    return reader(7, handle="ada-lovely", name="Ada Lovely", email="ada@lovely.example", role="moderator")


@pytest.fixture
def bo() -> Reader:
    return reader(8, role="owner")


def test_no_column_in_which_a_reader_stands_was_forgotten(ada: Reader, bo: Reader) -> None:
    assert {name(model, field) for model, field in columns()} == set(TOLD)
    everything(ada, bo)
    for model, field in columns():
        assert model._default_manager.filter(**{field.name: ada}).exists(), name(model, field)


def test_an_export_tells_of_everything_and_is_json(ada: Reader, bo: Reader) -> None:
    empty = belongings.export(ada)
    everything(ada, bo)
    told = belongings.export(ada)
    for part in {*TOLD.values()} - {"account"}:
        assert told[part] and told[part] != empty[part], part
    text = json.dumps(told)
    for words in ("My words.", "My better words.", "my typing", "my note", "my report", "https://code.example/x"):
        assert words in text


def test_an_export_holds_nothing_of_others_but_what_they_decided(ada: Reader, bo: Reader) -> None:
    everything(ada, bo)
    parts = belongings.export(ada)
    theirs = {part: told for part, told in parts.items() if part not in ("notifications", "invitations", "account")}
    assert bo.handle not in json.dumps(theirs) and bo.email not in json.dumps(parts)


def test_erasing_leaves_nobody_in_any_column_and_the_name_in_no_text(ada: Reader, bo: Reader) -> None:
    everything(ada, bo)
    number = ada.pk
    belongings.erase(ada)
    for model, field in columns():
        assert not model._default_manager.filter(**{field.attname: number}).exists(), name(model, field)
    # What others wrote stays as they wrote it.
    others = set(Comment.objects.filter(author=bo).values_list("text", flat=True))
    for model in models():
        for row in model._default_manager.all():
            for column in row._meta.concrete_fields:
                kept = str(column.value_from_object(row))
                if kept not in others and column.name != "html":
                    for word in (
                        "ada-lovely",
                        "Ada Lovely",
                        "lovely.example",
                        "y words",
                        "my typing",
                        "my note",
                        "my re",
                    ):
                        assert word not in kept, f"{name(model, column)}: {kept}"


def test_counts_follow_and_an_answered_comment_leaves_an_empty_place(ada: Reader, bo: Reader) -> None:
    everything(ada, bo)
    belongings.erase(ada)
    assert list(Paper.objects.order_by("id").values_list("votes_here", "comments_here")) == [(0, 1), (0, 0)]
    place, answer = Comment.objects.order_by("pk")
    assert (place.state, place.text, place.html, place.author, place.edited) == ("deleted", "", "", None, None)
    assert Wording.objects.count() == Vote.objects.count() == 0
    # The name that somebody takes next is no link in what was said to this one.
    assert answer.parent == place and "href" not in answer.html and "@ada-lovely" in answer.html


def test_the_log_keeps_what_was_done_without_the_name(ada: Reader, bo: Reader) -> None:
    everything(ada, bo)
    belongings.erase(ada)
    placed, suspended, hidden = Act.objects.order_by("pk")
    assert (placed.by, placed.did, placed.reason) == (None, "place", "Good.")
    assert (suspended.subject, suspended.affected) == ("reader:[erased]", None)
    assert (suspended.about, suspended.reason) == ("[erased] ([erased])", "[erased] did it, [erased]!")
    assert (hidden.about, hidden.reason) == ("Claim of [erased]", "See [erased].")
    assert not Notification.objects.filter(data__subject="reader:ada-lovely").exists()


def test_what_papers_need_stays_and_what_only_the_reader_wanted_goes(ada: Reader, bo: Reader) -> None:
    everything(ada, bo)
    belongings.erase(ada)
    assert Submission.objects.get().state == "accepted" and AddedLink.objects.count() == 1
    assert Claim.objects.get().reader == bo
    assert set(Report.objects.values_list("subject", "state")) == {("paper:x", "upheld"), ("paper:y", "upheld")}


def test_talking_to_oneself_leaves_no_empty_places(ada: Reader) -> None:
    paper = a_paper()
    first = comments.write(ada, paper, "One.", now=NOON)
    comments.write(ada, paper, "Two.", parent=first, now=NOON)
    belongings.erase(ada)
    assert Comment.objects.count() == 0


def test_whom_a_reader_contested_stands_alone_again(ada: Reader, bo: Reader) -> None:
    paper = a_paper()
    Claim.objects.create(reader=bo, paper=paper, position=0, at=NOON, state="confirmed", contested=True)
    Claim.objects.create(reader=ada, paper=paper, position=0, at=NOON, state="waiting", contested=True)
    belongings.erase(ada)
    assert not Claim.objects.get().contested


def test_the_last_owner_is_not_erased(ada: Reader, bo: Reader) -> None:
    paper = a_paper()
    comments.write(bo, paper, "Mine.", now=NOON)
    with pytest.raises(Refused, match="owner"):
        belongings.erase(bo)
    assert Reader.objects.filter(pk=bo.pk).exists() and Comment.objects.get().text == "Mine."
    moderation.set_role(bo, ada, "owner", "In my place.", now=NOON)
    belongings.erase(bo)
    assert not Reader.objects.filter(handle="reader-8").exists()


def test_a_reader_who_gave_nothing_is_exported_and_erased(ada: Reader) -> None:
    assert belongings.export(ada)["votes"] == []
    belongings.erase(ada)
    assert not Reader.objects.exists()


def test_placed_days_are_plain_in_an_export(ada: Reader) -> None:
    Submission.objects.create(reader=ada, given="x", name="x", title="T", at=NOON, day=date(2026, 11, 20))
    told = belongings.export(ada)["submissions"]
    assert isinstance(told, list) and told[0]["day"] == "2026-11-20"
