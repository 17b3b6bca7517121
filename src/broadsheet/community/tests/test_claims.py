import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from pytest_django.fixtures import Settings

from broadsheet.community import claims, comments, organisations, votes
from broadsheet.community.models import Act, Affiliation, Claim, Vote
from broadsheet.community.proofs import is_name_of
from broadsheet.community.tests.factory import NOON, a_paper, reader
from broadsheet.lib.tests.loopback import FakeTime, Loopback, fake_http, playing
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Notification, Reader
from broadsheet.readers.refused import Refused
from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Author

pytestmark = pytest.mark.django_db
ADA, BO = "0000-0002-1825-0097", "0000-0001-5109-3700"


@pytest.fixture(autouse=True)
def server(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """ORCID's public records, played on loopback."""
    with playing() as loopback:
        door = fake_http(tmp_path / "limits", FakeTime())
        monkeypatch.setattr("broadsheet.community.proofs.site_http", lambda: door)
        values = {**settings.CONFIG.values, "orcid_url": loopback.base}
        settings.CONFIG = replace(settings.CONFIG, home=tmp_path, values=values)
        yield loopback


def a_known_paper(number: int = 1, orcid: str = "", affiliation: str = "") -> Paper:
    authors = (Author("Ada Ant", affiliation, orcid), Author("Bo Bug"))
    names = (Identifier("arxiv", f"2611.{number:05}"), Identifier("doi", f"10.5555/bees.{number}"))
    return a_paper(number, authors=authors, identifiers=names)


def ada(number: int = 1, **fields: object) -> Reader:
    return reader(number, **{"name": "Ada B. Ant", **fields})


def curator(number: int = 9) -> Reader:
    return Reader.objects.filter(handle=f"reader-{number}").first() or reader(number, role="curator")


def at_hive(one: Reader) -> Reader:
    EmailAddress.objects.create(user=one, email=f"{one.handle}@hive.example", verified=True)
    return one


def hive(paper: Paper | None = None) -> None:
    made = organisations.found(curator(), "Hive Lab", "", ["hive.example"], "", now=NOON)
    if paper:
        organisations.affiliate(curator(), made, paper, now=NOON)


def plays_works(server: Loopback, doi: str, orcid: str = ADA, by_person: bool = False) -> None:
    source: dict[str, object] = {"source-client-id": {"path": "x"}, "source-name": {"value": "Registry"}}
    source = {"source-orcid": {"path": orcid}} if by_person else source
    names = [{"external-id-type": "doi", "external-id-value": doi, "external-id-relationship": "self"}]
    works = {"group": [{"work-summary": [{"source": source, "external-ids": {"external-id": names}}]}]}
    server.answer(f"/{orcid}/works", json.dumps(works))


def test_without_a_proof_a_claim_waits_for_a_curator(server: Loopback) -> None:
    known, one = a_known_paper(), ada()
    made = claims.claim(one, known, 0, "I am\r\nAda", now=NOON)
    assert (made.state, made.proof, made.says, made.evidence) == ("waiting", "", "I am\nAda", {"author": "Ada Ant"})
    assert list(claims.waiting()) == [made]
    assert claims.of_paper(known) == [] and claims.authors_of([known.id]) == {}
    assert not server.asked


def test_the_orcid_id_that_the_paper_gives_proves_it_without_asking_anybody(server: Loopback) -> None:
    known, one = a_known_paper(orcid=ADA), reader(1, orcid=ADA, name="Countess of Hill")
    made = claims.claim(one, known, 0, "", now=NOON)
    assert (made.state, made.proof) == ("confirmed", "orcid")
    assert claims.of_paper(known) == [made] and claims.authors_of([known.id, 77]) == {known.id: {one.pk}}
    assert not server.asked


def test_an_orcid_id_other_than_the_papers_proves_nothing(server: Loopback) -> None:
    known = a_known_paper(orcid=ADA)
    plays_works(server, "10.5555/bees.1", BO)
    made = claims.claim(ada(orcid=BO), known, 0, "", now=NOON)
    assert (made.state, made.evidence["author_orcid"]) == ("waiting", ADA)


def test_a_work_that_a_registry_put_into_the_orcid_record_proves_it(server: Loopback) -> None:
    plays_works(server, "10.5555/BEES.1")
    made = claims.claim(ada(orcid=ADA), a_known_paper(), 0, "", now=NOON)
    assert (made.state, made.proof, made.evidence["by"]) == ("confirmed", "orcid", "Registry")
    assert [asked.path for asked in server.asked] == [f"/{ADA}/works"]


def test_a_work_that_a_person_put_there_does_not(server: Loopback) -> None:
    plays_works(server, "10.5555/bees.1", by_person=True)
    made = claims.claim(ada(orcid=ADA), a_known_paper(), 0, "", now=NOON)
    assert (made.state, made.evidence["says"]) == ("waiting", "works, by themselves")


def test_a_co_author_does_not_get_anothers_place_by_their_works(server: Loopback) -> None:
    plays_works(server, "10.5555/bees.1")
    made = claims.claim(ada(orcid=ADA), a_known_paper(), 1, "", now=NOON)
    assert (made.state, made.evidence["says"]) == ("waiting", "works, other name")


@pytest.mark.parametrize("answer", [{"status": 503}, {"body": "<html>"}, {"status": 404}])
def test_where_orcid_does_not_answer_the_claim_waits(answer: dict[str, object], server: Loopback) -> None:
    server.answer(f"/{ADA}/works", **answer)  # type: ignore[arg-type]
    made = claims.claim(ada(orcid=ADA), a_known_paper(), 0, "", now=NOON)
    assert (made.state, made.evidence["says"]) == ("waiting", "no answer")


def test_an_address_at_the_papers_organisation_proves_it_with_the_name() -> None:
    known = a_known_paper()
    hive(known)
    made = claims.claim(at_hive(ada()), known, 0, "", now=NOON)
    assert (made.state, made.proof, made.evidence["domain"]) == ("confirmed", "email", "hive.example")
    assert claims.claim(at_hive(reader(2, name="Cy Cicada")), known, 1, "", now=NOON).state == "waiting"


def test_an_address_at_the_authors_affiliation_proves_it_with_the_name() -> None:
    hive()
    known = a_known_paper(affiliation="Dept. of Bees, Hive Lab, Hill Town")
    assert claims.claim(at_hive(ada()), known, 0, "", now=NOON).proof == "email"
    other = a_known_paper(2, affiliation="Beehive Laboratories")
    assert claims.claim(at_hive(ada(2)), other, 0, "", now=NOON).state == "waiting"


def test_an_address_that_is_not_verified_proves_nothing() -> None:
    known, one = a_known_paper(), at_hive(ada())
    hive(known)
    EmailAddress.objects.update(verified=False)
    assert claims.claim(one, known, 0, "", now=NOON).state == "waiting"


def test_nobody_brings_a_paper_to_their_organisation_to_claim_it() -> None:
    known, one = a_known_paper(), at_hive(ada())
    hive(known)
    Affiliation.objects.update(by=one)
    assert claims.claim(one, known, 0, "", now=NOON).state == "waiting"


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ("Ada Ant", "Ada Ant", True), ("Ada B. Ant", "A. Ant", True), ("ada ant", "Ant, Ada", True),
        ("Bo Ant", "Ada Ant", False), ("Ada Ant", "Ada Bee", False), ("Zoë Müller", "Z. Muller", True),
        ("Ada Ant Jr.", "Ada Ant", True), ("Plato", "Plato", True), ("Ant", "Ada Ant", False),
        ("Ada Аnt", "Ada Ant", False), ("", "", False), ("!!", "??", False), ("Ada Ant", "Ants Collaboration", False),
    ],
)  # fmt: skip
def test_names_are_compared_by_family_name_and_initial(ours: str, theirs: str, same: bool) -> None:
    assert is_name_of(ours, theirs) is same


@pytest.mark.parametrize("position", [-1, 2, 10**12])
def test_a_place_that_the_paper_has_not_is_refused(position: int) -> None:
    with pytest.raises(Refused, match="no such author"):
        claims.claim(ada(), a_known_paper(), position, "", now=NOON)


def test_what_cannot_be_claimed_is_refused() -> None:
    with pytest.raises(Refused, match="No authors"):
        claims.claim(ada(1), a_paper(2, authors=()), 0, "", now=NOON)
    with pytest.raises(Refused, match="Your account"):
        claims.claim(ada(2, state="suspended"), a_known_paper(), 0, "", now=NOON)
    with pytest.raises(Refused, match="1,000"):
        claims.claim(ada(3), a_known_paper(), 0, "x" * 1001, now=NOON)
    with pytest.raises(Refused, match="cannot be shown"):
        claims.claim(ada(4), a_known_paper(), 0, "\x07", now=NOON)
    Paper.objects.update(hidden=True)
    with pytest.raises(Refused, match="off the lists"):
        claims.claim(ada(5), Paper.objects.get(key="2611.00001"), 0, "", now=NOON)
    assert not Claim.objects.exists()


def test_a_paper_is_claimed_once_unless_there_is_a_better_proof_now(server: Loopback) -> None:
    known, one = a_known_paper(orcid=ADA), ada()
    made = claims.claim(one, known, 0, "", now=NOON)
    with pytest.raises(Refused, match="waits for a curator"):
        claims.claim(one, known, 1, "", now=NOON)
    one.orcid = ADA
    one.save()
    assert (claims.claim(one, known, 0, "", now=NOON), Claim.objects.get().state) == (made, "confirmed")
    with pytest.raises(Refused, match="yours already"):
        claims.claim(one, known, 0, "", now=NOON)


@pytest.mark.thorough
def test_a_reader_has_so_many_claims_waiting() -> None:
    one = ada()
    for number in range(claims.MOST_WAITING):
        claims.claim(one, a_paper(number), 0, "", now=NOON)
    with pytest.raises(Refused, match="20 of your claims"):
        claims.claim(one, a_paper(50), 0, "", now=NOON)


def test_a_stronger_proof_takes_the_place_of_a_weaker_one_and_both_are_told() -> None:
    known = a_known_paper(orcid=ADA)
    hive(known)
    first, second = at_hive(ada(1)), ada(2, orcid=ADA)
    weak = claims.claim(first, known, 0, "", now=NOON)
    strong = claims.claim(second, known, 0, "", now=NOON)

    weak.refresh_from_db()
    assert (weak.state, strong.state, strong.proof) == ("revoked", "confirmed", "orcid")
    assert claims.authors_of([known.id]) == {known.id: {second.pk}}
    act = Act.objects.get()
    assert (act.by, act.did, act.subject, act.affected) == (None, "revoke", f"claim:{weak.pk}", first)
    told = {note.reader: note.data["did"] for note in Notification.objects.filter(kind="claim")}
    assert told == {first: "revoke", second: "confirm"}
    with pytest.raises(Refused, match="was declined"):
        EmailAddress.objects.all().delete()
        claims.claim(first, known, 0, "", now=NOON)


def test_a_proof_as_good_is_contested_until_a_curator_decides() -> None:
    known = a_known_paper()
    hive(known)
    first, second, one = at_hive(ada(1)), at_hive(ada(2)), curator()
    held, made = (claims.claim(who, known, 0, "", now=NOON) for who in (first, second))
    held.refresh_from_db()
    assert (held.state, held.contested, made.state, made.contested) == ("confirmed", True, "waiting", True)
    assert list(claims.waiting()) == [held, made]

    claims.confirm(one, made, "Wrote to both", now=NOON)

    held.refresh_from_db()
    made.refresh_from_db()
    assert (held.state, held.contested) == ("revoked", False)
    assert (made.state, made.proof, made.contested) == ("confirmed", "curator", False)
    assert not claims.waiting()
    assert {act.did for act in Act.objects.all()} == {"revoke", "confirm"}


def test_declining_the_contesting_claim_leaves_the_first_alone() -> None:
    known = a_known_paper()
    hive(known)
    held, made = (claims.claim(at_hive(ada(number)), known, 0, "", now=NOON) for number in (1, 2))
    claims.decline(curator(), made, "The other one", now=NOON)
    held.refresh_from_db()
    assert (held.state, held.contested, list(claims.waiting())) == ("confirmed", False, [])


def test_a_weaker_proof_waits_and_contests_nothing() -> None:
    known = a_known_paper(orcid=ADA)
    hive(known)
    held = claims.claim(ada(1, orcid=ADA), known, 0, "", now=NOON)
    made = claims.claim(at_hive(ada(2)), known, 0, "", now=NOON)
    held.refresh_from_db()
    assert (held.state, held.contested, made.state, made.contested) == ("confirmed", False, "waiting", False)
    with pytest.raises(Refused, match="proved by ORCID"):
        claims.confirm(curator(), made, "I know her", now=NOON)
    claims.revoke(curator(), held, "Stolen account", now=NOON)
    claims.confirm(curator(), made, "I know her", now=NOON)
    assert claims.authors_of([known.id]) == {known.id: {made.reader_id}}


@pytest.mark.parametrize("order", list(permutations(["orcid", "curator", "email"])))
def test_whoever_comes_first_the_strongest_proof_has_the_place(order: tuple[str, ...]) -> None:
    known = a_known_paper(orcid=ADA)
    hive(known)
    readers = {"orcid": ada(1, orcid=ADA), "curator": reader(2, name="Ada of Hill"), "email": at_hive(ada(3))}
    for kind in order:
        made = claims.claim(readers[kind], known, 0, "", now=NOON)
        if kind == "curator":
            try:
                claims.confirm(curator(), made, "Seen", now=NOON)
            except Refused:
                assert "orcid" in order[: order.index("curator")]
    assert claims.authors_of([known.id]) == {known.id: {readers["orcid"].pk}}
    assert [claim.proof for claim in Claim.objects.filter(state="confirmed")] == ["orcid"]


def test_only_other_curators_decide_with_a_reason_and_once() -> None:
    made = claims.claim(ada(), a_known_paper(), 0, "", now=NOON)
    with pytest.raises(Refused, match="Only curators"):
        claims.confirm(reader(2), made, "yes", now=NOON)
    with pytest.raises(Refused, match="Please give a reason"):
        claims.decline(curator(), made, "", now=NOON)
    claims.decline(curator(), made, "Not you", now=NOON)
    for way in (claims.confirm, claims.decline, claims.revoke):
        with pytest.raises(Refused, match="decided on this claim already"):
            way(curator(), made, "again", now=NOON)
    assert (Act.objects.get().did, Notification.objects.get().data["reason"]) == ("decline", "Not you")
    own = claims.claim(curator(8), a_known_paper(2), 0, "", now=NOON)
    with pytest.raises(Refused, match="Another curator"):
        claims.confirm(curator(8), own, "me", now=NOON)
    owner = reader(7, role="owner")
    claims.confirm(owner, claims.claim(owner, a_known_paper(3), 0, "", now=NOON), "mine", now=NOON)


def test_a_declined_claim_is_not_repeated_without_a_proof_but_one_taken_back_is() -> None:
    known, one = a_known_paper(orcid=ADA), ada()
    made = claims.claim(one, known, 0, "", now=NOON)
    claims.take_back(one, made, now=NOON)
    again = claims.claim(one, known, 1, "", now=NOON)
    assert (again.pk, again.state, again.position) == (made.pk, "waiting", 1)
    claims.decline(curator(), again, "Who are you?", now=NOON)
    with pytest.raises(Refused, match=r"was declined \(Who are you\?\)"):
        claims.claim(one, known, 0, "", now=NOON)
    one.orcid = ADA
    one.save()
    assert claims.claim(one, known, 0, "", now=NOON).state == "confirmed"
    with pytest.raises(Refused, match="not yours"):
        claims.take_back(reader(2), again, now=NOON)


def test_an_author_s_own_vote_and_comment_weigh_nothing_and_weigh_again_when_the_claim_ends() -> None:
    known, one = a_known_paper(orcid=ADA), at_hive(ada(orcid=ADA))
    votes.cast(one, known, now=NOON)
    comments.write(one, known, "My bees.", now=NOON)
    before = Paper.objects.get()
    assert Vote.objects.get().weight == before.vote_weight > 0 and before.commenters > 0

    made = claims.claim(one, known, 0, "", now=NOON)

    paper = Paper.objects.get()
    assert (Vote.objects.get().weight, paper.vote_weight, paper.commenters, paper.votes) == (0, 0, 0, 1)
    claims.revoke(curator(), made, "Not hers", now=NOON)
    assert Paper.objects.get().vote_weight > 0 and Paper.objects.get().commenters > 0
    with pytest.raises(Refused, match="decided"):
        claims.take_back(one, made, now=NOON)


def test_authors_that_changed_meanwhile_are_chosen_anew() -> None:
    known = a_known_paper()
    Paper.objects.update(authors=[{"name": "Bo Bug"}, {"name": "Ada Ant"}])
    with pytest.raises(Refused, match="has just changed"):
        claims.claim(ada(), known, 0, "", now=NOON)


def test_two_authors_hold_their_own_places() -> None:
    known = a_known_paper(orcid=ADA)
    first = claims.claim(ada(1, orcid=ADA), known, 0, "", now=NOON)
    second = claims.claim(reader(2, name="Bo Bug"), known, 1, "", now=NOON)
    claims.confirm(curator(), second, "", now=NOON)
    assert [claim.pk for claim in claims.of_paper(known)] == [first.pk, second.pk]
