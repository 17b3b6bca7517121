import pytest
from django.db.models import Model

from broadsheet.community import subjects
from broadsheet.community.models import AddedLink, Claim, Comment, Organisation, Report, Submission
from broadsheet.community.tests.factory import NOON, a_paper, reader
from broadsheet.readers.refused import Refused

pytestmark = pytest.mark.django_db


def things() -> list[Model]:
    """One of everything that can be a subject, all by the same reader."""
    ada, paper = reader(1), a_paper()
    return [
        paper,
        ada,
        Comment.objects.create(paper=paper, author=ada, text="x", html="x", written=NOON),
        AddedLink.objects.create(paper=paper, reader=ada, kind="code", url="https://code.example/x", at=NOON),
        Claim.objects.create(paper=paper, reader=ada, position=0, at=NOON),
        Submission.objects.create(reader=ada, given="x", name="x", title="A title", at=NOON),
        Organisation.objects.create(slug="lab", name="The lab", made_by=ada, made=NOON),
    ]


def test_everything_is_found_by_its_own_name() -> None:
    for row in things():
        found = subjects.find(subjects.of(row))
        assert found.row == row and found.name == subjects.of(row) and found.title and found.url.startswith("/")
        assert found.affected is None if row._meta.model_name == "paper" else found.affected


def test_names_read_as_documented() -> None:
    names = [subjects.of(row).partition(":")[0] for row in things()]
    assert names == ["paper", "reader", "comment", "link", "claim", "submission", "organisation"]


@pytest.mark.parametrize(
    "name",
    ["", ":", "comment", "comment:", "comment:x", "comment:-1", "comment:²", "comment:9" * 9, f"comment:{10**18}",
     "comment:0x1", "vote:1", "paper:", "paper:\0", "reader:nobody", "reader:\0", "reader:" + "x" * 5000, "\ud800:1",
     "reader:\ud800"],
)  # fmt: skip
def test_a_name_without_a_meaning_is_refused(name: str) -> None:
    with pytest.raises(Refused):
        subjects.find(name)


def test_who_waits_to_be_let_in_is_no_subject_yet() -> None:
    reader(2, state="waiting")
    with pytest.raises(Refused):
        subjects.find("reader:reader-2")


def test_what_has_no_name_raises() -> None:
    with pytest.raises(ValueError):
        subjects.of(Report(subject="x", cause="spam", at=NOON))
