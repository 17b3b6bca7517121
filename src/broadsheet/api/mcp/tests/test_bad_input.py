import json
from dataclasses import replace
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client as Browser
from django.test import override_settings
from mcp import Client
from mcp_types import CallToolResult
from pytest_django import Settings

from broadsheet.api.mcp import views
from broadsheet.api.mcp.tests.agents import Agent, post, sentence_of
from broadsheet.editions import lists
from broadsheet.papers import queries

CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "edition", "arguments": {}}}
NONSENSE: list[tuple[str, dict[str, Any], str]] = [
    ("search_papers", {}, "query: field required"),
    ("search_papers", {"query": ["bees"]}, "query: input should be a valid string"),
    ("search_papers", {"query": ""}, "query: string should have at least 1 character"),
    ("search_papers", {"query": " \0\n "}, "A few words"),
    ("search_papers", {"query": "x" * 1001}, "at most 1000 characters"),
    ("search_papers", {"query": "bees", "limit": 10**30}, "limit: "),
    ("search_papers", {"query": "bees", "limit": 0}, "greater than or equal to 1"),
    ("search_papers", {"query": "bees", "limit": "many"}, "limit: input should be a valid integer"),
    ("search_papers", {"query": "bees", "skip": -1}, "skip: "),
    ("search_papers", {"query": "bees", "skip": 1_000_000}, "skip: "),
    ("search_papers", {"query": "bees", "mode": "magic"}, "'page', 'hybrid', 'lexical' or 'semantic'"),
    ("search_papers", {"query": "bees", "since": "yesterday"}, "write it like 2024-05-27"),
    ("search_papers", {"query": "bees", "until": "9999-99-99"}, "write it like 2024-05-27"),
    ("search_papers", {"query": "bees", "since": "1066-10-14"}, "no editions in the year 1066"),
    ("search_papers", {"query": "bees", "category": "cs.CL\0"}, "cs.CL"),
    ("search_papers", {"query": "bees", "category": "a,b,c,d,e,f,g,h,i"}, "no category"),
    ("search_papers", {"query": "bees", "has_code": "perhaps"}, "has_code: "),
    ("read_paper", {"id": "2611.99999"}, "No paper here is called “2611.99999”. search_papers finds"),
    ("read_paper", {"id": "2611.00001\0"}, "No paper here"),
    ("read_paper", {"id": "../../etc/passwd"}, "No paper here"),
    ("read_paper", {"id": 26}, "id: input should be a valid string"),
    ("read_paper", {"id": "x" * 501}, "at most 500"),
    ("similar_papers", {"id": "2611.99999"}, "No paper here"),
    ("edition", {"key": "tomorrow"}, "Editions are called latest, a day (2024-05-27)"),
    ("edition", {"key": "2026-02-30"}, "Editions are called"),
    ("edition", {"key": "2026-W77"}, "Editions are called"),
    ("edition", {"key": "9999-01"}, "Editions are called"),
    ("edition", {"key": None}, "key: input should be a valid string"),
    ("edition", {"key": "2026-11-18\0"}, "Editions are called"),
    ("list_papers", {"key": "library"}, "There is no such list"),
    ("list_papers", {"key": "author/nobody at all"}, "No author of that name"),
    ("list_papers", {"key": "category/\0"}, "There is no such list"),
    ("list_papers", {"key": "edition/2026-13-01"}, "write it like"),
    ("list_papers", {"key": "x" * 301}, "at most 300"),
    ("trending", {"limit": 51}, "less than or equal to 50"),
    ("vote", {"id": "2611.00001", "on": "maybe"}, "on: input should be a valid boolean"),
    ("no_such_tool", {}, "There is no tool called 'no_such_tool'"),
]
HEADERS = {"accept": "application/json, text/event-stream"}


def sent(body: object, method: str = "POST", **headers: str) -> HttpResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return post(method, data, HEADERS | headers)


@pytest.mark.thorough
def test_what_makes_no_sense_gets_a_sentence(agent: Agent) -> None:
    async def all_of_it(client: Client) -> list[CallToolResult]:
        return [await client.call_tool(tool, arguments) for tool, arguments, _says in NONSENSE]

    for answer, (tool, arguments, says) in zip(agent.does(all_of_it), NONSENSE, strict=True):
        assert says in sentence_of(answer), (tool, arguments)


@pytest.mark.thorough
@pytest.mark.parametrize("transport", ["stdio", "http"])
@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("paper://2611.99999", "search_papers finds"),
        ("paper://..%2F..%2Fetc", "Unknown resource"),
        ("paper://%00", "Unknown resource"),
        ("edition://tomorrow", "Editions are called"),
        ("file:///etc/passwd", "Unknown resource"),
    ],
)
def test_a_resource_that_is_not_there_is_refused(transport: str, uri: str, says: str, papers: int) -> None:
    refusal = Agent(transport).is_refused(lambda client: client.read_resource(uri))

    assert (refusal.code, says in refusal.message) == (-32602, True), refusal.message


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("Paper summary", {}, "Missing required arguments"),
        ("Paper summary", {"id": "2611.99999"}, "No paper here"),
        ("Paper summary", {"id": ""}, "Paper summary"),
        ("Sonnet", {}, "Unknown prompt"),
    ],
)
def test_a_prompt_that_makes_no_sense_is_refused(name: str, arguments: dict[str, str], says: str, agent: Agent) -> None:
    refusal = agent.is_refused(lambda client: client.get_prompt(name, arguments))

    assert (refusal.code, says in refusal.message) == (-32602, True), refusal.message


def test_half_a_character_is_refused(papers: int) -> None:
    body = json.dumps(CALL | {"params": {"name": "read_paper", "arguments": {"id": "\ud800"}}}).encode()
    answer = sent(body)

    assert answer.status_code in (200, 400) and b"Traceback" not in answer.content


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"null", 400),
        (b"[]", 400),
        (b"[" * 100_000, 400),
        (json.dumps([CALL, CALL]).encode(), 400),
        ({"jsonrpc": "1.0", "id": 1, "method": "tools/list"}, 400),
        ({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}, 202),
        (b"1" * 5000, 400),
        (b" " * (views.MOST_BYTES + 1), 413),
    ],
)
def test_what_is_no_message_is_refused(body: object, status: int, db: None) -> None:
    answer = sent(body)

    assert answer.status_code == status
    assert b"Traceback" not in answer.content


@pytest.mark.parametrize(
    "params",
    [None, [], "x", {"name": 5}, {"name": "edition", "arguments": []}, {"name": "edition", "arguments": "x"}, {}],
)
@pytest.mark.parametrize("method", ["tools/call", "resources/read", "prompts/get", "no/such", "initialize"])
@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
def test_what_is_no_call_gets_an_error_of_json_rpc(version: str, method: str, params: object, db: None) -> None:
    answer = sent({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}, **{"mcp-protocol-version": version})

    assert answer.status_code in (200, 400, 404)
    assert answer["Content-Type"].startswith("application/json")
    assert "error" in json.loads(answer.content) or json.loads(answer.content)["result"]["isError"]


@pytest.mark.parametrize("headers", [{"content-type": "text/plain"}, {"accept": "text/html"}])
def test_other_kinds_of_content_are_refused(headers: dict[str, str], db: None) -> None:
    assert sent(CALL, **headers).status_code in (400, 406, 415)


@pytest.mark.parametrize("version", ["", "1999-01-01", "9999-12-31", "\xff", "x" * 5000])
def test_other_versions_of_the_protocol_are_refused(version: str, db: None) -> None:
    assert sent(CALL, **{"mcp-protocol-version": version}).status_code == 400


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "OPTIONS", "HEAD", "PATCH"])
def test_there_is_only_post(method: str, db: None) -> None:
    answer = sent(b"", method)

    assert (answer.status_code, answer["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
        {"origin": "http://testserver.elsewhere.example"},
        {"origin": "https://testserver"},
        {"origin": ""},
        {"sec-fetch-site": "cross-site"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_pages_of_other_sites_are_refused(method: str, headers: dict[str, str], db: None) -> None:
    answer = sent(CALL, method, **headers)

    assert answer.status_code == 403 and json.loads(answer.content)["error"]["message"].startswith(
        "Pages of other sites"
    )


def test_pages_of_this_site_and_programs_are_answered(papers: int) -> None:
    assert sent(CALL, origin="http://testserver").status_code == 200
    assert sent(CALL).status_code == 200


@override_settings(ALLOWED_HOSTS=["papers.example"])
def test_a_host_that_is_not_ours_is_refused(db: None) -> None:
    answer = Browser(headers={"host": "rebound.example"}).post("/mcp", CALL, content_type="application/json")

    assert answer.status_code == 400


def test_an_answer_sets_no_cookie_and_is_kept_by_nobody(papers: int) -> None:
    answer = sent(CALL)

    assert not answer.cookies and answer["Cache-Control"] == "private, no-store"
    assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_a_fault_of_ours_is_logged_and_tells_nothing(
    papers: int, agent: Agent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_given: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(lists, "by_key", broken)
    monkeypatch.setattr(queries, "by_key", broken)

    for tool, arguments in (("edition", {"key": "2026-11-18"}), ("read_paper", {"id": "2611.00001"})):
        answer = agent.calls(tool, **arguments)
        assert answer.is_error and "secret" not in str(answer.content)
    for steps in (
        lambda client: client.read_resource("paper://2611.00001"),
        lambda client: client.get_prompt("Paper summary", {"id": "2611.00001"}),
    ):
        assert "secret" not in agent.is_refused(steps).message
    assert caplog.text.count("the secret of the house") >= 4


def test_what_takes_too_long_is_given_up(papers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "SECONDS", 0.0)

    answer = sent(CALL)

    assert answer.status_code == 504 and "Ask for less" in json.loads(answer.content)["error"]["message"]


def test_messages_are_counted_like_other_requests_of_programs(papers: int, settings: Settings) -> None:
    settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, "api_rate": 2})
    far = {"REMOTE_ADDR": "203.0.113.9"}

    answers = [
        Browser(headers=HEADERS).post("/mcp", CALL, content_type="application/json", **far)  # type: ignore[arg-type]
        for _ in range(3)
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2]["Retry-After"] and "error" in answers[2].json()
