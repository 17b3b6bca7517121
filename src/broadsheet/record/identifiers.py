"""Identifiers of papers: one reading of each style, whatever it was wrapped in."""

import re
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

ARCHIVES = (
    "acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas|cond-mat|cs|dg-ga|"
    "econ|eess|funct-an|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math|math-ph|mtrl-th|nlin|nucl-ex|nucl-th|patt-sol|physics|"
    "plasm-ph|q-alg|q-bio|q-fin|quant-ph|solv-int|stat|supr-con"
)
# Four digits to 1412, five from 1501 on, six foreseen (arXiv's page on its identifier scheme).
NEW_ARXIV = re.compile(
    r"(?P<month>\d{2}(?:0[1-9]|1[0-2]))\.(?P<number>\d{4,6})(?:v(?P<version>[1-9]\d{0,2}))?", re.ASCII
)
OLD_ARXIV = re.compile(
    rf"(?P<archive>{ARCHIVES})(?:\.[A-Z]{{2}})?/(?P<number>\d{{2}}(?:0[1-9]|1[0-2])\d{{3}})(?:v(?P<version>[1-9]\d{{0,2}}))?",
    re.ASCII,
)
DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>]+", re.ASCII)
OPENREVIEW = re.compile(r"[A-Za-z0-9_-]{8,16}")
ARXIV_DOI = "10.48550/arxiv."
# No name of a paper is longer, and no address that a record keeps.
LONGEST = 1000


class BadIdentifier(ValueError):
    """A text that looks like an identifier and is not one; trying again cannot help."""


@dataclass(frozen=True, slots=True, order=True)
class Identifier:
    """A name that a scheme gives to a paper.

    Schemes: arxiv, doi (bioRxiv and medRxiv too: their ids are DOIs), openreview, url, broadsheet.
    """

    scheme: str
    value: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.value}"


@dataclass(frozen=True, slots=True)
class ArxivId:
    """An arXiv identifier without its version, the version (0: none named), and the month it was first announced."""

    value: str
    version: int
    month: str

    @property
    def identifier(self) -> Identifier:
        """The same without the version, as an identifier of the record."""
        return Identifier("arxiv", self.value)


def arxiv_id(text: str) -> ArxivId:
    """Read an arXiv identifier of either style from a bare id, an `arXiv:` name, a DOI of arXiv's or an address.

    Raises BadIdentifier for anything else, also for ids that were damaged by being read as a number
    (1501.0026699999999, or 1501.0001 for 1501.00010): a guess would name another paper.
    """
    match = NEW_ARXIV.fullmatch(text)
    bare = text if match else _strip_arxiv(text.strip())
    if match := match or NEW_ARXIV.fullmatch(bare):
        month, number = match["month"], match["number"]
        wanted = 4 if "0704" <= month <= "1412" else 5
        # Months before 0704 belong to 2091 and later: years the scheme has not reached.
        if len(number) == wanted or (wanted == 5 and len(number) == 6):
            return _arxiv_id(f"{month}.{number}", match["version"])
        raise BadIdentifier(
            f"{text!r} has {len(number)} digits after the point where arXiv ids of that month have {wanted}"
        )
    if match := OLD_ARXIV.fullmatch(bare):
        number = match["number"]
        # The style was used from August 1991 to March 2007.
        if "0703" < number[:4] < "9107":
            raise BadIdentifier(f"{text!r} names a month in which arXiv gave no ids of that style")
        return _arxiv_id(f"{match['archive']}/{number}", match["version"])
    raise BadIdentifier(f"{text!r} is not an arXiv identifier")


def _arxiv_id(value: str, version: str | None) -> ArxivId:
    return ArxivId(value, int(version or 0), arxiv_month(value))


def arxiv_month(value: str) -> str:
    """Give the month, YYYY-MM, that an arXiv id without its version names; empty for an empty id."""
    archive, _, digits = value.rpartition("/")
    century = "19" if archive and digits >= "91" else "20"
    return f"{century}{digits[:2]}-{digits[2:4]}" if digits else ""


def _strip_arxiv(text: str) -> str:
    lower = text.lower()
    if "://" in lower or lower.startswith(("arxiv.org/", "www.arxiv.org/", "export.arxiv.org/")):
        try:
            parts = urlsplit(text if "://" in text else f"https://{text}")
        except ValueError:
            return text
        segments = unquote(parts.path).strip("/").split("/", 1)
        host = parts.hostname or ""
        if (host == "arxiv.org" or host.endswith(".arxiv.org")) and len(segments) == 2:
            text = segments[1]
            lower = text.lower()
        elif host in ("doi.org", "dx.doi.org", "www.doi.org"):
            text = unquote(parts.path).strip("/")
            lower = text.lower()
    if lower.startswith(ARXIV_DOI):
        text = text[len(ARXIV_DOI) :]
        lower = text.lower()
    for prefix in ("oai:arxiv.org:", "arxiv:"):
        if lower.startswith(prefix):
            text = text[len(prefix) :].lstrip()
            lower = text.lower()
    return text[:-4] if lower.endswith(".pdf") else text


def doi(text: str) -> Identifier:
    """Read a DOI, bare or in an address; kept in lower case, as DOIs do not tell case (ISO 26324).

    Raises BadIdentifier. A DOI of arXiv's own gives the arXiv identifier.
    """
    bare = text.strip()
    if match := re.match(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", bare, re.IGNORECASE):
        bare = unquote(bare[match.end() :])
    bare = bare.rstrip(".,;").lower()
    if bare.startswith(ARXIV_DOI):
        return arxiv_id(bare).identifier
    # A DOI broken in two by a blank ends in its hyphen, and would then name every paper of the journal.
    if not DOI.fullmatch(bare) or bare.endswith("-"):
        raise BadIdentifier(f"{text!r} is not a DOI")
    return Identifier("doi", bare)


def dois(text: str) -> tuple[Identifier, ...]:
    """Read every DOI of a field that may hold several, divided by blanks, commas or semicolons; skip what is none."""
    found = []
    for part in re.split(r"[\s,;]+", text):
        if part:
            try:
                found.append(doi(part))
            except BadIdentifier:
                continue
    return tuple(dict.fromkeys(found))


def identify(text: str) -> Identifier | None:
    """Tell which paper a text names if it is an identifier or an address of a paper, else None.

    Understands arXiv ids (bare, `arXiv:`, addresses of abstract, PDF and HTML), DOIs, OpenReview forums,
    bioRxiv and medRxiv addresses, Hugging Face paper addresses and our own ids.
    """
    text = text.strip()
    if not 0 < len(text) <= LONGEST or any(c.isspace() for c in text.removeprefix("arXiv: ")):
        return None
    with suppress(BadIdentifier):
        return arxiv_id(text).identifier
    with suppress(BadIdentifier):
        return doi(text)
    if re.fullmatch(r"b[0-9a-f]{12}", text):
        return Identifier("broadsheet", text)
    return _identify_address(text)


def _identify_address(text: str) -> Identifier | None:
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    host, path = (parts.hostname or "").removeprefix("www."), unquote(parts.path)
    if host == "openreview.net":
        forum = parse_qs(parts.query).get("id", [""])[0]
        return Identifier("openreview", forum) if OPENREVIEW.fullmatch(forum) else None
    if host in ("biorxiv.org", "medrxiv.org") and (match := DOI.search(path)):
        return Identifier("doi", re.sub(r"v\d+(?:\.\w+)*$", "", match[0].rstrip("/")).lower())
    if host in ("huggingface.co", "hf.co", "alphaxiv.org") and (match := re.search(r"/(?:papers|abs)/([^/]+)$", path)):
        try:
            return arxiv_id(match[1]).identifier
        except BadIdentifier:
            return None
    if parts.scheme in ("http", "https") and host:
        return Identifier("url", text)
    return None
