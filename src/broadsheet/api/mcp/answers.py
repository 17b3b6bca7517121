"""What each tool does: a question and who asks it in, an answer out. No event loop is known here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from broadsheet import __version__
from broadsheet.api.acts import must_be_few
from broadsheet.api.mcp import texts
from broadsheet.api.mcp.asking import Asker
from broadsheet.api.mcp.texts import Act, ListedPaper, PaperList
from broadsheet.community import origins, votes
from broadsheet.editions import lists
from broadsheet.editions import named as by_name
from broadsheet.editions.edition import Edition, Entry, NoSuchEdition
from broadsheet.export import markdown
from broadsheet.export.address import absolute, of_paper
from broadsheet.foryou import rank, why
from broadsheet.foryou import terms as all_terms
from broadsheet.lib.clock import now
from broadsheet.papers import finding, queries
from broadsheet.papers.finding import FoundPaper
from broadsheet.papers.models import Paper
from broadsheet.readers import library
from broadsheet.search.types import Filter, Mode

MOST_AT_ONCE: Final = 50
FURTHEST: Final = 1000
MOST_CATEGORIES: Final = 8
KEYS: Final = "latest, a day (2024-05-27), a week (2024-W22), a month (2024-05) or trending"


class NoAnswer(LookupError):
    """A question that has no answer here; the message is a sentence with the next step."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The text that an agent reads, and the same as data."""

    text: str
    data: PaperList | Act | None = None


def search_papers(
    asker: Asker,
    query: str,
    limit: int,
    skip: int,
    mode: Mode,
    category: str | None,
    since: str | None,
    until: str | None,
    has_code: bool,
) -> Answer:
    """Find papers. Raises NoAnswer, NoSuchEdition."""
    asked = " ".join("".join(char if char.isprintable() else " " for char in query).split())
    if not asked:
        raise NoAnswer("There is nothing to search for in that query. A few words, or a question, find papers.")
    wanted = _filter(category, since, until, has_code)
    found = finding.find(asked, mode=mode, limit=skip + limit + 1, wanted=wanted)
    if found.goes_to and not found.hits and found.goes_to.is_shown and not skip:
        return _listing(asker, f"The paper named “{asked}”", [(1, found.goes_to, "")], 1, False)
    part = found.hits[skip : skip + limit]
    more = len(found.hits) > skip + limit
    # Nearness in meaning has no end, so what follows the papers with all the words is not counted.
    total = found.total if not more or found.hits[-1].block == "words" else None
    places = [(hit.rank, hit.paper, hit.block) for hit in part]
    return _listing(asker, f"Papers for “{asked}”", places, total, more, skip, found.notes)


def _filter(category: str | None, since: str | None, until: str | None, has_code: bool) -> Filter:
    codes = tuple(dict.fromkeys((category or "").replace(",", " ").split()))
    if len(codes) > MOST_CATEGORIES or not all(code.isprintable() and len(code) <= 20 for code in codes):
        raise NoAnswer("That is no category. Give one like cs.CL, or a few with commas between them.")
    first, last = (lists.read_day(day.strip()) if day else None for day in (since, until))
    if first and last and first > last:
        first, last = last, first
    return Filter(since=first, until=last, categories=codes, has_code=True if has_code else None)


def read_paper(asker: Asker, name: str) -> Answer:
    """Give a paper as Markdown. Raises NoAnswer."""
    paper = paper_of(name)
    text = markdown.paper(paper, asker.request)
    return Answer(texts.cut(text, of_paper(paper, asker.request)))


def similar_papers(asker: Asker, name: str, limit: int) -> Answer:
    """Give the papers nearest to one. Raises NoAnswer."""
    paper = paper_of(name)
    found = finding.similar(paper, limit)
    if not found:
        raise NoAnswer(f"Nothing near {paper.key} is known: it may not be indexed yet. search_papers finds by words.")
    return _listing(asker, f"Papers near {paper.key}, {paper.title}", _places(found), None, False)


def edition(asker: Asker, key: str, limit: int, skip: int) -> Answer:
    """Give a day, a week, a month or the hot list. Raises NoAnswer."""
    found = _edition_of(key.strip())
    part = lists.whole(found.entries[skip : skip + limit])
    around = [
        f"{name}: {key}." for name, key in (("The one before", found.earlier), ("The one after", found.later)) if key
    ]
    more = len(found.entries) > skip + limit
    title = "Trending" if found.kind == "trending" else f"Edition {found.key} ({texts.STATES[found.state]})"
    return _listing(asker, title, _of_entries(part), len(found.entries), more, skip, around)


def _edition_of(key: str) -> Edition:
    if key == "latest":
        newest = lists.latest_day(now())
        if newest is None:
            raise NoAnswer("There are no papers here yet, so there is no edition. Ask again once some were harvested.")
        return lists.day(newest)
    try:
        return lists.by_key(key.upper() if key != "trending" else key)
    except NoSuchEdition as wrong:
        raise NoAnswer(f"{wrong}. Editions are called {KEYS}.") from None


def trending(asker: Asker, limit: int, skip: int, category: str | None) -> Answer:
    """Give the hot list, or the papers of a category in it."""
    entries = lists.trending(FURTHEST * MOST_AT_ONCE).entries
    title = "Trending"
    if category:
        title = f"Trending in {category.strip()[:40]!r}"
        entries = tuple(entry for entry in entries if category.strip() in entry.paper.category_list)
    part = lists.whole(entries[skip : skip + limit])
    places = [(rank, entry.paper, "") for rank, entry in enumerate(part, skip + 1)]
    return _listing(asker, title, places, len(entries), len(entries) > skip + limit, skip)


def list_papers(asker: Asker, key: str, limit: int, skip: int) -> Answer:
    """Give any list that everybody can see. Raises NoSuchList, NoAnswer."""
    return _named(asker, by_name.named(key.strip(), limit=by_name.MOST, now=now()), limit, skip)


def my_library(asker: Asker, limit: int, skip: int) -> Answer:
    """Give what the reader saved, the last first. Raises ApiError without a token that may read."""
    saved = library.papers(asker.reader("read"))
    places = [(rank, paper, "") for rank, paper in enumerate(saved[skip : skip + limit], skip + 1)]
    total = saved.count()
    return _listing(asker, "Your library", places, total, total > skip + limit, skip)


def my_digest(asker: Asker, limit: int, skip: int) -> Answer:
    """Give the papers of the reader's digests, or without any what is new in what they follow.

    Raises ApiError without a token that may read.
    """
    reader = asker.reader("read")
    return _named(asker, by_name.named("digest", limit=by_name.MOST, now=now(), reader=reader), limit, skip)


def for_you(asker: Asker, limit: int, skip: int) -> Answer:
    """Give the reader's own list of today with its reasons. Raises ApiError without a token that may read."""
    reader, moment = asker.reader("read"), now()
    found = rank.list_for(reader, moment)
    places = found.places(skip, limit)
    rank.show(reader, found, places, moment)
    explained = why.explain(reader, [place.pick for place in places])
    said = {place.rank: " ".join(one.sentences) for place, one in zip(places, explained, strict=True)}
    notes = [] if found.state == "profile" else ["Nothing was learned of this reader yet: this is what trends."]
    told = [(place.rank, place.paper, "") for place in places]
    return _listing(asker, "For you", told, len(found), len(found) > skip + limit, skip, notes, said)


def why_this(asker: Asker, name: str) -> Answer:
    """Say what speaks for a paper and against it, for this reader. Raises ApiError, NoAnswer."""
    reader, paper = asker.reader("read"), paper_of(name)
    terms = all_terms.of(reader, paper)
    if terms is None:
        raise NoAnswer(
            "Nothing was learned of this reader yet. Votes and saves teach it; /foryou/start on the site too."
        )
    called = why.names(reader, [number for number, _points in terms.likes])
    likes = [(called[number].plain, points) for number, points in terms.likes if number in called]
    return Answer(texts.of_sum(paper.title, terms.points, why.one_in(terms.chance), likes, terms.words))


def vote(asker: Asker, name: str, on: bool) -> Answer:
    """Vote for a paper or take the vote back. Raises ApiError, Refused, NoAnswer."""
    reader, moment = asker.reader("write"), now()
    must_be_few("vote", reader, moment)
    paper = paper_of(name)
    if on:
        count = votes.cast(reader, paper, now=moment, origin=origins.digest(asker.address, moment))
    else:
        count = votes.take_back(reader, paper, now=moment)
    act = Act(paper.key, count.voted, count.votes)
    return Answer(texts.of_act("You voted for it" if on else "Your vote is taken back", act, paper.title), act)


def save(asker: Asker, name: str, on: bool) -> Answer:
    """Put a paper into the reader's library or take it out. Raises ApiError, NoAnswer."""
    reader, moment = asker.reader("write"), now()
    must_be_few("save", reader, moment)
    paper = paper_of(name)
    if on:
        library.save(reader, paper, now=moment)
    else:
        library.remove(reader, paper)
    act = Act(paper.key, on)
    return Answer(texts.of_act("Saved to your library" if on else "Taken out of your library", act, paper.title), act)


def summary(asker: Asker, name: str) -> Answer:
    """Ask for a summary of a paper, with the paper. Raises NoAnswer."""
    return Answer(texts.SUMMARY.format(paper=read_paper(asker, name).text))


def readme(name: str) -> Answer:
    """Say what this server is."""
    return Answer(texts.README.format(name=name, version=__version__, address=absolute("/")))


def paper_of(name: str) -> Paper:
    """Give the paper of a name. Raises NoAnswer."""
    wanted = name.strip()
    paper = queries.by_key(wanted.removeprefix("paper://")) if wanted.isprintable() else None
    if paper is None:
        shown = texts.shortened("".join(char for char in wanted if char.isprintable()), 80)
        raise NoAnswer(f"No paper here is called “{shown}”. search_papers finds papers and tells their ids.")
    return paper


def _named(asker: Asker, found: by_name.NamedList, limit: int, skip: int) -> Answer:
    whole = found.entries
    total = len(whole) if len(whole) < by_name.MOST else None
    part = whole[skip : skip + limit]
    return _listing(asker, found.title, _of_entries(part), total, len(whole) > skip + limit, skip)


def _of_entries(entries: Iterable[Entry]) -> list[tuple[int, Paper, str]]:
    return [(entry.rank, entry.paper, "") for entry in entries]


def _places(hits: Iterable[FoundPaper]) -> list[tuple[int, Paper, str]]:
    return [(hit.rank, hit.paper, hit.block) for hit in hits]


def _listing(
    asker: Asker,
    title: str,
    places: Iterable[tuple[int, Paper, str]],
    total: int | None,
    more: bool,
    skipped: int = 0,
    notes: Sequence[str] = (),
    reasons: Mapping[int, str] | None = None,
) -> Answer:
    said = reasons or {}
    papers: list[ListedPaper] = [
        texts.listed(place, paper, of_paper(paper, asker.request), found_by, said.get(place, ""))
        for place, paper, found_by in places
    ]
    made = PaperList(title, papers, total, skipped + len(papers) if more else None, list(notes))
    kept = texts.bounded(made, skipped)
    return Answer(texts.of_list(kept, skipped), kept)
