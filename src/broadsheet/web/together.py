"""What readers gave to one paper, as its page shows it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.urls import reverse

from broadsheet.community import claims, comments, marks
from broadsheet.community.comments import Node
from broadsheet.community.models import Act, Claim, Freeze, Membership, Organisation
from broadsheet.editions import order
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.web import cards
from broadsheet.web.acting import sign_in
from broadsheet.web.badges import KINDS, badges
from broadsheet.web.reasons import sentences


@dataclass(frozen=True, slots=True)
class AuthorLine:
    """An author with the search that finds their other papers, and the readers who proved to be them."""

    name: str
    affiliation: str
    query: str
    readers: list[Reader]


@dataclass(frozen=True, slots=True)
class Line:
    """A comment in its thread; `reason` is why a moderator removed it."""

    node: Node
    reason: str

    @property
    def subject(self) -> str:
        """What reports call it."""
        return f"comment:{self.node.comment.pk}"

    @property
    def field(self) -> str:
        """What the field for an answer to it is called on the page."""
        return f"reply-{self.node.comment.pk}"


def of_paper(paper: Paper, reader: Reader | None) -> dict[str, object]:
    """Read everything for a reader of the page; None for a stranger."""
    given = marks.of_papers([paper.id], reader)
    links = given.links.get(paper.id, [])
    own = Claim.objects.filter(paper=paper, reader=reader).first() if reader else None
    return {
        "voted": paper.id in given.voted,
        "saved": paper.id in given.saved,
        "hint": cards.votes_apart(paper.votes_here, paper.votes_outside),
        "submitter": given.submitters.get(paper.id),
        "organisations": given.organisations.get(paper.id, []),
        "badges": badges(paper, links),
        "added_links": [
            {"label": KINDS.get(link.kind, link.kind), "link": link, "subject": f"link:{link.pk}"} for link in links
        ],
        "kinds": KINDS,
        "support": sentences(order.by_support([paper], "")[0].why),
        "sign_in": sign_in(reverse("paper", args=[paper.key])),
        "authors": author_lines(paper, claims.of_paper(paper)),
        "names": cards.author_places(paper),
        "own_claim": own,
        **_discussion(paper, reader),
        **(_tools(paper, reader, own) if reader else {}),
    }


def author_lines(paper: Paper, confirmed: Iterable[Claim]) -> list[AuthorLine]:
    """Give the authors in their order, with the readers whose claims are confirmed."""
    proved: dict[int, list[Reader]] = {}
    for claim in confirmed:
        proved.setdefault(claim.position, []).append(claim.reader)
    return [
        AuthorLine(
            str(author["name"]),
            str(author.get("affiliation", "")),
            'author:"{}"'.format(str(author["name"]).replace('"', "")),
            proved.get(position, []),
        )
        for position, author in enumerate(paper.authors)
        if isinstance(author, dict) and author.get("name")
    ]


def _discussion(paper: Paper, reader: Reader | None) -> dict[str, object]:
    nodes = list(flat(comments.thread(paper, reader)))
    removed = [f"comment:{node.comment.pk}" for node in nodes if node.comment.state == "removed"]
    reasons = dict(
        Act.objects.filter(subject__in=removed, did="remove").order_by("pk").values_list("subject", "reason")
    )
    return {
        "lines": [Line(node, reasons.get(f"comment:{node.comment.pk}", "")) for node in nodes],
        "freeze": Freeze.objects.select_related("by").filter(paper=paper).first(),
    }


def flat(nodes: Iterable[Node]) -> Iterator[Node]:
    """Give the comments of a thread in the order they are read; without recursion, as answers may go deep."""
    waiting = list(nodes)[::-1]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += list(node.replies)[::-1]


def _tools(paper: Paper, reader: Reader, own: Claim | None) -> dict[str, object]:
    return {
        "curates": reader.may("curator"),
        "moderates": reader.may("moderator"),
        "own_organisations": _organisations(paper, reader, own),
    }


def _organisations(paper: Paper, reader: Reader, own: Claim | None) -> list[Organisation]:
    """Give the reader's organisations that the paper is not yet of, and which the reader may say it comes from."""
    belongs = Membership.objects.filter(reader=reader, state="confirmed").select_related("organisation")
    if not (reader.may("curator") or (own and own.state == "confirmed")):
        belongs = belongs.filter(admin=True)
    return [one.organisation for one in belongs.exclude(organisation__affiliations__paper=paper)]
