from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from broadsheet.community import comments, moderation
from broadsheet.community.comments import DEEPEST, LONGEST, MOST_CALLED, Node
from broadsheet.community.models import Claim, Comment, Report
from broadsheet.community.tests.factory import NOON, a_paper, reader
from broadsheet.papers import store
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Notification, Reader
from broadsheet.readers.refused import Refused

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def said(author: Reader, paper: Paper, text: str = "Good.", *, to: Comment | None = None, minutes: int = 0) -> Comment:
    return comments.write(author, paper, text, parent=to, now=NOON + minutes * MINUTE)


def told() -> list[tuple[str, str]]:
    return list(Notification.objects.order_by("pk").values_list("reader__handle", "kind"))


def claimed(paper: Paper, author: Reader) -> None:
    Claim.objects.create(reader=author, paper=paper, position=0, state="confirmed", at=NOON)


def limited(settings: SimpleNamespace, most: int) -> None:
    config = django_settings.CONFIG
    settings.CONFIG = replace(config, values={**config.values, "comments_per_hour": most})


def test_a_comment_is_kept_as_written_and_as_safe_html() -> None:
    ada, paper = reader(1), a_paper()
    comment = said(ada, paper, "  **Good** $x_i$ <script>\0 ")
    assert comment.text == "**Good** $x_i$ <script>"
    assert "<strong>Good</strong>" in comment.html and "<msub>" in comment.html and "<script>" not in comment.html
    assert (comment.author, comment.paper, comment.written, comment.state) == (ada, paper, NOON, "shown")


def test_the_papers_counts_follow() -> None:
    ada, paper = reader(1), a_paper()
    comment = said(ada, paper)
    said(ada, paper, "And more.", minutes=1)
    found = Paper.objects.get()
    assert (found.comments_here, found.commenters) == (2, 1.0)
    comments.delete(ada, comment, now=NOON)
    assert Paper.objects.get().comments_here == 1


@pytest.mark.parametrize("text", ["", "  \n ", "\0\u202e", "x" * (LONGEST + 1)])
def test_nothing_and_far_too_much_are_refused(text: str) -> None:
    ada, paper = reader(1), a_paper()
    with pytest.raises(Refused):
        said(ada, paper, text)
    with pytest.raises(Refused):
        comments.preview(text)


def test_nobody_writes_where_it_is_frozen_or_hidden_or_without_an_active_account() -> None:
    ada, paper, moderator = reader(1), a_paper(), reader(2, role="moderator")
    comment = said(ada, paper)
    moderation.freeze(moderator, paper, "Too heated.", now=NOON)
    with pytest.raises(Refused, match="froze"):
        said(ada, paper, "More.")
    with pytest.raises(Refused, match="froze"):
        comments.edit(ada, comment, "More.", now=NOON)
    moderation.thaw(moderator, paper, "Cool again.", now=NOON)
    store.hide(paper.pk, True)
    with pytest.raises(Refused, match="off the lists"):
        said(ada, paper, "More.")
    store.hide(paper.pk, False)
    Reader.objects.filter(pk=ada.pk).update(state="suspended")
    with pytest.raises(Refused, match="active"):
        said(ada, paper, "More.")
    assert Comment.objects.count() == 1


def test_so_many_comments_an_hour_and_it_says_when_to_go_on(settings: SimpleNamespace) -> None:
    limited(settings, 2)
    ada, paper = reader(1), a_paper()
    said(ada, paper, "One.")
    said(ada, paper, "Two.", minutes=20)
    with pytest.raises(Refused, match="Go on in 30 minutes"):
        said(ada, paper, "Three.", minutes=30)
    assert said(ada, paper, "Three.", minutes=60).text == "Three."


def test_deleting_does_not_make_room_for_more(settings: SimpleNamespace) -> None:
    limited(settings, 1)
    ada, paper = reader(1), a_paper()
    comments.delete(ada, said(ada, paper), now=NOON)
    with pytest.raises(Refused, match="last hour"):
        said(ada, paper, "Again.")


def test_the_same_words_twice_are_refused() -> None:
    ada, paper, other = reader(1), a_paper(1), a_paper(2)
    said(ada, paper, "Buy this!")
    with pytest.raises(Refused, match="again in 24 hours"):
        said(ada, other, " Buy this! ", minutes=1)
    said(reader(2), paper, "Buy this!")
    said(ada, other, "Buy this!", minutes=24 * 60)
    assert Comment.objects.count() == 3


def test_an_edit_keeps_what_was_said_before() -> None:
    ada, paper = reader(1), a_paper()
    comment = said(ada, paper, "Bad.")
    comments.edit(ada, comment, "Better.", now=NOON + MINUTE)
    comments.edit(ada, comment, "Better.", now=NOON + 2 * MINUTE)
    assert list(comment.history.values_list("text", "until")) == [("Bad.", NOON + MINUTE)]
    comment.refresh_from_db()
    assert (comment.text, comment.html, comment.edited) == ("Better.", "<p>Better.</p>", NOON + MINUTE)


def test_edits_are_bounded_too(settings: SimpleNamespace) -> None:
    limited(settings, 2)
    ada, paper = reader(1), a_paper()
    comment = said(ada, paper, "0")
    comments.edit(ada, comment, "1", now=NOON)
    comments.edit(ada, comment, "2", now=NOON)
    with pytest.raises(Refused, match="in 60 minutes"):
        comments.edit(ada, comment, "3", now=NOON)


def test_only_the_author_changes_a_comment() -> None:
    ada, bo, paper = reader(1), reader(2, role="owner"), a_paper()
    comment = said(ada, paper)
    with pytest.raises(Refused):
        comments.edit(bo, comment, "Mine.", now=NOON)
    with pytest.raises(Refused):
        comments.delete(bo, comment, now=NOON)
    comments.delete(ada, comment, now=NOON)
    with pytest.raises(Refused):
        comments.delete(ada, comment, now=NOON)
    with pytest.raises(Refused):
        comments.edit(ada, comment, "Back.", now=NOON)


def test_deleted_words_are_gone_unless_a_report_of_them_is_open() -> None:
    ada, bo, paper, moderator = reader(1), reader(2), a_paper(), reader(3, role="moderator")
    first, second = said(ada, paper, "One."), said(ada, paper, "Two.")
    comments.edit(ada, first, "One!", now=NOON)
    moderation.report(bo, f"comment:{second.pk}", "abuse", "", now=NOON)
    for comment in (first, second):
        comments.delete(ada, comment, now=NOON)
    assert (first.text, first.html, first.history.count()) == ("", "", 0)
    assert second.text == "Two."
    moderation.decide(moderator, f"comment:{second.pk}", True, "Rude.", now=NOON)
    second.refresh_from_db()
    assert second.text == "" and Report.objects.get().state == "upheld"


def shape(nodes: list[Node] | tuple[Node, ...]) -> list[object]:
    return [(node.placeholder or node.comment.text, node.depth, shape(node.replies)) for node in nodes]


def test_a_thread_has_replies_below_what_they_answer() -> None:
    ada, bo, paper = reader(1), reader(2), a_paper()
    one = said(ada, paper, "1")
    said(bo, paper, "2", minutes=1)
    reply = said(bo, paper, "1.1", to=one, minutes=2)
    said(ada, paper, "1.1.1", to=reply, minutes=3)
    assert shape(comments.thread(paper, None)) == [("1", 0, [("1.1", 1, [("1.1.1", 2, [])])]), ("2", 0, [])]


def test_a_deleted_comment_keeps_its_place_where_it_was_answered_and_a_removed_one_always() -> None:
    ada, bo, paper, moderator = reader(1), reader(2), a_paper(), reader(3, role="moderator")
    answered, alone, removed = said(ada, paper, "1"), said(ada, paper, "2"), said(ada, paper, "3")
    said(bo, paper, "1.1", to=answered)
    comments.delete(ada, answered, now=NOON)
    comments.delete(ada, alone, now=NOON)
    moderation.remove(moderator, removed, "Off topic.", now=NOON)
    assert shape(comments.thread(paper, bo)) == [("deleted", 0, [("1.1", 1, [])]), ("removed", 0, [])]


def test_replies_are_set_in_so_far_and_no_further_however_deep_they_go() -> None:
    ada, paper = reader(1), a_paper()
    parent: Comment | None = None
    rows = []
    for number in range(1200):
        rows.append(Comment(pk=number + 1, paper=paper, author=ada, text="x", html="x", written=NOON, parent=parent))
        parent = rows[-1]
    Comment.objects.bulk_create(rows)
    node, deepest = comments.thread(paper, ada)[0], 0
    while node.replies:
        node, deepest = node.replies[0], max(deepest, node.depth)
    assert node.comment.pk == 1200 and node.depth == DEEPEST == deepest


def test_who_may_edit_and_delete_is_said() -> None:
    ada, bo, paper, moderator = reader(1), reader(2), a_paper(), reader(3, role="moderator")
    said(ada, paper)

    def rights(viewer: Reader | None) -> tuple[bool, bool]:
        node = comments.thread(paper, viewer)[0]
        return node.may_edit, node.may_delete

    assert (rights(ada), rights(bo), rights(None)) == ((True, True), (False, False), (False, False))
    moderation.freeze(moderator, paper, "Too heated.", now=NOON)
    assert rights(ada) == (False, True)


def test_a_long_thread_takes_no_more_queries_than_a_short_one() -> None:
    ada, paper = reader(1), a_paper()
    first = said(ada, paper, "0")
    with CaptureQueriesContext(connection) as short:
        comments.thread(paper, ada)
    for number in range(10):
        said(ada, paper, f"{number} more", to=first)
    with CaptureQueriesContext(connection) as long:
        comments.thread(paper, ada)
    assert len(long) == len(short)


def test_nobody_answers_what_is_gone_or_stands_elsewhere() -> None:
    ada, paper, other = reader(1), a_paper(1), a_paper(2)
    comment = said(ada, paper)
    with pytest.raises(Refused, match="answer"):
        said(ada, other, "Yes.", to=comment)
    comments.delete(ada, comment, now=NOON)
    with pytest.raises(Refused, match="answer"):
        said(ada, paper, "Yes.", to=comment)


def test_everyone_concerned_is_told_once_and_nobody_of_their_own() -> None:
    paper = a_paper()
    ada, bo, author, _other = reader(1), reader(2), reader(3), reader(4)
    claimed(paper, author)
    first = said(ada, paper, "Hello @reader-1 and @reader-2, @reader-2!")
    assert told() == [("reader-2", "mention"), ("reader-3", "comment")]
    Notification.objects.all().delete()
    said(bo, paper, "Thank you @reader-1 @reader-3 @reader-9", to=first)
    assert told() == [("reader-1", "reply"), ("reader-3", "mention")]
    Notification.objects.all().delete()
    said(author, paper, "I wrote this.")
    assert told() == []


def test_a_notification_leads_to_the_comment() -> None:
    ada, _bo, paper = reader(1), reader(2), a_paper()
    comment = said(ada, paper, "@reader-2")
    made = Notification.objects.get()
    assert made.url == f"/papers/{paper.key}#comment-{comment.pk}"
    assert made.data == {"by": "reader-1", "title": paper.title, "comment": comment.pk}


def test_an_edit_tells_only_those_it_newly_names() -> None:
    ada, _bo, _cy, paper = reader(1), reader(2), reader(3), a_paper()
    comment = said(ada, paper, "@reader-2")
    comments.edit(ada, comment, "nobody", now=NOON)
    comments.edit(ada, comment, "@reader-2 @reader-3 @reader-1", now=NOON)
    assert told() == [("reader-2", "mention"), ("reader-3", "mention")]


def test_no_comment_calls_more_than_ten_readers_however_often_it_is_edited() -> None:
    ada, paper = reader(100), a_paper()
    for number in range(30):
        reader(number)
    comment = said(ada, paper, " ".join(f"@reader-{number}" for number in range(20)))
    assert len(told()) == MOST_CALLED
    comments.edit(ada, comment, " ".join(f"@reader-{number}" for number in range(30)), now=NOON)
    assert len(told()) == MOST_CALLED


def test_thousands_of_mentions_cost_one_query() -> None:
    ada, paper = reader(1), a_paper()
    said(ada, paper, "none")
    with CaptureQueriesContext(connection) as none:
        said(ada, paper, "none at all", minutes=1)
    with CaptureQueriesContext(connection) as many:
        said(ada, paper, " ".join(f"@r{number}" for number in range(3000)), minutes=2)
    assert len(many) == len(none) + 1


def test_a_preview_looks_like_the_comment_will() -> None:
    ada, _bo, paper = reader(1), reader(2), a_paper()
    text = "# Hi @reader-2\n\n$x$ <b>"
    assert comments.preview(text) == said(ada, paper, text).html
