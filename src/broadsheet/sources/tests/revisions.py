"""Real revisions of papers, as the shared data holds them: what changed, before and after."""

import json
from collections.abc import Iterable, Iterator
from io import BytesIO

from broadsheet.record.paper import PaperData
from broadsheet.sources.arxiv_jsonl import read


def revisions(lines: Iterable[bytes]) -> Iterator[tuple[PaperData, PaperData]]:
    """Read {"id", "changed", "old": {…}, "new": {…}} per line: the paper before and after.

    Only what changed is given; the title of a paper whose title did not change is "Untitled <id>" in both.
    """
    for line in lines:
        row = json.loads(line)
        base = {"arxiv_id": row["id"], "title": f"Untitled {row['id']}"}
        sides = [json.dumps({**base, **row[side]}).encode() for side in ("old", "new")]
        before, after = read(BytesIO(b"\n".join(sides)), "changed.jsonl")
        assert isinstance(before, PaperData) and isinstance(after, PaperData)
        yield before, after
