import pytest

from broadsheet.sources.arxiv_api import ArxivApi
from broadsheet.sources.batch import SourceError
from broadsheet.sources.registry import LIVE, Addresses, live_source

ADDRESSES = Addresses("https://oai.example", "https://feeds.example", "https://api.example", "https://hf.example")


@pytest.mark.parametrize("name", LIVE)
def test_every_live_source_has_the_name_it_is_called_by(name: str) -> None:
    assert live_source(name, ADDRESSES, ("cs.LG",), frozenset(), 5).name == name


def test_the_api_is_asked_for_ids_or_by_a_query() -> None:
    by_ids = live_source("arxiv-api:2405.15738, hep-th/9901001v2", ADDRESSES, (), frozenset(), 5)
    by_query = live_source("arxiv-api:cat:cs.LG AND ti:bees", ADDRESSES, (), frozenset(), 5)
    assert isinstance(by_ids, ArxivApi) and by_ids.ids == ("2405.15738", "hep-th/9901001v2")
    assert isinstance(by_query, ArxivApi) and by_query.query == "cat:cs.LG AND ti:bees"


def test_another_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(SourceError, match="no source is called nature; there are arxiv-feeds"):
        live_source("nature", ADDRESSES, (), frozenset(), 5)
