import json
from datetime import timedelta

import pytest
from mcp import Client
from mcp_types import Prompt, Resource, ResourceTemplate, Tool

from broadsheet.api import acts
from broadsheet.api.mcp.tests.agents import Agent
from broadsheet.community.models import Vote
from broadsheet.community.tests.factory import reader
from broadsheet.lib.clock import now
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.factory import NOON, paper
from broadsheet.readers import follows, library, tokens
from broadsheet.readers.models import Reader, Token

TOOLS = {
    "search_papers", "read_paper", "similar_papers", "edition", "trending", "list_papers", "vote", "save",
    "my_library", "my_digest", "for_you", "why",
}  # fmt: skip
ACTING = {"vote", "save"}
Seen = tuple[list[Tool], list[Resource], list[ResourceTemplate], list[Prompt], str]


def token(of: Reader, *scopes: str, days: int | None = None) -> str:
    return tokens.make(of, "agent", scopes, days=days, now=now())[1]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_agents_of_each_age_learn_what_there_is(transport: str, mode: str, papers: int) -> None:
    async def look(client: Client) -> Seen:
        return (
            (await client.list_tools()).tools,
            (await client.list_resources()).resources,
            (await client.list_resource_templates()).resource_templates,
            (await client.list_prompts()).prompts,
            str(client.instructions),
        )

    tools, resources, templates, prompts, instructions = Agent(transport, mode=mode).does(look)

    assert {tool.name for tool in tools} == TOOLS
    assert {tool.name for tool in tools if tool.annotations and not tool.annotations.read_only_hint} == ACTING
    assert all(tool.description and tool.title and tool.annotations for tool in tools)
    assert {tool.name for tool in tools if tool.output_schema} == TOOLS - {"read_paper", "why"}
    assert [str(one.uri) for one in resources] == ["broadsheet://readme"]
    assert {one.uri_template for one in templates} == {"paper://{+id}", "edition://{key}"}
    assert [prompt.name for prompt in prompts] == ["Paper summary"]
    assert "token" in instructions


def test_a_search_gives_ids_and_says_what_it_left_out(agent: Agent) -> None:
    said = agent.hears("search_papers", query="slow rivers", limit=2)

    assert said.startswith("# Papers for “slow rivers”: the first 2 of 3.")
    assert "id 2611.000" in said and "holds all the words" in said
    assert "http" in said and "/papers/2611.000" in said
    assert said.endswith("Ask again with skip=2 to go on. read_paper(id) gives a paper whole.")


def test_a_search_goes_on_where_it_stopped_and_ends(agent: Agent) -> None:
    first = agent.calls("search_papers", query="slow rivers", limit=2).structured_content
    rest = agent.calls("search_papers", query="slow rivers", limit=2, skip=2).structured_content

    assert first and rest
    assert (first["total"], first["next_skip"], rest["total"], rest["next_skip"]) == (3, 2, 3, None)
    ids = [one["id"] for one in first["papers"] + rest["papers"]]
    assert len(set(ids)) == 3 and {"rank", "title", "authors", "abstract", "url"} < set(rest["papers"][0])


def test_a_search_keeps_to_its_filters(agent: Agent) -> None:
    everything = agent.calls("search_papers", query="worth telling", limit=50).structured_content
    one_field = agent.calls("search_papers", query="worth telling", limit=50, category="cs.CV").structured_content
    none = agent.hears("search_papers", query="worth telling", since="2026-11-19", until="2027-01-01")

    assert everything and one_field
    assert len(everything["papers"]) == 24 and len(one_field["papers"]) == 12
    assert none.startswith("# Papers for “worth telling”: no papers.")


def test_a_search_for_an_id_gives_that_paper(agent: Agent) -> None:
    assert "id 2611.00003" in agent.hears("search_papers", query="arXiv:2611.00003")


def test_a_paper_is_read_as_markdown_by_any_of_its_names(agent: Agent) -> None:
    said = agent.hears("read_paper", id="https://arxiv.org/abs/2611.00003v1")

    assert said.startswith("# On loud bees, part 3") and "We study loud bees" in said
    assert agent.reads("paper://2611.00003") == said == agent.hears("read_paper", id=" 2611.00003 ")


def test_an_edition_says_its_place_among_others_and_how_to_go_on(agent: Agent) -> None:
    ingest([paper(90, announced=paper(1).announced + timedelta(days=1))], now=NOON)  # type: ignore[operator]

    said = agent.hears("edition", key="2026-11-18", limit=5)

    assert said.startswith("# Edition 2026-11-18 (may still change): the first 5 of 24.\nThe one after: 2026-11-19.")
    assert "skip=5" in said and said.count("\n## ") == 5
    assert "all 1 paper." in agent.hears("edition")
    assert "25" in agent.hears("edition", key="2026-w47").splitlines()[0]
    assert agent.reads("edition://2026-11").startswith("# Edition 2026-11 (may still change): all 25 papers.")


def test_the_hot_list_can_be_asked_for_one_category(agent: Agent) -> None:
    assert agent.hears("trending").startswith("# Trending: the first 10 of 24.")
    assert agent.hears("trending", category="cs.CV").startswith("# Trending in 'cs.CV': the first 10 of 12.")
    assert agent.hears("trending", category="math.AG").startswith("# Trending in 'math.AG': no papers.")
    assert agent.reads("edition://trending").startswith("# Trending: all 24 papers.")


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("category/cs.CL", "all 12 papers."),
        ("author/ada example7", "# Ada Example7: all 1 paper."),
        ("search/slow rivers", "all 3 papers."),
        ("edition", "the first 20"),
    ],
)
def test_any_list_has_a_key(key: str, says: str, agent: Agent) -> None:
    assert says in agent.hears("list_papers", key=key, limit=20).splitlines()[0]


def test_a_reader_votes_and_saves_by_an_agent(agent: Agent, ada: Reader) -> None:
    own = Agent(agent.transport, token(ada, "read", "write"))
    voted = "You voted for it: 2611.00004, On thin glass, part 4. It has 1 vote now."

    assert own.hears("vote", id="2611.00004") == voted
    assert own.hears("vote", id="2611.00004").endswith("It has 1 vote now.")
    assert own.hears("save", id="2611.00004").startswith("Saved to your library")
    assert own.hears("my_library").startswith("# Your library: all 1 paper.")
    assert Vote.objects.get().reader == ada

    assert own.calls("vote", id="2611.00004", on=False).structured_content == {
        "id": "2611.00004", "on": False, "votes": 0,
    }  # fmt: skip
    assert own.hears("save", id="2611.00004", on=False).startswith("Taken out of your library")
    assert own.hears("my_library").startswith("# Your library: no papers.")


def test_the_digest_holds_what_a_reader_follows(agent: Agent, ada: Reader) -> None:
    follows.follow(ada, "author/Ada Example7", now=NOON)
    own = Agent(agent.transport, token(ada, "read"))

    assert own.hears("my_digest").startswith("# My digest: all 1 paper.")


def test_what_is_ones_own_needs_a_token_and_its_scope(agent: Agent, ada: Reader) -> None:
    reading, writing = (Agent(agent.transport, token(ada, scope)) for scope in ("read", "write"))
    over = token(ada, "read", "write", days=1)
    Token.objects.filter(expires__isnull=False).update(expires=NOON - timedelta(days=900))

    for tool, arguments in (("vote", {"id": "2611.00004"}), ("save", {"id": "2611.00004"})):
        assert "“write”" in agent.fails(tool, **arguments)
        assert "“write”" in reading.fails(tool, **arguments)
        assert "expired" in Agent(agent.transport, over).fails(tool, **arguments)
        assert "Nobody here has that token" in Agent(agent.transport, "bs_nobody").fails(tool, **arguments)
    for tool in ("my_library", "my_digest"):
        assert "“read”" in agent.fails(tool)
        assert "“read”" in writing.fails(tool)
        assert "expired" in Agent(agent.transport, over).fails(tool)
    assert not Vote.objects.exists()


def test_reading_is_free_whatever_the_token(agent: Agent, ada: Reader) -> None:
    assert Agent(agent.transport, "bs_nobody").hears("edition")
    assert Agent(agent.transport, "no token at all").hears("trending")


def test_a_reader_who_is_not_active_reads_but_does_not_act(agent: Agent, ada: Reader) -> None:
    own = Agent(agent.transport, token(ada, "read", "write"))
    Reader.objects.filter(pk=ada.pk).update(state="suspended")

    assert "not active" in own.fails("vote", id="2611.00004")
    assert own.hears("read_paper", id="2611.00004")


def test_a_hidden_paper_takes_no_votes(agent: Agent, ada: Reader) -> None:
    Paper.objects.filter(key="2611.00004").update(hidden=True)

    said = Agent(agent.transport, token(ada, "write")).fails("vote", id="2611.00004")

    assert "taken off the lists" in said


def test_votes_come_at_a_readers_pace(agent: Agent, ada: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(acts.RATES, "vote", acts.Rate(2, 60))
    own = Agent(agent.transport, token(ada, "write"))

    for _ in range(2):
        assert own.hears("vote", id="2611.00004")
    assert "a lot in a short time" in own.fails("vote", id="2611.00004")


def test_the_owner_of_a_one_person_site_needs_no_token_here(papers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Agent("stdio")

    assert own.hears("vote", id="2611.00004").endswith("It has 1 vote now.")
    assert own.hears("save", id="2611.00004")
    assert own.hears("my_library").startswith("# Your library: all 1 paper.")
    reader(2)
    assert "“read”" in own.fails("my_library")


def test_on_a_one_person_site_writes_over_http_need_a_token(papers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADSHEET_ALONE", "1")
    agent = Agent("http")

    # The wire's host is not this machine, so nobody is alone there.
    assert "“read”" in agent.fails("my_library")
    assert "“write”" in agent.fails("vote", id="2611.00004")


def test_similar_papers_are_the_nearest_few_and_not_the_paper_itself(agent: Agent) -> None:
    said = agent.hears("similar_papers", id="2611.00004", limit=2)

    assert said.startswith("# Papers near 2611.00004, On thin glass, part 4: the first 2.")
    assert "id 2611.00012" in said and "id 2611.00004 " not in said


def test_a_paper_that_is_not_indexed_yet_has_no_neighbours_yet(agent: Agent) -> None:
    ingest([paper(91)], now=NOON)

    assert "search_papers finds by words" in agent.fails("similar_papers", id="2611.00091")


def test_the_prompt_brings_the_paper_along(agent: Agent) -> None:
    answer = agent.does(lambda client: client.get_prompt("Paper summary", {"id": "2611.00003"}))

    (message,) = answer.messages
    assert message.role == "user" and "# On loud bees, part 3" in message.content.text  # type: ignore[union-attr]


def test_the_readme_names_the_tools(agent: Agent) -> None:
    said = agent.reads("broadsheet://readme")

    assert all(f"`{tool}`" in said for tool in TOOLS)


def test_a_library_is_read_in_parts(agent: Agent, ada: Reader) -> None:
    for one in Paper.objects.all():
        library.save(ada, one, now=NOON)
    own = Agent(agent.transport, token(ada, "read"))

    assert own.hears("my_library", limit=10, skip=20).startswith("# Your library: 21 to 24 of 24.")


def test_answers_are_json_as_well(agent: Agent) -> None:
    data = agent.calls("edition", limit=1).structured_content

    assert data and json.loads(json.dumps(data)) == data and data["papers"][0]["votes"] == 0
