import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck
from hypothesis import given as whatever
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from broadsheet.community import placing, submissions
from broadsheet.community.models import Act, Submission
from broadsheet.community.resolve import LONGEST_GIVEN, names
from broadsheet.community.tests.factory import NOON, a_paper, reader
from broadsheet.lib.http import Http, HttpError
from broadsheet.lib.tests.loopback import FakeTime, Loopback, fake_http, playing
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper, Quarantined
from broadsheet.papers.tests.factory import paper
from broadsheet.readers.models import Notification, Reader
from broadsheet.readers.refused import Refused
from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Author

pytestmark = pytest.mark.django_db
# Friday at seven in the morning in New York: today's edition is Friday's.
TODAY = date(2026, 11, 20)
ENTRY = "@article{bees, title={Bees of the {N}orth}, author={Ant, Ada and Bug, Bo}, year={2026}, abstract={We count.}}"
ATOM = (
    '<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns="http://www.w3.org/2005/Atom">'
    "<id>https://arxiv.org/api/x</id><title>arXiv Query</title>"
    "<opensearch:totalResults>{total}</opensearch:totalResults>{entries}</feed>"
)
BEES = (
    "<entry><id>http://arxiv.org/abs/2611.09999v1</id><title>Bees on air</title><updated>2026-11-16T12:00:00Z</updated>"
    "<summary>On bees.</summary><published>{published}</published><author><name>Ada Ant</name></author></entry>"
)
CITATION = {"type": "article", "title": "Bees in print", "DOI": "10.5555/bees", "author": [{"literal": "Ada Ant"}]}


@pytest.fixture(autouse=True)
def server(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """arXiv and the resolver of DOIs, played on loopback; no test reaches further."""
    with playing() as loopback:
        door = fake_http(tmp_path / "limits", FakeTime())
        monkeypatch.setattr("broadsheet.community.resolve.site_http", lambda: door)
        addresses = {"arxiv_api_url": f"{loopback.base}/api/query", "doi_url": loopback.base}
        settings.CONFIG = replace(settings.CONFIG, home=tmp_path, values={**settings.CONFIG.values, **addresses})
        yield loopback


def setting(settings: Settings, **values: object) -> None:
    settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, **values})


def plays_arxiv(server: Loopback, published: str = "2026-11-16T12:00:00Z") -> None:
    server.answer("/api/query", ATOM.format(total=1, entries=BEES.format(published=published)))


def curator(number: int = 9) -> Reader:
    return reader(number, role="curator")


@pytest.mark.parametrize(
    "given",
    [
        "2611.00001", " arXiv:2611.00001v3 ", "https://arxiv.org/abs/2611.00001", "https://arxiv.org/pdf/2611.00001v2",
        "https://huggingface.co/papers/2611.00001", "10.48550/arXiv.2611.00001",
        "https://doi.org/10.48550/arXiv.2611.00001", "@misc{x, title={Whatever}, eprint={2611.00001}}",
        "https://openreview.net/forum?id=Abcdefgh12", "10.5555/wet", "https://conference.example/wet",
        "@misc{x, title={{On} two suns, Part 1}, author={Ada Example1}, abstract={We study two suns for the 1th time "
        "and find 919 of it worth telling.}}",
    ],
)  # fmt: skip
def test_a_paper_of_the_record_is_found_without_asking_anybody(given: str, server: Loopback) -> None:
    names = ("arxiv:2611.00001", "openreview:Abcdefgh12", "doi:10.5555/wet", "url:https://conference.example/wet")
    known = a_paper(1, identifiers=tuple(Identifier(*name.split(":", 1)) for name in names))

    found = submissions.resolve(given, now=NOON)

    assert (found.paper, found.data.title, found.waiting, found.too_old) == (known, known.title, None, "")
    assert not server.asked


def test_an_address_of_this_site_names_its_paper(settings: Settings) -> None:
    known = a_paper(1)
    setting(settings, public_url="https://papers.lab.example")
    assert submissions.resolve("https://papers.lab.example/papers/2611.00001", now=NOON).paper == known


def test_an_arxiv_id_is_looked_up_at_arxiv(server: Loopback) -> None:
    plays_arxiv(server)
    found = submissions.resolve("https://arxiv.org/abs/2611.09999", now=NOON)
    assert (found.paper, found.data.title, found.data.source) == (None, "Bees on air", "arxiv-api")
    assert server.asked[0].query["id_list"] == "2611.09999"


def test_a_doi_is_looked_up_at_its_registry(server: Loopback) -> None:
    server.answer("/10.5555/bees", json.dumps(CITATION))
    found = submissions.resolve("https://doi.org/10.5555/BEES", now=NOON)
    assert (found.data.title, found.data.source, found.data.identifiers) == (
        "Bees in print",
        "doi",
        (Identifier("doi", "10.5555/bees"),),
    )


def test_a_doi_whose_description_names_a_paper_of_the_record_is_that_paper(server: Loopback) -> None:
    known = a_paper(1)
    server.answer("/10.5555/bees", json.dumps({**CITATION, "title": known.title, "note": "arXiv:2611.00001"}))
    assert submissions.resolve("10.5555/bees", now=NOON).paper == known


def test_a_pasted_entry_is_read_without_asking_anybody(server: Loopback) -> None:
    found = submissions.resolve(ENTRY, now=NOON)
    assert found.data.title == "Bees of the North"
    assert found.data.authors == (Author("Ada Ant"), Author("Bo Bug"))
    assert not server.asked


def test_what_the_registry_says_counts_more_than_what_was_pasted(server: Loopback) -> None:
    server.answer("/10.5555/bees", json.dumps(CITATION))
    found = submissions.resolve("@article{x, title={Forged}, doi={10.5555/bees}}", now=NOON)
    assert (found.data.title, found.data.source) == ("Bees in print", "doi")


def test_a_pasted_entry_stands_for_itself_where_the_registry_does_not_answer(server: Loopback) -> None:
    server.answer("/10.5555/bees", status=503)
    found = submissions.resolve("@article{x, title={Bees in print}, doi={10.5555/bees}}", now=NOON)
    assert (found.data.title, found.data.source) == ("Bees in print", "bibtex")


def test_an_entry_that_names_a_paper_that_does_not_exist_is_refused(server: Loopback) -> None:
    server.answer("/api/query", ATOM.format(total=0, entries=""))
    with pytest.raises(Refused, match="no such paper"):
        submissions.resolve("@misc{x, title={Squatting}, eprint={2611.09998}}", now=NOON)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "Please give"),
        ("   \n ", "Please give"),
        ("bees", "names no paper"),
        ("1501.0026699999999", "names no paper"),
        ("https://journal.example/bees.html", "other addresses are not opened"),
        ("http://127.0.0.1/admin", "other addresses are not opened"),
        ("http://[::1", "names no paper"),
        ("file:///etc/passwd", "names no paper"),
        ("https://openreview.net/forum?id=Abcdefgh99", "names no paper"),
        ("10.5555/../admin", "no answer that can be read"),
        ("10.5555/" + "x" * 3000, "no paper"),
        (ENTRY + "\n" + ENTRY.replace("bees,", "ants,"), "there are 2"),
        ("@article{x, title={open", "cannot be read"),
        ("@article{x, year={2026}}", "without a title"),
        ("@comment{nothing}", "there are 0"),
        ("@article{x, title={%s}}" % ("long " * 300), "too long"),
        ("x" * 1_000_000, "1,000,000 characters"),
        ("2611.00001\0", "cannot be shown"),
        ("\ud800", "cannot be shown"),
        ("@article{x, title={evil \u202e title}}", "cannot be shown"),
    ],
)  # fmt: skip
def test_what_names_no_paper_is_refused_with_a_sentence(given: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        submissions.resolve(given, now=NOON)


@whatever(
    st.one_of(st.text(max_size=80), st.text(max_size=60).map(lambda text: f"@misc{{x, title={{{text}}}, {text}}}"))
)
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_typed_gives_more_than_a_refusal(given: str) -> None:
    try:
        assert submissions.resolve(given, now=NOON).data.title
    except Refused as refused:
        assert str(refused)


@pytest.mark.parametrize(("given", "target"), [("2611.09999", "/api/query"), ("10.5555/bees", "/10.5555/bees")])
@pytest.mark.parametrize("answer", [{"status": 503}, {"body": "<html>"}, {"body": "x", "cut": True}, {"status": 403}])
def test_a_source_that_does_not_answer_is_a_sentence(
    given: str, target: str, answer: dict[str, Any], server: Loopback
) -> None:
    server.answer(target, **answer)
    with pytest.raises(Refused, match="try again later, or paste"):
        submissions.resolve(given, now=NOON)


def test_without_a_network_the_reader_is_told_what_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def nowhere(host: str, port: int) -> list[str]:
        raise OSError("no network")

    door = Http("operator@example.org", {}, tmp_path, resolve=nowhere, sleep=lambda seconds: None)
    monkeypatch.setattr("broadsheet.community.resolve.site_http", lambda: door)
    with pytest.raises(HttpError):
        replace(door, tries=1).get("https://doi.org/10.5555/bees")
    with pytest.raises(Refused, match="paste the paper’s BibTeX"):
        submissions.resolve("10.5555/bees", now=NOON)


def test_a_paper_that_does_not_exist_is_said_not_to(server: Loopback) -> None:
    server.answer("/api/query", ATOM.format(total=0, entries=""))
    for given in ("2611.09998", "10.5555/nothing"):
        with pytest.raises(Refused, match="There is no paper"):
            submissions.resolve(given, now=NOON)


def test_names_of_two_papers_are_refused() -> None:
    a_paper(1), a_paper(2, identifiers=(Identifier("doi", "10.5555/two"),))
    with pytest.raises(Refused, match="several papers"):
        submissions.resolve("@misc{x, title={Both}, eprint={2611.00001}, doi={10.5555/two}}", now=NOON)


def test_a_paper_older_than_the_site_wants_is_refused_but_not_to_curators(settings: Settings, server: Loopback) -> None:
    plays_arxiv(server, published="2024-03-01T12:00:00Z")
    setting(settings, submission_days=30)
    with pytest.raises(Refused, match="of 2024-03-01; papers brought in here are at most 30 days old"):
        submissions.submit(reader(1), "2611.09999", "", now=NOON)
    assert submissions.submit(curator(), "2611.09999", "", now=NOON).state == "waiting"


def test_a_submission_waits_and_is_accepted_into_todays_edition(server: Loopback) -> None:
    plays_arxiv(server)
    by, one = reader(1), curator()
    submission = submissions.submit(by, "2611.09999", "For\r\nbees", now=NOON)
    assert (submission.state, submission.name, submission.note) == ("waiting", "arxiv:2611.09999", "For\nbees")
    assert list(submissions.waiting()) == [submission]
    assert not Paper.objects.exists()

    found = submissions.accept(one, submission, None, "Fits our field", now=NOON)

    row = Submission.objects.get()
    assert (row.state, row.decided_by, row.paper, row.day) == ("accepted", one, found, TODAY)
    assert (found.key, Paper.objects.get().placed) == ("2611.09999", TODAY)
    assert not submissions.waiting()
    act, note = Act.objects.get(), Notification.objects.get()
    assert (act.did, act.subject, act.by, act.affected) == ("accept", f"submission:{row.pk}", one, by)
    assert (note.reader, note.kind, note.data["did"], note.url) == (by, "submission", "accept", "/papers/2611.09999")


def test_a_pasted_entry_gets_a_name_of_our_own_and_its_place() -> None:
    submission = submissions.submit(reader(1), ENTRY, "", now=NOON)
    assert submission.name.startswith("title:")
    found = submissions.accept(curator(), submission, None, "", now=NOON)
    assert (found.title, found.source, found.announced, found.placed) == ("Bees of the North", "bibtex", None, TODAY)


def test_arxivs_own_record_replaces_what_was_pasted(server: Loopback) -> None:
    server.answer("/api/query", status=503)
    pasted = submissions.submit(reader(1), "@misc{x, title={Forged}, eprint={2611.00001}}", "", now=NOON)
    found = submissions.accept(curator(), pasted, None, "", now=NOON)
    ingest([paper(1)], now=NOON)
    assert Paper.objects.get(id=found.id).title == paper(1).title


def test_a_known_paper_asks_only_for_a_place() -> None:
    known = a_paper(1, announced=date(2026, 11, 18))
    submission = submissions.submit(reader(1), "2611.00001", "", now=NOON)
    assert (submission.paper, submission.data, submissions.read(submission)) == (known, {}, None)
    assert submissions.accept(curator(), submission, None, "", now=NOON).placed == TODAY
    assert Paper.objects.count() == 1


def test_what_came_by_another_way_meanwhile_is_not_taken_in_twice_nor_changed() -> None:
    submission = submissions.submit(
        reader(1),
        f"@misc{{x, title={{On two suns, part 1}}, author={{Example1, Ada}}, abstract={{{paper(1).abstract}}}}}",
        "",
        now=NOON,
    )
    known = a_paper(1)
    assert submissions.accept(curator(), submission, None, "", now=NOON) == known
    again = Paper.objects.get()
    assert (again.source, again.abstract, again.placed) == (known.source, known.abstract, TODAY)


def test_one_paper_waits_once() -> None:
    submissions.submit(reader(1), ENTRY, "", now=NOON)
    with pytest.raises(Refused, match="“Bees of the North” waits for a curator already"):
        submissions.submit(reader(2), ENTRY.replace("bees,", "other,"), "", now=NOON)
    assert submissions.resolve(ENTRY, now=NOON).waiting == Submission.objects.get()


def test_what_two_readers_bring_at_once_waits_once(monkeypatch: pytest.MonkeyPatch) -> None:
    submissions.submit(reader(1), ENTRY, "", now=NOON)
    monkeypatch.setattr("broadsheet.community.submissions._must_be_wanted", lambda *told: None)
    with pytest.raises(Refused, match="waits for a curator already"):
        submissions.submit(reader(2), ENTRY, "", now=NOON)
    assert Submission.objects.count() == 1


def test_a_paper_of_todays_edition_or_with_a_place_is_refused() -> None:
    a_paper(1, announced=TODAY)
    with pytest.raises(Refused, match="in the edition of 2026-11-20 already"):
        submissions.submit(reader(1), "2611.00001", "", now=NOON)
    old = a_paper(2, announced=date(2026, 11, 2))
    Paper.objects.filter(id=old.id).update(placed=date(2026, 11, 4))
    with pytest.raises(Refused, match="had its place in the edition of 2026-11-04"):
        submissions.submit(reader(2), "2611.00002", "", now=NOON)


@pytest.mark.parametrize(("field", "says"), [("hidden", "A moderator"), ("withdrawn", "took it back")])
def test_a_paper_off_the_lists_is_refused_openly(field: str, says: str) -> None:
    known = a_paper(1)
    Paper.objects.filter(id=known.id).update(**{field: True})
    with pytest.raises(Refused, match=says):
        submissions.submit(reader(1), "2611.00001", "", now=NOON)


def test_a_reader_brings_in_so_many_a_day_and_a_curator_any(settings: Settings) -> None:
    setting(settings, submissions_per_day=2)
    one, other = reader(1), curator()
    for number, by in enumerate((one, one, other, other, other)):
        a_paper(number)
        submissions.submit(by, f"2611.{number:05}", "", now=NOON)
    a_paper(8)
    with pytest.raises(Refused, match="2 papers within a day"):
        submissions.submit(one, "2611.00008", "", now=NOON + timedelta(hours=23))
    assert (submissions.left(one, NOON), submissions.left(other, NOON)) == (0, None)
    assert submissions.submit(one, "2611.00008", "", now=NOON + timedelta(hours=25)).state == "waiting"


def test_only_active_readers_submit_and_only_curators_decide() -> None:
    a_paper(1)
    with pytest.raises(Refused, match="Your account"):
        submissions.submit(reader(1, state="suspended"), "2611.00001", "", now=NOON)
    submission = submissions.submit(reader(2), "2611.00001", "", now=NOON)
    for nobody in (reader(3), reader(4, role="curator", state="suspended")):
        with pytest.raises(Refused, match="Only curators"):
            submissions.accept(nobody, submission, None, "", now=NOON)
        with pytest.raises(Refused, match="Only curators"):
            submissions.decline(nobody, submission, "no", now=NOON)
    with pytest.raises(Refused, match="Only those who brought"):
        submissions.take_back(reader(5), submission, now=NOON)
    assert Submission.objects.get().state == "waiting"


def test_declining_needs_a_reason_tells_the_reader_and_is_not_asked_again_at_once() -> None:
    a_paper(1)
    by, one = reader(1), curator()
    submission = submissions.submit(by, "2611.00001", "", now=NOON)
    with pytest.raises(Refused, match="Please give a reason"):
        submissions.decline(one, submission, "  ", now=NOON)
    submissions.decline(one, submission, "Off topic", now=NOON)
    assert (Submission.objects.get().state, Submission.objects.get().reason) == ("declined", "Off topic")
    assert Act.objects.get().did == "decline"
    assert Notification.objects.get().data["reason"] == "Off topic"
    with pytest.raises(Refused, match="declined this paper not long ago: Off topic"):
        submissions.submit(reader(2), "2611.00001", "", now=NOON + timedelta(days=1))
    assert submissions.submit(reader(3), "2611.00001", "", now=NOON + timedelta(days=31)).state == "waiting"


def test_what_was_taken_back_may_be_brought_again() -> None:
    a_paper(1)
    by = reader(1)
    submission = submissions.submit(by, "2611.00001", "", now=NOON)
    submissions.take_back(by, submission, now=NOON)
    with pytest.raises(Refused, match="has taken this submission back"):
        submissions.accept(curator(), submission, None, "", now=NOON)
    assert submissions.submit(by, "2611.00001", "", now=NOON).state == "waiting"


def test_the_second_of_two_curators_is_told_who_was_first() -> None:
    a_paper(1)
    submission = submissions.submit(reader(1), "2611.00001", "", now=NOON)
    late = Submission.objects.get()
    submissions.accept(curator(8), submission, None, "", now=NOON)
    with pytest.raises(Refused, match="reader-8 has accepted"):
        submissions.decline(curator(9), late, "no", now=NOON)
    assert (Submission.objects.get().state, Act.objects.count()) == ("accepted", 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="threads do not share the in-memory database")
def test_of_curators_at_once_one_wins() -> None:
    submission = submissions.submit(reader(1), ENTRY, "", now=NOON)
    curators, gate = [curator(number) for number in range(10, 14)], Barrier(4)
    ended: list[Paper | str] = []

    def decide(by: Reader) -> None:
        gate.wait()
        try:
            ended.append(submissions.accept(by, Submission.objects.get(pk=submission.pk), None, "", now=NOON))
        except Refused as refused:
            ended.append(str(refused))
        connection.close()

    threads = [Thread(target=decide, args=[by]) for by in curators]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(isinstance(end, Paper) for end in ended) == [False, False, False, True]
    assert (Paper.objects.count(), Act.objects.count(), Notification.objects.count()) == (1, 1, 1)


def test_a_kill_on_the_way_leaves_it_waiting_and_doing_it_again_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    submission, one = submissions.submit(reader(1), ENTRY, "", now=NOON), curator()
    for place in ("ingest_batch", "placing.put", "_tell"):
        with monkeypatch.context() as patch:

            def killed(*told: object, **more: object) -> None:
                raise KeyboardInterrupt

            patch.setattr(f"broadsheet.community.submissions.{place}", killed)
            with pytest.raises(KeyboardInterrupt):
                submissions.accept(one, submission, None, "", now=NOON)
        submission = Submission.objects.get()
        assert (submission.state, Paper.objects.count(), Act.objects.count()) == ("waiting", 0, 0)
    assert submissions.accept(one, submission, None, "", now=NOON).placed == TODAY


def test_a_paper_that_contradicts_the_record_is_not_accepted(server: Loopback) -> None:
    """Between submitting and accepting, the record learned that the DOI is that of another paper."""
    server.answer("/10.5555/bees", json.dumps({**CITATION, "note": "arXiv:2611.00009"}))
    submission = submissions.submit(reader(1), "10.5555/bees", "", now=NOON)
    a_paper(1, identifiers=(Identifier("doi", "10.5555/bees"),))
    a_paper(9)
    with pytest.raises(Refused, match="several papers"):
        submissions.accept(curator(), submission, None, "", now=NOON)
    assert (Submission.objects.get().state, Quarantined.objects.count()) == ("waiting", 0)
    submissions.decline(curator(8), submission, "Two papers in one", now=NOON)


@pytest.mark.parametrize(
    ("day", "says"),
    [
        (date(2026, 11, 18), "2026-11-18 is over"),
        (date(1, 1, 1), "is over"),
        (date(9999, 12, 31), "too far ahead"),
        (date(2026, 11, 22), "no edition on 2026-11-22"),
    ],
)
def test_a_day_that_is_over_or_none_is_refused(day: date, says: str) -> None:
    a_paper(1, announced=date(2026, 11, 16))
    submission = submissions.submit(reader(1), "2611.00001", "", now=NOON)
    with pytest.raises(Refused, match=says):
        submissions.accept(curator(), submission, day, "", now=NOON)
    assert Submission.objects.get().state == "waiting"


def test_on_a_weekend_todays_edition_is_the_next_one() -> None:
    saturday = datetime(2026, 11, 21, 20, tzinfo=UTC)
    assert placing.open_day(None, saturday) == date(2026, 11, 23)
    assert placing.open_day(None, NOON) == TODAY
    # At nine in the evening in New York tomorrow's papers are out.
    assert placing.open_day(None, datetime(2026, 11, 18, 2, tzinfo=UTC)) == date(2026, 11, 18)


def test_a_curator_places_and_takes_out_with_a_line_in_the_log() -> None:
    known, one = a_paper(1, announced=date(2026, 11, 16)), curator()
    assert submissions.place(one, known, None, "Worth it", now=NOON).placed == TODAY
    assert submissions.unplace(one, known, "A mistake", now=NOON).placed is None
    assert Paper.objects.get().placed is None
    assert [(act.did, act.subject) for act in Act.objects.order_by("id")] == [
        ("place", "paper:2611.00001"),
        ("unplace", "paper:2611.00001"),
    ]
    with pytest.raises(Refused, match="Nobody placed"):
        submissions.unplace(one, known, "Again", now=NOON)
    with pytest.raises(Refused, match="by its own announcement"):
        submissions.place(one, a_paper(2, announced=TODAY), TODAY, "Twice", now=NOON)
    with pytest.raises(Refused, match="Only curators"):
        submissions.place(reader(2), known, None, "Mine", now=NOON)


def test_a_place_in_an_edition_that_is_over_stays() -> None:
    known, one = a_paper(1, announced=date(2026, 11, 2)), curator()
    Paper.objects.filter(id=known.id).update(placed=date(2026, 11, 4))
    with pytest.raises(Refused, match="had its place in the edition of 2026-11-04"):
        submissions.place(one, known, None, "Once more", now=NOON)
    with pytest.raises(Refused, match="is over"):
        submissions.unplace(one, known, "Away", now=NOON)


def test_a_paper_waits_under_its_best_known_name() -> None:
    told = [Identifier("url", "https://a.example"), Identifier("doi", "10.5555/x"), Identifier("arxiv", "2611.00001")]
    assert names(paper(1, identifiers=tuple(told)))[0] == "arxiv:2611.00001"
    assert names(paper(1, identifiers=(Identifier("doi", "10.5555/" + "x" * 600),)))[0].startswith("title:")


def test_a_note_is_bounded() -> None:
    a_paper(1)
    with pytest.raises(Refused, match="at most 1,000"):
        submissions.submit(reader(1), "2611.00001", "x" * 1001, now=NOON)
    assert LONGEST_GIVEN < 100_000
