"""Comments on papers: written, edited with what they said before kept, deleted, and read as a thread."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from broadsheet.community import moderation, tally
from broadsheet.community.claims import authors_of
from broadsheet.community.models import Comment, Freeze, Report, Wording
from broadsheet.markup import markdown
from broadsheet.papers import store
from broadsheet.papers.models import Paper
from broadsheet.readers import notifications
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused

LONGEST: Final = markdown.LONGEST
# Replies to replies are set in as far as a narrow page can bear it.
DEEPEST: Final = 6
# Readers that one comment calls, whatever it says later; of the names it holds, those that are looked up.
MOST_CALLED: Final = 10
MOST_NAMES: Final = 200
HOUR: Final = timedelta(hours=1)
# The same words again within this time are taken for a mistake, or for spam.
REPEATED: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Node:
    """A comment as its thread shows it to one reader.

    depth: 0 for one on the paper itself, at most DEEPEST. replies: what answers it, the oldest first.
    placeholder: "" where it is shown, else deleted or removed: only that is told of it.
    """

    comment: Comment
    depth: int
    replies: tuple["Node", ...]
    may_edit: bool
    may_delete: bool
    placeholder: str


def write(reader: Reader, paper: Paper, text: str, *, parent: Comment | None = None, now: datetime) -> Comment:
    """Write a comment on a paper, or a reply to one, and tell those whom it concerns. Raises Refused."""
    said = _read(text)
    called = _called(markdown.mentioned(said))
    with transaction.atomic():
        writer = _hold(reader, paper)
        answered = _answered(parent, paper)
        _must_be_few(writer, now)
        _must_be_new(writer, said, now)
        html = markdown.to_html(said, _addresses(called))
        comment = Comment.objects.create(paper=paper, author=writer, parent=answered, text=said, html=html, written=now)
        tally.recount([paper.pk])
        _tell(comment, called, now)
    return comment


def edit(reader: Reader, comment: Comment, text: str, *, now: datetime) -> None:
    """Change what one's own comment says; what it said before stays to be read. Raises Refused."""
    said = _read(text)
    names = markdown.mentioned(said)
    called = _called(names)
    with transaction.atomic():
        _hold(reader, comment.paper)
        held = _own(reader, comment)
        if held.state != "shown":
            raise Refused(_("This comment is not shown any more, so it cannot be changed."))
        if said == held.text:
            return
        _must_be_edited_seldom(held, now)
        earlier = _named_before(held)
        Wording.objects.create(comment=held, text=held.text, html=held.html, until=now)
        held.text, held.html, held.edited = said, markdown.to_html(said, _addresses(called)), now
        held.save(update_fields=["text", "html", "edited"])
        tally.recount([held.paper_id])
        new = [person for person in called if person.handle not in earlier][: max(0, MOST_CALLED - len(earlier))]
        _call(held, new, _known(held), now)
    comment.text, comment.html, comment.edited = held.text, held.html, held.edited


def delete(reader: Reader, comment: Comment, *, now: datetime) -> None:
    """Delete one's own comment: its words are dropped; where it was answered, a line says so. Raises Refused.

    Words that are reported stay out of sight until a moderator has decided.
    """
    with transaction.atomic():
        store.lock_paper(comment.paper_id)
        _must_be_active(reader)
        held = _own(reader, comment)
        if held.state != "shown":
            raise Refused(_("This comment is not shown any more."))
        Comment.objects.filter(pk=held.pk).update(state="deleted")
        if not Report.objects.filter(subject=f"comment:{held.pk}", state="open").exists():
            moderation.forget(held)
        tally.recount([held.paper_id])
    comment.refresh_from_db()


def preview(text: str) -> SafeString:
    """Show what a text would look like as a comment. Raises Refused where it is empty or too long."""
    said = _read(text)
    return markdown.to_html(said, _addresses(_called(markdown.mentioned(said))))


def rendered(text: str, *, without: Reader) -> SafeString:
    """Give a comment's words as HTML, as if that reader were not here to be mentioned."""
    called = [reader for reader in _called(markdown.mentioned(text)) if reader != without]
    return markdown.to_html(text, _addresses(called))


def thread(paper: Paper, viewer: Reader | None) -> list[Node]:
    """Give the discussion of a paper, the oldest first, with replies below what they answer; two queries.

    A deleted comment that nobody answered is left out; a removed one stands there as such, answered or not.
    """
    found = list(Comment.objects.filter(paper=paper).select_related("author").order_by("written", "pk"))
    writes = viewer is not None and viewer.is_active and not Freeze.objects.filter(paper=paper).exists()
    below: dict[int | None, list[Comment]] = {}
    for comment in found:
        below.setdefault(comment.parent_id, []).append(comment)
    depths: dict[int | None, int] = {None: -1}
    for comment in _downwards(below):
        depths[comment.pk] = min(DEEPEST, depths[comment.parent_id] + 1)
    made: dict[int, Node] = {}
    # Replies before what they answer, so that each is there when it is needed; without recursion, as they go deep.
    for comment in reversed(_downwards(below)):
        replies = tuple(made[reply.pk] for reply in below.get(comment.pk, ()) if reply.pk in made)
        if comment.state != "deleted" or replies:
            made[comment.pk] = _node(comment, depths[comment.pk], replies, viewer, writes)
    return [made[comment.pk] for comment in below.get(None, ()) if comment.pk in made]


def _downwards(below: dict[int | None, list[Comment]]) -> list[Comment]:
    """Give the comments of a thread, each before what answers it."""
    ordered = list(below.get(None, ()))
    for comment in ordered:
        ordered += below.get(comment.pk, ())
    return ordered


def _node(comment: Comment, depth: int, replies: tuple[Node, ...], viewer: Reader | None, writes: bool) -> Node:
    is_own = viewer is not None and comment.author_id == viewer.pk and comment.state == "shown" and viewer.is_active
    placeholder = "" if comment.state == "shown" else comment.state
    return Node(comment, depth, replies, is_own and writes, is_own, placeholder)


def _read(text: str) -> str:
    """Give a text as it is kept. Raises Refused where it is empty or too long."""
    if len(text) > LONGEST:
        raise Refused(
            _("Your comment is %(length)s characters long; at most %(most)s are taken.")
            % {"length": f"{len(text):,}", "most": f"{LONGEST:,}"}
        )
    said = markdown.clean(text).strip()
    if not said:
        raise Refused(_("Please write something first."))
    return said


def _hold(reader: Reader, paper: Paper) -> Reader:
    """Hold paper and reader, in that order as everywhere, and see that the reader may write there now."""
    if not store.lock_paper(paper.pk):
        raise Refused(_("This paper is no longer here."))
    if Paper.objects.filter(pk=paper.pk, hidden=True).exists():
        raise Refused(_("A moderator took this paper off the lists, so nobody writes here for now."))
    if Freeze.objects.filter(paper=paper).exists():
        raise Refused(_("A moderator froze this discussion, so nobody writes here for now."))
    return _must_be_active(reader)


def _must_be_active(reader: Reader) -> Reader:
    held = Reader.objects.select_for_update(no_key=True).filter(pk=reader.pk).first()
    if held is None or not held.is_active:
        raise Refused(_("Only readers with an active account can write."))
    return held


def _answered(parent: Comment | None, paper: Paper) -> Comment | None:
    if parent is None:
        return None
    found = Comment.objects.select_related("author").filter(pk=parent.pk, paper=paper).first()
    if found is None or found.state != "shown":
        raise Refused(_("The comment you answer is not shown any more."))
    return found


def _own(reader: Reader, comment: Comment) -> Comment:
    found = Comment.objects.select_related("paper").filter(pk=comment.pk).first()
    if found is None or found.author_id != reader.pk:
        raise Refused(_("Only its author changes or deletes a comment."))
    return found


def _must_be_few(reader: Reader, now: datetime) -> None:
    most = settings.CONFIG.comments_per_hour
    written = Comment.objects.filter(author=reader, written__gt=now - HOUR).order_by("-written")
    times = list(written.values_list("written", flat=True)[:most])
    if len(times) == most:
        raise Refused(
            _("You wrote %(count)d comments in the last hour, which is as many as are taken. Go on in %(wait)s.")
            % {"count": most, "wait": moderation.in_words(times[-1] + HOUR - now)}
        )


def _must_be_new(reader: Reader, said: str, now: datetime) -> None:
    lately = Comment.objects.filter(author=reader, written__gt=now - REPEATED, state="shown")
    before = lately.filter(text=said).order_by("-written").values_list("written", flat=True).first()
    if before is not None:
        raise Refused(
            _("You have written exactly this already. Say it in other words, or again in %(wait)s.")
            % {"wait": moderation.in_words(before + REPEATED - now)}
        )


def _must_be_edited_seldom(comment: Comment, now: datetime) -> None:
    most = settings.CONFIG.comments_per_hour
    edits = Wording.objects.filter(comment__author=comment.author_id, until__gt=now - HOUR).order_by("-until")
    times = list(edits.values_list("until", flat=True)[:most])
    if len(times) == most:
        raise Refused(
            _("You edited comments %(count)d times in the last hour, which is as often as it goes. Go on in %(wait)s.")
            % {"count": most, "wait": moderation.in_words(times[-1] + HOUR - now)}
        )


def _called(handles: Sequence[str]) -> list[Reader]:
    """Give the readers with these handles, in their order, with one query however many there are."""
    chosen = list(handles[:MOST_NAMES])
    if not chosen:
        return []
    known = {reader.handle: reader for reader in Reader.objects.filter(handle__in=chosen).exclude(state="waiting")}
    return [known[handle] for handle in chosen if handle in known]


def _addresses(readers: Iterable[Reader]) -> dict[str, str]:
    return {reader.handle: reverse("reader", args=[reader.handle]) for reader in readers}


def _named_before(comment: Comment) -> set[str]:
    """Give every handle that the comment held at any time: those readers were told, or were too many."""
    texts = [comment.text, *comment.history.values_list("text", flat=True)]
    return {handle for text in texts for handle in markdown.mentioned(text)}


def _tell(comment: Comment, called: Sequence[Reader], now: datetime) -> None:
    """Tell of a new comment whom it answers, whom it names and whose paper it is on; each once."""
    told = {comment.author_id}
    if comment.parent is not None and comment.parent.author is not None:
        told |= _notify(comment, "reply", [comment.parent.author], told, now)
    told |= _call(comment, called[:MOST_CALLED], told, now)
    authors = Reader.objects.filter(pk__in=authors_of([comment.paper_id]).get(comment.paper_id, set()))
    _notify(comment, "comment", authors, told, now)


def _call(comment: Comment, readers: Iterable[Reader], told: set[int | None], now: datetime) -> set[int | None]:
    return _notify(comment, "mention", readers, told, now)


def _known(comment: Comment) -> set[int | None]:
    """Give those who were told of a comment when it was written, whether it named them or not."""
    answered = comment.parent.author_id if comment.parent else None
    return {comment.author_id, answered, *authors_of([comment.paper_id]).get(comment.paper_id, set())}


def _notify(
    comment: Comment, kind: str, readers: Iterable[Reader], told: set[int | None], now: datetime
) -> set[int | None]:
    chosen = [reader for reader in readers if reader.pk not in told]
    author = comment.author
    data = {"by": author.handle if author else "", "title": comment.paper.title, "comment": comment.pk}
    url = f"{reverse('paper', args=[comment.paper.key])}#comment-{comment.pk}"
    notifications.notify(chosen, kind, data, url, now=now)
    return {reader.pk for reader in chosen}
