"""Claims: an author says "this paper is mine".

What is proved is confirmed at once, the rest waits for a curator. Nothing is for ever: a stronger proof takes the place
of a weaker one, an equal one makes both contested, and curators may take back what they or a proof confirmed.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from broadsheet.community import moderation, placing, standing, tally
from broadsheet.community.given import passage
from broadsheet.community.given import reason as read_reason
from broadsheet.community.models import Claim
from broadsheet.community.proofs import Proof, prove, stronger
from broadsheet.papers import store
from broadsheet.papers.models import Paper
from broadsheet.readers import notifications
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused

LONGEST_SAYS: Final = 1000
# So that one reader cannot fill the curators' desk.
MOST_WAITING: Final = 20


def claim(reader: Reader, paper: Paper, position: int, says: str, *, now: datetime) -> Claim:
    """Claim the author's place `position`, from 0; confirmed at once where it is proved. Raises Refused.

    May ask ORCID over the network, before anything is written.
    """
    said = passage(says, LONGEST_SAYS)
    _must_be_possible(reader, paper, position)
    proof = prove(reader, paper, position)
    with transaction.atomic():
        made = _made(reader, paper, position, said, proof, now)
        ended = _settled(made, proof, now)
    _weigh(paper.id, [reader.pk, *ended], now)
    return made


def _must_be_possible(reader: Reader, paper: Paper, position: int) -> None:
    if not reader.is_active:
        raise Refused(_("Your account may not claim papers at the moment."))
    placing.must_be_shown(paper)
    if not paper.authors:
        raise Refused(_("No authors of this paper are known here, so nobody can claim it yet."))
    if not 0 <= position < len(paper.authors):
        raise Refused(_("This paper has no such author; please choose your name from the list."))
    if Claim.objects.filter(reader=reader, state="waiting").count() >= MOST_WAITING:
        raise Refused(_("%(most)s of your claims wait for a curator already.") % {"most": MOST_WAITING})
    best = "orcid" if reader.orcid else "email"
    _must_not_be_repeated(Claim.objects.filter(reader=reader, paper=paper).first(), best)


def _must_not_be_repeated(before: Claim | None, proof: str) -> None:
    """Raise Refused for a claim that stands, unless there is now a stronger proof of it."""
    if before is None or before.state not in ("waiting", "confirmed"):
        return
    if not stronger(proof, before.proof or before.evidence.get("proof", "")):
        waits = before.state == "waiting"
        raise Refused(
            _("Your claim on this paper waits for a curator.") if waits else _("This paper is yours already.")
        )


def _made(reader: Reader, paper: Paper, position: int, said: str, proof: Proof, now: datetime) -> Claim:
    """Keep the claim as one that waits. The row of the paper is held, so that claims on it come one after another."""
    if not store.lock_paper(paper.id):
        raise Refused(_("This paper is not here any more."))
    authors = Paper.objects.values_list("authors", flat=True).get(id=paper.id)
    if authors != paper.authors:
        raise Refused(_("The list of authors has just changed; please choose your name once more."))
    before = Claim.objects.filter(reader=reader, paper=paper).first()
    _must_not_be_repeated(before, proof.kind)
    if before and before.state in ("declined", "revoked") and not proof.kind:
        raise Refused(
            _("A claim of yours on this paper was declined (%(reason)s). Sign in with ORCID to prove it.")
            % {"reason": before.reason}
        )
    values = {
        "position": position, "state": "waiting", "proof": "", "says": said,
        "evidence": _evidence(paper.authors[position]["name"], proof),
        "contested": False, "at": now, "decided_by": None, "decided": None, "reason": "",
    }  # fmt: skip
    return Claim.objects.update_or_create(reader=reader, paper=paper, defaults=values)[0]


def _evidence(author: str, proof: Proof) -> dict[str, str]:
    # The name besides the position: a later version of the paper may list its authors otherwise.
    kind = {"proof": proof.kind} if proof.kind else {}
    return {"author": author[:300], **kind, **proof.evidence}


def _settled(made: Claim, proof: Proof, now: datetime) -> list[int]:
    """Confirm what is proved, or contest what is proved as well; give the readers whose weaker claims ended."""
    if not proof.kind:
        return []
    held = _rivals(made)
    if any(not stronger(proof.kind, rival.proof) for rival in held):
        equal = [rival for rival in held if rival.proof == proof.kind]
        for row in [made, *equal] if equal else []:
            row.contested = True
            row.save(update_fields=["contested"])
        return []
    for rival in held:
        _revoked(rival, None, _("The other claim has a stronger proof: %(proof)s.") % {"proof": proof.kind}, now)
        _note(None, "revoke", rival, now)
        _notify(rival, "revoke", "", now)
    _confirmed(made, proof.kind, None, "", now)
    if held:
        _notify(made, "confirm", "", now)
    return [rival.reader_id for rival in held]


def _weigh(number: int, readers: Iterable[int], now: datetime) -> None:
    """Weigh anew what the readers gave: authors' votes on their own paper count nothing, nor do their comments."""
    standing.assess(readers, now)
    tally.recount([number])


def _rivals(made: Claim, state: str = "confirmed") -> list[Claim]:
    rows = Claim.objects.filter(paper=made.paper_id, position=made.position, state=state).exclude(pk=made.pk)
    return list(rows.select_related("reader", "paper").order_by("id"))


def confirm(by: Reader, claim: Claim, reason: str, *, now: datetime) -> None:
    """Confirm a claim that waits. Others on the same place end, but for one that ORCID proves. Raises Refused."""
    _may_decide(by, claim)
    said = read_reason(reason or _("A curator looked at it."))
    with transaction.atomic():
        claim = _held(claim, ("waiting",))
        proof = "orcid" if claim.evidence.get("proof") == "orcid" else "curator"
        held = _rivals(claim)
        for rival in held:
            if stronger(rival.proof, proof):
                raise Refused(
                    _("%(handle)s holds this place, proved by ORCID. Take that back first, if it is wrong.")
                    % {"handle": rival.reader.handle}
                )
        for rival in held:
            _revoked(rival, by, said, now)
            _tell(by, rival, "revoke", now)
        _confirmed(claim, proof, by, said, now)
        _tell(by, claim, "confirm", now)
    _weigh(claim.paper_id, [claim.reader_id, *(rival.reader_id for rival in held)], now)


def decline(by: Reader, claim: Claim, reason: str, *, now: datetime) -> None:
    """Decline a claim that waits. Raises Refused."""
    _may_decide(by, claim)
    said = read_reason(reason)
    with transaction.atomic():
        claim = _held(claim, ("waiting",))
        _decided(claim, "declined", by, said, now)
        _no_longer_contested(claim)
        _tell(by, claim, "decline", now)


def revoke(by: Reader, claim: Claim, reason: str, *, now: datetime) -> None:
    """Take a confirmed claim back, whatever proved it. Raises Refused."""
    _may_decide(by, claim)
    said = read_reason(reason)
    with transaction.atomic():
        claim = _held(claim, ("confirmed",))
        _revoked(claim, by, said, now)
        _no_longer_contested(claim)
        _tell(by, claim, "revoke", now)
    _weigh(claim.paper_id, [claim.reader_id], now)


def take_back(reader: Reader, claim: Claim, *, now: datetime) -> None:
    """Take one's own claim back, waiting or confirmed. Raises Refused."""
    if claim.reader_id != reader.pk:
        raise Refused(_("This claim is not yours."))
    with transaction.atomic():
        claim = _held(claim, ("waiting", "confirmed"))
        was_confirmed = claim.state == "confirmed"
        _decided(claim, "taken-back", None, "", now)
        _no_longer_contested(claim)
    if was_confirmed:
        _weigh(claim.paper_id, [reader.pk], now)


def waiting() -> QuerySet[Claim]:
    """The claims that curators have to look at, the oldest first: those that wait, and what they contest."""
    rows = Claim.objects.filter(state="waiting") | Claim.objects.filter(state="confirmed", contested=True)
    return rows.select_related("reader", "paper").order_by("at", "id")


def of_paper(paper: Paper) -> list[Claim]:
    """The confirmed claims on a paper, in the order of its authors."""
    rows = Claim.objects.filter(paper=paper, state="confirmed").select_related("reader")
    return list(rows.order_by("position", "id"))


def authors_of(numbers: Iterable[int]) -> dict[int, set[int]]:
    """Give the numbers of the readers who are confirmed authors, by the number of the paper."""
    found: dict[int, set[int]] = {}
    rows = Claim.objects.filter(paper__in=list(numbers), state="confirmed")
    for paper, reader in rows.values_list("paper_id", "reader_id"):
        found.setdefault(paper, set()).add(reader)
    return found


def _may_decide(by: Reader, claim: Claim) -> None:
    placing.must_be_curator(by)
    if claim.reader_id == by.pk and not by.may("owner"):
        raise Refused(_("Another curator has to decide on your own claim."))


def _held(claim: Claim, states: tuple[str, ...]) -> Claim:
    """Give a claim as it is now, its paper held until the transaction ends."""
    store.lock_paper(claim.paper_id)
    now_is = Claim.objects.select_related("reader", "paper").filter(pk=claim.pk).first()
    if now_is is None or now_is.state not in states:
        raise Refused(_("Somebody has decided on this claim already."))
    return now_is


def _decided(claim: Claim, state: str, by: Reader | None, reason: str, now: datetime) -> None:
    claim.state, claim.decided_by, claim.reason, claim.decided = state, by, reason, now
    claim.save(update_fields=["state", "decided_by", "reason", "decided", "proof", "contested"])


def _confirmed(claim: Claim, proof: str, by: Reader | None, reason: str, now: datetime) -> None:
    claim.proof, claim.contested = proof, False
    _decided(claim, "confirmed", by, reason, now)


def _revoked(claim: Claim, by: Reader | None, reason: str, now: datetime) -> None:
    claim.contested = False
    _decided(claim, "revoked", by, reason, now)


def _no_longer_contested(ended: Claim) -> None:
    """Where a claim has ended, what it contested stands alone again, unless others contest it."""
    if any(rival.contested for rival in _rivals(ended, "waiting")) and _rivals(ended):
        return
    Claim.objects.filter(paper=ended.paper_id, position=ended.position).update(contested=False)


def _note(by: Reader | None, did: str, claim: Claim, now: datetime) -> None:
    moderation.note(
        by, did, f"claim:{claim.pk}", about=claim.paper.title, reason=claim.reason, affected=claim.reader, now=now
    )


def _tell(by: Reader, claim: Claim, did: str, now: datetime) -> None:
    _note(by, did, claim, now)
    if claim.reader_id != by.pk:
        _notify(claim, did, by.handle, now)


def _notify(claim: Claim, did: str, by: str, now: datetime) -> None:
    data = {"did": did, "title": claim.paper.title, "reason": claim.reason, "by": by}
    notifications.notify([claim.reader], "claim", data, reverse("paper", args=[claim.paper.key]), now=now)
