import hashlib
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from broadsheet.lib.http import Http, Response
from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Author, PaperData, Rejected, Version
from broadsheet.sources.arxiv_fields import is_withdrawn
from broadsheet.sources.arxiv_oai import ArxivOai, read_oai, set_of
from broadsheet.sources.batch import Batch, SourceError
from broadsheet.sources.tests.loopback import FakeTime, Loopback, fake_http, playing

SHARED = Path(os.environ.get("BROADSHEET_SHARED", Path(__file__).parents[5] / "shared")) / "data" / "fixtures"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded answers are not on this machine")

MOMENT = "2026-11-20T03:00:00Z"
ROOT = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
    "<responseDate>{moment}</responseDate><request>http://x.example</request>{body}</OAI-PMH>"
)


def record(
    number: int = 1, *, created: str = "2026-11-17", metadata: str | None = None, deleted: bool = False, more: str = ""
) -> str:
    name = f"2611.{number:05}"
    inner = metadata or (
        '<arXiv xmlns="http://arxiv.org/OAI/arXiv/">'
        f"<id>{name}</id><created>{created}</created><authors><author><keyname>Ant</keyname>"
        f"<forenames>Ada</forenames></author></authors><title>Bees {number}</title><categories>cs.AI</categories>{more}"
        "<abstract>On bees.</abstract></arXiv>"
    )
    status = ' status="deleted"' if deleted else ""
    header = f"<header{status}><identifier>oai:arXiv.org:{name}</identifier><datestamp>2026-11-18</datestamp></header>"
    return f"<record>{header}{'' if deleted else f'<metadata>{inner}</metadata>'}</record>"


def listed(*records: str, token: str | None = None, moment: str = MOMENT, size: str = "") -> str:
    end = "" if token is None else f"<resumptionToken{size}>{token}</resumptionToken>"
    return ROOT.format(moment=moment, body=f"<ListRecords>{''.join(records)}{end}</ListRecords>")


def refused(code: str) -> str:
    return ROOT.format(moment=MOMENT, body=f'<error code="{code}">no</error>')


def answered(body: str | bytes, **headers: str) -> Response:
    return Response(200, headers, body.encode() if isinstance(body, str) else body, "http://x.example/oai")


@pytest.fixture
def server() -> Iterator[Loopback]:
    with playing() as loopback:
        yield loopback


@pytest.fixture
def http(tmp_path: Path) -> Http:
    return fake_http(tmp_path, FakeTime(datetime(2026, 11, 20, 4, tzinfo=UTC)))


def source(server: Loopback, *categories: str) -> ArxivOai:
    return ArxivOai(categories or ("cs.AI",), base=f"{server.base}/oai")


def harvest(
    server: Loopback, http: Http, cursor: Mapping[str, str] | None = None, since: date | None = None
) -> list[Batch]:
    return list(source(server).fetch(http, cursor or {}, since, None))


def test_every_field_of_a_record_is_read() -> None:
    full = record(
        metadata="""<arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>2611.00001</id><created>2026-11-17</created>
        <updated>2026-11-18</updated><authors><author><keyname>Ant</keyname><forenames>Ada B.</forenames>
        <suffix>Jr.</suffix><affiliation>Hill</affiliation><affiliation>Heap</affiliation></author>
        <author><keyname>The Hive Collaboration</keyname></author><author><keyname>:</keyname></author></authors>
        <title>Bees
          and $x &lt; 1$</title><categories>cs.AI math.NA</categories><comments>3 pages</comments>
        <journal-ref>J. Bees 1 (2026)</journal-ref><doi>10.1000/AB.1, 10.1000/cd;10.48550/arXiv.2611.00001</doi>
        <license>http://licence.example/by</license><abstract>  On
        bees.
        </abstract></arXiv>"""
    )

    (paper,) = read_oai(answered(listed(full))).items

    assert paper == PaperData(
        source="arxiv-oai",
        title="Bees and $x < 1$",
        abstract="On bees.",
        identifiers=(
            Identifier("arxiv", "2611.00001"),
            Identifier("doi", "10.1000/ab.1"),
            Identifier("doi", "10.1000/cd"),
        ),
        authors=(Author("Ada B. Ant Jr.", "Hill; Heap"), Author("The Hive Collaboration")),
        categories=("cs.AI", "math.NA"),
        submitted=datetime(2026, 11, 17, 12, tzinfo=UTC),
        announced=date(2026, 11, 18),
        announced_by="estimate",
        datestamp=date(2026, 11, 18),
        comments="3 pages",
        journal_ref="J. Bees 1 (2026)",
        licence="http://licence.example/by",
        raw_hash=hashlib.sha256(full.encode()).hexdigest(),
    )


def test_the_raw_format_tells_the_versions() -> None:
    raw = """<arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>2611.00001</id><submitter>A</submitter>
        <version version="v2"><date>Wed, 18 Nov 2026 20:00:00 GMT</date><size>2kb</size></version>
        <version version="v1"><date>Mon, 16 Nov 2026 18:59:00 GMT</date><size>1kb</size></version>
        <title>Bees</title><authors>Ada Ant, Bo Bug, Jr. and Cy Crab (Hill)</authors><categories>cs.AI</categories>
        <comments>This paper has been withdrawn by the authors</comments><abstract>On bees.</abstract></arXivRaw>"""

    (paper,) = read_oai(answered(listed(record(metadata=raw)))).items

    assert isinstance(paper, PaperData)
    assert paper.versions == (
        Version(1, datetime(2026, 11, 16, 18, 59, tzinfo=UTC)),
        Version(2, datetime(2026, 11, 18, 20, tzinfo=UTC)),
    )
    assert (paper.version, paper.submitted) == (2, datetime(2026, 11, 16, 18, 59, tzinfo=UTC))
    assert paper.announced == date(2026, 11, 17)
    assert [author.name.split()[0] for author in paper.authors] == ["Ada", "Bo", "Cy"]
    assert paper.withdrawn


def test_dublin_core_is_read() -> None:
    core = """<oai_dc:dc xmlns:oai_dc="http://oai.example/" xmlns:dc="http://purl.org/dc/elements/1.1/">
        <dc:title>Bees</dc:title><dc:creator>Ant, Ada</dc:creator><dc:subject>Computer Science</dc:subject>
        <dc:description>On bees.</dc:description><dc:description>Comment: 3 pages</dc:description>
        <dc:date>2026-11-16</dc:date><dc:date>2026-11-18</dc:date><dc:identifier>http://arxiv.org/abs/2611.00001</dc:identifier>
        <dc:identifier>doi:10.1000/ab</dc:identifier><dc:identifier>J. Bees 1</dc:identifier></oai_dc:dc>"""
    with_sets = record(metadata=core).replace(
        "</header>", "<setSpec>cs</setSpec><setSpec>cs:cs:AI</setSpec><setSpec>physics:hep-th</setSpec></header>"
    )

    (paper,) = read_oai(answered(listed(with_sets))).items

    assert isinstance(paper, PaperData)
    assert (paper.title, paper.abstract, paper.comments) == ("Bees", "On bees.", "3 pages")
    assert paper.authors == (Author("Ada Ant"),)
    assert paper.categories == ("cs.AI", "hep-th")
    assert paper.identifiers == (Identifier("arxiv", "2611.00001"), Identifier("doi", "10.1000/ab"))
    assert (paper.journal_ref, paper.announced) == ("J. Bees 1", date(2026, 11, 17))


def test_a_deleted_record_is_a_withdrawn_paper() -> None:
    (paper,) = read_oai(answered(listed(record(7, deleted=True)))).items

    assert isinstance(paper, PaperData)
    assert (paper.title, paper.withdrawn, paper.datestamp) == ("", True, date(2026, 11, 18))
    assert paper.identifiers == (Identifier("arxiv", "2611.00007"),)


def test_a_paper_held_up_is_not_estimated_before_the_month_of_its_identifier() -> None:
    (paper,) = read_oai(answered(listed(record(created="2026-09-03")))).items

    assert isinstance(paper, PaperData)
    assert paper.announced == date(2026, 11, 2)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (record(2, created="9999-12-31"), "outside the years"),
        (record(2, created="2026-13-01"), "month"),
        (record(2, created="yesterday"), "not a date"),
        (record(2, created=""), "not a date"),
        (record(2).replace("<title>Bees 2</title>", ""), "no title"),
        (record(2).replace("<id>2611.00002</id>", "<id>2611.0002</id>"), "digits"),
        (record(2).replace("<id>2611.00002</id>", "<id>2611.00003</id>"), "header names"),
        (record(2).replace("arXiv:", "arXiv;").replace("2611.00002", "bees"), "not an arXiv identifier"),
        (record(2).replace("On bees", "On \x00 bees"), "well-formed"),
        (record(2).replace("On bees", "On &bees;"), "well-formed"),
        (record(2).replace("On bees", "On <b>bees"), "well-formed"),
        (record(2, metadata="<marc/>"), "format marc"),
        ("<record><metadata/></record>", "no header"),
    ],
)
def test_one_bad_record_is_set_aside_and_the_rest_goes_on(bad: str, reason: str) -> None:
    first, second, third = read_oai(answered(listed(record(1), bad, record(3)))).items

    assert isinstance(first, PaperData)
    assert isinstance(third, PaperData)
    assert isinstance(second, Rejected)
    assert reason in second.reason
    assert second.raw == bad.encode()


def test_a_record_that_is_not_utf8_is_set_aside() -> None:
    body = listed(record(1), record(2)).encode().replace(b"Bees 2", b"B\xe4es 2")

    first, second = read_oai(answered(body)).items

    assert isinstance(first, PaperData)
    assert isinstance(second, Rejected)
    assert b"\xe4" in second.raw
    assert second.subject == "oai:arXiv.org:2611.00002"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "empty answer"),
        (" \n", "empty answer"),
        ("<!DOCTYPE html><html><body>Busy</body></html>", "web page"),
        ("<html><head/></html>", "web page"),
        ("<rss><channel/></rss>", "something else"),
        ("plain words", "something else"),
        (listed(record(1), record(2))[:-200], "cut off"),
        (listed(record(1))[:-3], "cut off"),
        (listed(record(1)).replace("<responseDate>", "<responseDate>x"), "responseDate"),
        (ROOT.format(moment=MOMENT, body="<Identify/>"), "without a list"),
        ('<!DOCTYPE x [<!ENTITY a "b">]>' + listed(record(1)).partition("\n")[2], "damaged"),
        ("<other>" + listed(record(1)).partition("\n")[2] + "</other>", "other instead of"),
    ],
)
def test_an_answer_that_is_no_oai_is_refused_and_may_be_tried_again(body: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        read_oai(answered(body))

    assert not caught.value.permanent
    assert "http://x.example/oai" in str(caught.value)


def test_a_web_page_is_known_by_its_content_type() -> None:
    with pytest.raises(SourceError, match="web page"):
        read_oai(answered(listed(record(1)), **{"content-type": "text/html; charset=utf-8"}))


def test_pages_follow_each_other_by_token_alone(server: Loopback, http: Http) -> None:
    server.answer(
        "/oai?verb=ListRecords&metadataPrefix=arXiv&set=cs:cs:AI&from=2026-11-13",
        listed(record(1), token="a|1", size=' completeListSize="2"'),
    )
    server.answer(
        "/oai?verb=ListRecords&resumptionToken=a|1", listed(record(2), token="", moment="2026-11-20T03:05:00Z")
    )

    first, last = harvest(server, http)

    assert [len(batch.items) for batch in (first, last)] == [1, 1]
    assert (first.expected, last.expected) == (2, None)
    assert first.cursor["cs.AI:token"] == "a|1"
    assert first.cursor.get("cs.AI:watermark", "") == ""
    assert (last.cursor["cs.AI:token"], last.cursor["cs.AI:watermark"]) == ("", MOMENT)


def test_the_next_harvest_begins_a_day_before_the_last_and_has_no_end(server: Loopback, http: Http) -> None:
    server.answer("/oai", listed(record(1)))

    harvest(server, http, {"cs.AI:watermark": "2026-11-19T03:00:00Z", "other": "kept"})

    assert server.asked[0].query == {
        "verb": "ListRecords",
        "metadataPrefix": "arXiv",
        "set": "cs:cs:AI",
        "from": "2026-11-18",
    }


def test_a_repair_reads_a_week_again(server: Loopback, http: Http) -> None:
    server.answer("/oai", listed(record(1)))
    week = ArxivOai(("cs.AI",), base=f"{server.base}/oai", overlap=7)

    list(week.fetch(http, {"cs.AI:watermark": "2026-11-19T03:00:00Z"}))

    assert server.asked[0].query["from"] == "2026-11-12"


def test_a_killed_harvest_goes_on_with_its_token(server: Loopback, http: Http) -> None:
    server.answer(
        "/oai?verb=ListRecords&metadataPrefix=arXiv&set=cs:cs:AI&from=2026-11-13", listed(record(1), token="t")
    )
    server.answer("/oai?verb=ListRecords&resumptionToken=t", listed(record(2)))
    killed = next(source(server).fetch(http, {}))

    (rest,) = harvest(server, http, killed.cursor)

    assert [asked.query.get("resumptionToken") for asked in server.asked] == [None, "t"]
    assert rest.cursor["cs.AI:watermark"] == MOMENT


def test_a_token_that_expired_starts_the_slice_again(server: Loopback, http: Http) -> None:
    cursor = {
        "cs.AI:slice": "arXiv//",
        "cs.AI:from": "2026-11-02",
        "cs.AI:started": "2026-11-03T00:00:00Z",
        "cs.AI:token": "o",
    }
    server.answer("/oai?verb=ListRecords&resumptionToken=o", refused("badResumptionToken"))
    server.answer("/oai?verb=ListRecords&metadataPrefix=arXiv&set=cs:cs:AI&from=2026-11-02", listed(record(1)))

    (batch,) = harvest(server, http, cursor)

    assert len(batch.items) == 1
    assert batch.cursor["cs.AI:watermark"] == MOMENT


def test_tokens_that_are_always_refused_end_in_an_error(server: Loopback, http: Http) -> None:
    server.answer(
        "/oai?verb=ListRecords&metadataPrefix=arXiv&set=cs:cs:AI&from=2026-11-13", listed(record(1), token="t")
    )
    server.answer("/oai?verb=ListRecords&resumptionToken=t", refused("badResumptionToken"))

    with pytest.raises(SourceError, match="own resumption tokens"):
        harvest(server, http)


def test_a_token_that_leads_to_itself_ends_in_an_error(server: Loopback, http: Http) -> None:
    server.answer("/oai", listed(record(1), token="t"))

    with pytest.raises(SourceError, match="same page"):
        harvest(server, http)


def test_nothing_changed_is_a_normal_answer(server: Loopback, http: Http) -> None:
    server.answer("/oai", refused("noRecordsMatch"))

    (batch,) = harvest(server, http, {"cs.AI:watermark": "2026-11-19T03:00:00Z"})

    assert (batch.items, batch.cursor["cs.AI:watermark"]) == ((), MOMENT)


def test_other_errors_are_told(server: Loopback, http: Http) -> None:
    server.answer("/oai", refused("badArgument"))

    with pytest.raises(SourceError, match=r"badArgument") as caught:
        harvest(server, http)

    assert caught.value.permanent


def test_a_later_start_or_an_end_does_not_move_the_watermark(server: Loopback, http: Http) -> None:
    server.answer("/oai", listed(record(1)))
    before = {"cs.AI:watermark": "2026-11-10T03:00:00Z"}

    (gap,) = source(server).fetch(http, before, date(2026, 11, 15), None)
    (bounded,) = source(server).fetch(http, before, date(2026, 11, 1), date(2026, 11, 5))
    (back,) = source(server).fetch(http, before, date(2026, 11, 1), None)

    assert [b.cursor["cs.AI:watermark"][:10] for b in (gap, bounded, back)] == [
        "2026-11-10",
        "2026-11-10",
        "2026-11-20",
    ]
    assert server.asked[1].query["until"] == "2026-11-05"


def test_a_broken_page_is_asked_for_again(server: Loopback, http: Http) -> None:
    server.answer("/oai", listed(record(1))[:-40])
    server.answer("/oai", "")
    server.answer("/oai", listed(record(1)))

    (batch,) = harvest(server, http)

    assert len(batch.items) == 1


def test_a_page_that_stays_broken_is_an_error(server: Loopback, http: Http) -> None:
    server.answer("/oai", "<html>maintenance</html>", Content_Type="text/html")

    with pytest.raises(SourceError, match="web page"):
        harvest(server, http)

    assert len(server.asked) == 3


def test_it_waits_as_long_as_it_is_asked_to(tmp_path: Path, server: Loopback) -> None:
    clock = FakeTime()
    server.answer("/oai", "busy", status=503, Retry_After="30")
    server.answer("/oai", listed(record(1)))

    (batch,) = harvest(server, fake_http(tmp_path, clock))

    assert len(batch.items) == 1
    assert clock.slept == [30.0]


def test_each_category_keeps_its_own_place(server: Loopback, http: Http) -> None:
    server.answer("/oai", listed(record(1)))

    *_, last = source(server, "cs.AI", "hep-th").fetch(http, {})

    assert [asked.query["set"] for asked in server.asked] == ["cs:cs:AI", "physics:hep-th"]
    assert {key for key in last.cursor if key.endswith("watermark")} == {"cs.AI:watermark", "hep-th:watermark"}


@pytest.mark.parametrize(
    ("category", "name"),
    [
        ("cs.AI", "cs:cs:AI"), ("math.NA", "math:math:NA"), ("stat.ML", "stat:stat:ML"), ("hep-th", "physics:hep-th"),
        ("astro-ph.GA", "physics:astro-ph:GA"), ("physics.optics", "physics:physics:optics"),
        ("q-bio.NC", "q-bio:q-bio:NC"),
        ("math-ph", "physics:math-ph"), ("cond-mat.str-el", "physics:cond-mat:str-el"), ("cs", "cs:cs"),
    ],
)  # fmt: skip
def test_sets_are_named_after_group_archive_and_class(category: str, name: str) -> None:
    assert set_of(category) == name


@pytest.mark.parametrize("category", ["", "bees", "cs.", "cs:AI", "CS.AI", "cs.AI,cs.LG"])
def test_what_is_no_category_is_refused_by_name(category: str) -> None:
    with pytest.raises(SourceError, match="no category") as caught:
        set_of(category)

    assert caught.value.permanent


@pytest.mark.parametrize(
    "comments",
    [
        "This paper has been withdrawn", "Withdrawn", "withdrawn by the authors due to an error in Lemma 2",
        "5 pages. This submission is withdrawn because of a bug", "The article was withdrawn from arXiv",
        "This paper has been temporarily withdrawn", "The paper has been withdrawn, see 2001.00001",
    ],
)  # fmt: skip
def test_comments_that_take_a_paper_back(comments: str) -> None:
    assert is_withdrawn(comments, "")
    assert is_withdrawn("", comments) or not comments.lower().startswith(("this", "with", "the"))


@pytest.mark.parametrize("comments", ["Withdrawn from the workshop", "12 pages", "on withdrawn drugs", ""])
def test_comments_that_do_not(comments: str) -> None:
    assert not is_withdrawn(comments, "The drug was withdrawn. We study withdrawn funds.")


def as_read_by_eye(path: Path) -> dict[str, object]:
    """Read the record once more, by other means: the standard parser, names without their name spaces."""
    root = ElementTree.fromstring(path.read_bytes())
    found = {element.tag.split("}")[-1]: " ".join((element.text or "").split()) for element in root.iter()}
    authors = [
        {part.tag.split("}")[-1]: part.text for part in reversed(author)}
        for author in root.iter()
        if author.tag.split("}")[-1] == "author"
    ]
    return {**found, "authors": authors}


@needs_shared
@pytest.mark.parametrize("number", range(11))
def test_recorded_records_are_read_in_every_field(number: int) -> None:
    path = SHARED / "arxiv_oai" / f"sample_arxiv_record{number}.xml"
    seen = as_read_by_eye(path)

    (paper,) = read_oai(answered(path.read_bytes())).items

    assert isinstance(paper, PaperData)
    assert paper.identifiers[0] == Identifier("arxiv", str(seen["id"]))
    assert len(paper.identifiers) == 1 + str(seen.get("doi", "")).count("10.")
    assert (paper.title, paper.abstract) == (seen["title"], seen["abstract"])
    assert " ".join(paper.categories) == seen["categories"]
    assert paper.comments == seen.get("comments", "")
    assert paper.journal_ref == seen.get("journal-ref", "")
    assert paper.licence == seen.get("license", "")
    assert str(paper.datestamp) == seen["datestamp"]
    assert paper.submitted is not None and str(paper.submitted.date()) == seen["created"]
    names = [
        " ".join(filter(None, (author.get("forenames"), author.get("keyname"), author.get("suffix"))))
        for author in seen["authors"]  # type: ignore[attr-defined]
    ]
    assert [author.name for author in paper.authors] == [name for name in names if name != ":"]
    assert not paper.withdrawn
    assert paper.announced is not None and 1 <= (paper.announced - paper.submitted.date()).days <= 5


@needs_shared
@pytest.mark.parametrize("folder", ["arxiv_oai", "arxiv_oai_dc"])
def test_recorded_lists_are_read_without_a_rejection(folder: str) -> None:
    for path in sorted((SHARED / folder).glob("*.xml")):
        page = read_oai(answered(path.read_bytes()))
        assert page.items
        assert not [item for item in page.items if isinstance(item, Rejected)]
        assert all(isinstance(item, PaperData) and item.title and item.authors for item in page.items)
        assert len(page.items) == path.read_bytes().count(b"<record>")


@needs_shared
def test_the_recorded_dublin_core_has_token_and_size() -> None:
    pages = [read_oai(answered(path.read_bytes())) for path in sorted((SHARED / "arxiv_oai_dc").glob("*.xml"))]

    assert ("6960524|1001", 1162) in [(page.token, page.size) for page in pages]
