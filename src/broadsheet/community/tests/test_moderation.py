from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from broadsheet.community import comments, moderation
from broadsheet.community.models import Act, Claim, Comment, Freeze, Report
from broadsheet.community.moderation import REPORTS_PER_DAY
from broadsheet.community.tests.factory import NOON, a_paper, reader
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Notification, Reader
from broadsheet.readers.refused import Refused

pytestmark = pytest.mark.django_db


def moderator(number: int = 90, role: str = "moderator") -> Reader:
    return reader(number, role=role)


def a_comment(author: Reader, paper: Paper | None = None, text: str = "Buy this.") -> Comment:
    return comments.write(author, paper or a_paper(), text, now=NOON)


def told(reader: Reader) -> list[tuple[str, str]]:
    rows = Notification.objects.filter(reader=reader).order_by("pk")
    return [(row.kind, row.data.get("did", "")) for row in rows]


def log() -> list[tuple[str, str, str | None]]:
    return [(act.did, act.subject, act.affected.handle if act.affected else None) for act in moderation.log(50)]


def test_a_report_hides_nothing_however_many_there_are() -> None:
    comment = a_comment(reader(1))
    for number in range(2, 30):
        moderation.report(reader(number), f"comment:{comment.pk}", "abuse", "", now=NOON)
    comment.refresh_from_db()
    assert comment.state == "shown" and Act.objects.count() == 0


def test_moderators_are_called_once_for_a_subject() -> None:
    comment, bo, mo = a_comment(reader(1)), reader(2), moderator()
    moderation.report(bo, f"comment:{comment.pk}", "spam", "", now=NOON)
    moderation.report(reader(3), f"comment:{comment.pk}", "spam", "", now=NOON)
    assert told(mo) == [("report", "waiting")] and told(bo) == []


@pytest.mark.parametrize(
    ("subject", "cause", "says"),
    [
        ("comment:999", "spam", ""),
        ("nonsense", "spam", ""),
        ("paper:2611.00001", "nonsense", ""),
        ("paper:2611.00001", "other", " "),
        ("paper:2611.00001", "spam", "x" * 3000),
        ("reader:reader-1", "spam", ""),
    ],
)
def test_reports_that_make_no_sense_are_refused(subject: str, cause: str, says: str) -> None:
    a_paper()
    with pytest.raises(Refused):
        moderation.report(reader(1), subject, cause, says, now=NOON)


def test_a_reader_has_one_open_report_of_a_subject() -> None:
    paper, bo, mo = a_paper(), reader(2), moderator()
    name = f"paper:{paper.key}"
    moderation.report(bo, name, "wrong-paper", "The title is not this one.", now=NOON)
    with pytest.raises(Refused, match="already"):
        moderation.report(bo, name, "spam", "", now=NOON)
    moderation.decide(mo, name, False, "It is.", now=NOON)
    assert moderation.report(bo, name, "spam", "", now=NOON).state == "open"


def test_reports_of_a_day_are_capped_and_it_says_when_it_works_again() -> None:
    bo = reader(1)
    for number in range(REPORTS_PER_DAY):
        moderation.report(bo, f"paper:{a_paper(number).key}", "spam", "", now=NOON + timedelta(minutes=number))
    late = f"paper:{a_paper(99).key}"
    with pytest.raises(Refused, match="in 23 hours"):
        moderation.report(bo, late, "spam", "", now=NOON + timedelta(hours=1))
    assert moderation.report(bo, late, "spam", "", now=NOON + timedelta(days=1)).state == "open"


def test_who_is_suspended_reports_nothing() -> None:
    with pytest.raises(Refused):
        moderation.report(reader(1, state="suspended"), f"paper:{a_paper().key}", "spam", "", now=NOON)


def test_the_queue_is_grouped_and_trusted_readers_come_first() -> None:
    first, second = a_comment(reader(1), a_paper(1)), a_comment(reader(2), a_paper(2))
    for number in range(3, 6):
        moderation.report(reader(number, standing=0.1), f"comment:{first.pk}", "spam", "", now=NOON)
    moderation.report(reader(7), f"comment:{first.pk}", "abuse", "", now=NOON)
    moderation.report(reader(8, standing=0.9), f"comment:{second.pk}", "abuse", "See there.", now=NOON)
    moderation.report(reader(9, standing=0.9), f"comment:{second.pk}", "abuse", "", now=NOON)
    found = moderation.queue()
    assert [(item.name, item.count, list(item.causes)) for item in found] == [
        (f"comment:{second.pk}", 2, [("abuse", 2)]),
        (f"comment:{first.pk}", 4, [("spam", 3), ("abuse", 1)]),
    ]
    assert [round(item.standing, 1) for item in found] == [1.8, 1.3]
    assert found[0].subject and found[0].subject.row == second and found[0].reports[0].says == "See there."


def test_a_long_queue_takes_no_more_queries_than_a_short_one() -> None:
    ada, bo = reader(1), reader(2)

    def more(number: int) -> None:
        comment = a_comment(ada, a_paper(number), f"Number {number}.")
        moderation.report(bo, f"comment:{comment.pk}", "spam", "", now=NOON)

    more(1)
    with CaptureQueriesContext(connection) as short:
        moderation.queue()
    for number in range(2, 10):
        more(number)
    with CaptureQueriesContext(connection) as long:
        assert len(moderation.queue()) == 9
    assert len(long) == len(short)


def test_what_is_gone_still_stands_in_the_queue_and_can_be_decided() -> None:
    comment, mo = a_comment(reader(1)), moderator()
    moderation.report(reader(2), f"comment:{comment.pk}", "spam", "", now=NOON)
    name = f"comment:{comment.pk}"
    comment.delete()
    assert [(item.name, item.subject) for item in moderation.queue()] == [(name, None)]
    moderation.decide(mo, name, True, "It was.", now=NOON)
    assert moderation.queue() == []


def test_dismissing_tells_the_reporters_and_upholding_also_the_author() -> None:
    ada, bo, mo = reader(1), reader(2), moderator()
    first, second = a_comment(ada, a_paper(1)), a_comment(ada, a_paper(2), "Other words.")
    for comment, uphold in ((first, False), (second, True)):
        moderation.report(bo, f"comment:{comment.pk}", "spam", "", now=NOON)
        moderation.decide(mo, f"comment:{comment.pk}", uphold, "Looked at.", now=NOON)
    assert told(bo) == [("report", "dismiss"), ("report", "uphold")]
    assert told(ada) == [("moderation", "uphold")]
    assert list(Report.objects.order_by("pk").values_list("state", "decided_by")) == [
        ("dismissed", mo.pk),
        ("upheld", mo.pk),
    ]
    assert log() == [
        ("uphold", f"comment:{second.pk}", "reader-1"),
        ("dismiss", f"comment:{first.pk}", "reader-1"),
    ]
    with pytest.raises(Refused, match="no open report"):
        moderation.decide(mo, f"comment:{first.pk}", True, "Again.", now=NOON)


def test_removing_a_comment_is_seen_told_logged_and_upholds_its_reports() -> None:
    ada, bo, mo = reader(1), reader(2), moderator()
    comment = a_comment(ada)
    moderation.report(bo, f"comment:{comment.pk}", "spam", "", now=NOON)
    moderation.remove(mo, comment, "Advertising.", now=NOON)
    assert comment.state == "removed" and Paper.objects.get().comments_here == 0
    assert told(ada) == [("moderation", "remove")] and told(bo) == [("report", "uphold")]
    act = moderation.log(1)[0]
    assert (act.did, act.by, act.reason, act.affected) == ("remove", mo, "Advertising.", ada)
    assert act.about == "Comment on “On two suns, part 1”"
    moderation.restore(mo, comment, "It was not.", now=NOON)
    comment.refresh_from_db()
    assert comment.state == "shown" and Paper.objects.get().comments_here == 1
    with pytest.raises(Refused):
        moderation.restore(mo, comment, "Twice.", now=NOON)


def test_a_comment_that_its_author_deleted_is_not_brought_back() -> None:
    ada, mo = reader(1), moderator()
    comment = a_comment(ada)
    comments.delete(ada, comment, now=NOON)
    for act in (moderation.remove, moderation.restore):
        with pytest.raises(Refused):
            act(mo, comment, "Why not.", now=NOON)


def test_hiding_a_paper_tells_its_authors_and_can_be_undone() -> None:
    ada, mo, paper = reader(1), moderator(), a_paper()
    Claim.objects.create(reader=ada, paper=paper, position=0, state="confirmed", at=NOON)
    moderation.hide(mo, paper, "Not a paper.", now=NOON)
    assert Paper.objects.get().hidden and not Paper.objects.get().is_shown
    with pytest.raises(Refused, match="already"):
        moderation.hide(mo, paper, "Again.", now=NOON)
    moderation.show(mo, paper, "It is one.", now=NOON)
    assert not Paper.objects.get().hidden
    assert told(ada) == [("moderation", "hide"), ("moderation", "show")]
    assert [did for did, _subject, _affected in log()] == ["show", "hide"]


def test_freezing_is_done_once_and_thawed_once() -> None:
    mo, paper = moderator(), a_paper()
    moderation.freeze(mo, paper, "Heated.", now=NOON)
    assert Freeze.objects.get().reason == "Heated."
    with pytest.raises(Refused):
        moderation.freeze(mo, paper, "Again.", now=NOON)
    moderation.thaw(mo, paper, "Cool.", now=NOON)
    with pytest.raises(Refused):
        moderation.thaw(mo, paper, "Again.", now=NOON)


def test_who_is_suspended_is_told_weighs_nothing_and_gets_everything_back() -> None:
    mo = moderator()
    ada = reader(1, invited_by=mo)
    comment = a_comment(ada)
    moderation.suspend(mo, ada, "Spam.", now=NOON)
    found = Reader.objects.get(pk=ada.pk)
    assert (found.state, found.is_active, found.standing) == ("suspended", False, 0.0)
    assert told(ada) == [("moderation", "suspend")] and Paper.objects.get().commenters == 0
    comment.refresh_from_db()
    assert comment.state == "shown"
    moderation.reinstate(mo, ada, "A mistake.", now=NOON)
    assert Reader.objects.get(pk=ada.pk).standing > 0
    with pytest.raises(Refused):
        moderation.reinstate(mo, ada, "Twice.", now=NOON)


def test_who_waits_to_be_approved_is_not_reinstated() -> None:
    with pytest.raises(Refused):
        moderation.reinstate(moderator(), reader(1, state="waiting"), "Let in.", now=NOON)


def test_moderators_do_not_decide_about_each_other_or_owners_or_themselves() -> None:
    mo, other, owner = moderator(90), moderator(91), moderator(92, "owner")
    for whom in (mo, other, owner):
        with pytest.raises(Refused):
            moderation.suspend(mo, whom, "Because.", now=NOON)
    with pytest.raises(Refused):
        moderation.suspend(owner, owner, "Because.", now=NOON)
    moderation.suspend(owner, other, "Because.", now=NOON)
    assert Reader.objects.get(pk=other.pk).state == "suspended"


def test_only_owners_give_roles_and_one_owner_stays() -> None:
    owner, mo, ada = moderator(92, "owner"), moderator(), reader(1)
    with pytest.raises(Refused, match="Only owners"):
        moderation.set_role(mo, ada, "curator", "She is good.", now=NOON)
    with pytest.raises(Refused, match="needs an owner"):
        moderation.set_role(owner, owner, "reader", "Tired.", now=NOON)
    with pytest.raises(Refused, match="no such role"):
        moderation.set_role(owner, ada, "king", "She is good.", now=NOON)
    moderation.set_role(owner, ada, "owner", "She is good.", now=NOON)
    moderation.set_role(owner, owner, "reader", "Tired.", now=NOON)
    assert dict(Reader.objects.values_list("handle", "role")) == {
        "reader-92": "reader",
        "reader-90": "moderator",
        "reader-1": "owner",
    }
    assert moderation.log(2)[1].about == "Reader 1 (@reader-1): reader → owner"
    assert told(ada) == [("moderation", "role")]


def test_a_suspended_owner_does_not_count_as_one() -> None:
    owner, other = moderator(92, "owner"), moderator(93, "owner")
    moderation.suspend(owner, other, "Away.", now=NOON)
    with pytest.raises(Refused, match="needs an owner"):
        moderation.set_role(owner, owner, "reader", "Tired.", now=NOON)


def test_moderators_do_not_decide_about_their_own_but_owners_may() -> None:
    mo, owner, bo = moderator(), moderator(92, "owner"), reader(2)
    own, owners = a_comment(mo, a_paper(1)), a_comment(owner, a_paper(2))
    for comment in (own, owners):
        moderation.report(bo, f"comment:{comment.pk}", "abuse", "", now=NOON)
    with pytest.raises(Refused, match="your own"):
        moderation.decide(mo, f"comment:{own.pk}", False, "Fine.", now=NOON)
    with pytest.raises(Refused, match="your own"):
        moderation.remove(mo, own, "Fine.", now=NOON)
    moderation.decide(owner, f"comment:{owners.pk}", False, "Fine.", now=NOON)


EVERY_ACT: list[Callable[[Reader, str], object]] = [
    lambda by, reason: moderation.decide(by, "comment:1", True, reason, now=NOON),
    lambda by, reason: moderation.remove(by, Comment.objects.get(), reason, now=NOON),
    lambda by, reason: moderation.restore(by, Comment.objects.get(), reason, now=NOON),
    lambda by, reason: moderation.hide(by, Paper.objects.get(), reason, now=NOON),
    lambda by, reason: moderation.show(by, Paper.objects.get(), reason, now=NOON),
    lambda by, reason: moderation.freeze(by, Paper.objects.get(), reason, now=NOON),
    lambda by, reason: moderation.thaw(by, Paper.objects.get(), reason, now=NOON),
    lambda by, reason: moderation.suspend(by, Reader.objects.get(handle="reader-1"), reason, now=NOON),
    lambda by, reason: moderation.reinstate(by, Reader.objects.get(handle="reader-1"), reason, now=NOON),
    lambda by, reason: moderation.set_role(by, Reader.objects.get(handle="reader-1"), "curator", reason, now=NOON),
]


@pytest.mark.parametrize("act", EVERY_ACT)
def test_every_act_needs_the_role_and_a_reason(act: Callable[[Reader, str], object]) -> None:
    a_comment(reader(1))
    curator, owner, gone = reader(3, role="curator"), moderator(92, "owner"), moderator(93)
    gone.state = "suspended"
    for by in (reader(2), curator, gone):
        with pytest.raises(Refused, match="Only"):
            act(by, "Because.")
    with pytest.raises(Refused, match="reason"):
        act(owner, "  ")
    assert Act.objects.count() == 0 and Notification.objects.count() == 0


def test_the_log_is_read_a_page_at_a_time() -> None:
    mo = moderator()
    for number in range(5):
        moderation.note(mo, "place", f"paper:{number}", about=f"Paper {number}", reason="Good.", now=NOON)
    newest = moderation.log(2)
    assert [act.subject for act in newest] == ["paper:4", "paper:3"]
    assert [act.subject for act in moderation.log(2, newest[-1].pk)] == ["paper:2", "paper:1"]
    assert len(moderation.log(9, 10**30)) == 5


def test_the_program_notes_what_it_does_by_itself_and_long_titles_fit() -> None:
    act = moderation.note(None, "discount", "finding:1", about="x" * 900, reason="Found.", now=NOON)
    act.refresh_from_db()
    assert act.by is None and len(act.about) == 300
