"""The settings of a site: `broadsheet.toml` in its home, each overridable from the environment.

Every setting is declared once, in SETTINGS; the documentation, the checks at the start and the defaults follow from it.
"""

import os
import re
import secrets
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from broadsheet.lib import swap
from broadsheet.lib.files import lock, write_whole
from broadsheet.mail.services import KEY_PARTS
from broadsheet.setting_values import (
    address,
    cluster_head,
    database,
    dates,
    encoder_name,
    imap_mailbox,
    mail_server,
    mailbox,
    number,
    one_of,
    some_of,
    text,
    texts,
    whole,
    yes_or_no,
)
from broadsheet.sources.registry import LIVE


class BadSetting(Exception):
    """A setting that makes no sense: its name, its value and what is allowed; or a home that cannot be used.

    The start stops there.
    """


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name in `broadsheet.toml`; in the environment it is BROADSHEET_ and the name in capitals.

    read: turns the TOML value, or the text from the environment, into what the program uses; raises ValueError with
        what is allowed.
    """

    name: str
    default: Any
    read: Callable[[Any], Any]
    says: str

    @property
    def variable(self) -> str:
        """The name of the environment variable that overrides it."""
        return f"BROADSHEET_{self.name.upper()}"


SETTINGS = (
    Setting("site_name", "Broadsheet", text, "The name on the masthead."),
    Setting("categories", ("cs.AI", "cs.CL", "cs.CV", "cs.LG"), texts, "The arXiv categories to harvest."),
    Setting(
        "sources",
        LIVE,
        some_of(*LIVE),
        "The sources that are harvested unasked, in this order.",
    ),
    Setting("contact", "", text, "Your mail address, sent to the sources with each request, as they ask of robots."),
    Setting("harvest_every", 60, whole(5, 10080), "Minutes between two harvests of a source."),
    Setting("repair_days", 5, whole(1, 7), "How many days back a harvest looks for papers that came late."),
    Setting("holidays", (), dates, "More days without an announcement than the ones Broadsheet knows."),
    Setting("public_url", "", address, "The address under which readers reach the site."),
    Setting("allowed_hosts", (), texts, "The host names the site answers to; empty for those of this machine."),
    Setting("trusted_proxies", 0, whole(0, 10), "How many proxies of your own stand before the site and are believed."),
    Setting("database", "", database, "Where the record is kept; empty for SQLite in the home."),
    Setting("secret_key", "", text, "The key that signs cookies and links; empty for one made at the first start."),
    Setting(
        "encoder",
        "auto",
        encoder_name,
        "The encoder for search by meaning: auto for the one that `broadsheet encoder use` chose, a name, or none.",
    ),
    Setting("encoder_weights", "", text, "A folder or an address with the weights; empty to get the published ones."),
    Setting("encoder_threads", 0, whole(0, 256), "Threads for encoding papers; 0 for one per core."),
    Setting("shards", 1, whole(1, 64), "Among how many shards the index is divided; 1 serves some millions of papers."),
    Setting(
        "cluster",
        "",
        cluster_head,
        "The head of the cluster that searches, as host:port; empty for the index in this home.",
    ),
    Setting("replicas", 1, whole(1, 8), "On how many hosts of the cluster each shard is kept."),
    Setting("web_processes", 1, whole(1, 64), "Processes that answer readers."),
    Setting("web_threads", 2, whole(1, 64), "Threads that make pages in each of these processes."),
    Setting(
        "sign_in",
        "auto",
        one_of("auto", "always"),
        "Who signs in: `auto` spares the one person of a site that only this machine reaches, `always` asks everyone.",
    ),
    Setting(
        "registration",
        "invitation",
        one_of("invitation", "approval", "open"),
        "Who may join: those with an invitation, those whom a moderator approves, or everyone.",
    ),
    Setting(
        "invitations_per_reader", 5, whole(0, 1000), "How many people a reader may invite; curators invite freely."
    ),
    Setting("session_days", 30, whole(1, 400), "Days after which a reader has to sign in again."),
    Setting(
        "mail_url", "", mail_server, "The mail server: smtp://user:password@host:587, or smtps:// with TLS at once."
    ),
    Setting("mail_from", "", text, "The address that mails come from, such as Broadsheet <papers@lab.example>."),
    Setting(
        "mail_provider",
        "",
        one_of("", *KEY_PARTS),
        "A service that sends the mails in place of a server; empty for `mail_url`.",
    ),
    Setting("mail_provider_key", "", text, "The key for it; where it has several parts, with colons between them."),
    Setting(
        "mail_provider_secret",
        "",
        text,
        "What its reports are signed with, or user:password where they are not; empty to take none.",
    ),
    Setting("mail_rate", 10.0, number(0, 1000), "Digests that one process sends in a second at most; 0 for any."),
    Setting("mail_per_domain", 20, whole(1, 1000), "Digests to one domain that may be on their way at a moment."),
    Setting("mail_log", "", text, "The log of a Postfix on this machine, asked after mails in doubt; empty for none."),
    Setting("mail_dry_run", False, yes_or_no, "Write digests into files in the home instead of sending them."),
    Setting("mail_check_first", True, yes_or_no, "Look at the DNS before the first digests are sent by command."),
    Setting("bounce_address", "", mailbox, "The address that bounces of digests go to; it must take what follows a +."),
    Setting(
        "bounce_imap", "", imap_mailbox, "The mailbox that bounces are read from: imaps://user:password@host/folder."
    ),
    Setting(
        "bounce_soft_limit", 5, whole(1, 100), "Mails in a row that come back for now before an address counts as gone."
    ),
    Setting("dkim_domain", "", text, "The domain that digests are signed for; empty for the one of `mail_from`."),
    Setting("dkim_selector", "broadsheet", text, "The name under which the RSA key stands in the DNS."),
    Setting("dkim_key", "", text, "The file with the private RSA key, from the home; empty not to sign with one."),
    Setting("dkim_ed25519_selector", "broadsheet-ed", text, "The name under which the Ed25519 key stands in the DNS."),
    Setting("dkim_ed25519_key", "", text, "The file with the private Ed25519 key, for a second signature."),
    Setting("digest_wait", 6, whole(0, 23), "Hours a digest waits for an edition that is not complete."),
    Setting("github_client", "", text, "The client id of an OAuth application at GitHub, to sign in with it."),
    Setting("github_secret", "", text, "Its secret."),
    Setting("orcid_client", "", text, "The client id at ORCID, to sign in with it and prove authorship."),
    Setting("orcid_secret", "", text, "Its secret."),
    Setting("oidc_name", "", text, "The name of your OpenID Connect provider, as readers know it."),
    Setting("oidc_server", "", address, "The address of that provider."),
    Setting("oidc_client", "", text, "The client id there."),
    Setting("oidc_secret", "", text, "Its secret."),
    Setting(
        "api_rate", 500, whole(0, 1_000_000), "Requests a program may send in five minutes, by address; 0 for any."
    ),
    Setting("api_rate_token", 1000, whole(0, 1_000_000), "The same for a program with a token; 0 for any number."),
    Setting(
        "answers_kept",
        5,
        whole(0, 60),
        "Seconds for which an answer to programs is kept in memory; 0 makes each one anew.",
    ),
    Setting("votes_per_day", 40, whole(1, 10000), "Votes of a reader in a day that weigh in full; more weigh less."),
    Setting("comments_per_hour", 20, whole(1, 1000), "Comments a reader may write in an hour."),
    Setting("submissions_per_day", 10, whole(1, 1000), "Papers a reader may bring in a day."),
    Setting("submission_days", 0, whole(0, 36500), "How old, in days, a submitted paper may be; 0 for any age."),
    Setting("outside_vote_weight", 0.2, number(0, 10), "What an upvote counted elsewhere weighs beside a vote here."),
    Setting("field_fairness", 0.5, number(0, 1), "How far trending lifts small fields: 0 not at all, 1 all the way."),
    Setting("trending_editions_per_tenfold", 3.0, number(0.5, 60), "Editions of age that tenfold votes make good."),
    Setting("trending_prior", 0.5, number(0, 100), "How many papers' worth of trust a category's mean of votes gets."),
    Setting("trending_days", 30, whole(1, 366), "How old, in days, a paper on the trending list may be."),
    Setting("websub_hub", "", address, "A WebSub hub that tells readers' programs when a feed has something new."),
    Setting("arxiv_oai_url", "https://oaipmh.arxiv.org/oai", address, "arXiv's OAI-PMH server."),
    Setting("arxiv_feeds_url", "https://rss.arxiv.org", address, "arXiv's server of announcement feeds."),
    Setting("arxiv_api_url", "https://export.arxiv.org/api/query", address, "arXiv's Atom API."),
    Setting("doi_url", "https://doi.org", address, "The resolver of DOIs."),
    Setting("orcid_url", "https://pub.orcid.org/v3.0", address, "ORCID's public API."),
    Setting("huggingface_url", "https://huggingface.co", address, "Hugging Face, for votes and links."),
    Setting("zotero_url", "https://api.zotero.org", address, "Zotero's Web API."),
    Setting("zotero_key", "", text, "A Zotero key that may read the libraries you import; public ones need none."),
    Setting("hook_hosts", (), texts, "Hosts of your own network that web hooks and chats may reach, such as chat.lan."),
    Setting(
        "backup_days", 0, whole(0, 3660), "Days after which `broadsheet doctor` misses a newer backup; 0 never asks."
    ),
    Setting(
        "snapshot_address", "", text, "Where `broadsheet snapshot` keeps copies of the index, such as s3://bucket/path."
    ),
    Setting("snapshots_kept", 3, whole(1, 1000), "How many of them are kept there; older ones are deleted."),
    Setting("storage_endpoint", "", address, "The address of an S3-compatible server; empty for Amazon's."),
    Setting("storage_key", "", text, "The access key for it; empty to take AWS_ACCESS_KEY_ID and its like."),
    Setting("storage_secret", "", text, "Its secret."),
    Setting("debug", False, yes_or_no, "Show details of an error on the page; for those who work on Broadsheet."),
)


@dataclass(frozen=True)
class Config:
    """The settings in force, by attribute, and the home they belong to."""

    home: Path
    values: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - each setting has its own type
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None


def home(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder that holds the data of this site."""
    chosen = environment.get("BROADSHEET_HOME")
    return Path(chosen).expanduser().absolute() if chosen else Path.home() / ".local/share/broadsheet"


def load(environment: Mapping[str, str] = os.environ) -> Config:
    """Read the settings in force. Raises BadSetting for one that makes no sense or that is not known."""
    place = home(environment)
    try:
        # For its owner alone: it holds everybody's sessions, and the secrets of second factors.
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Before anything is read: a restore that was killed may have a part of its files still to put in their places.
        swap.finish(place)
    except OSError as problem:
        raise BadSetting(f"the home {place} cannot be used ({problem}): BROADSHEET_HOME names another") from problem
    written = _read_file(place / "broadsheet.toml")
    if unknown := set(written) - {setting.name for setting in SETTINGS}:
        raise BadSetting(f"{place / 'broadsheet.toml'}: no setting is called {', '.join(sorted(unknown))}")
    return Config(place, {setting.name: _value(setting, written, environment) for setting in SETTINGS})


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as problem:
        raise BadSetting(f"{path} cannot be read: {problem.strerror}") from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise BadSetting(f"{path} is not TOML: {problem}") from problem


def _value(setting: Setting, written: Mapping[str, Any], environment: Mapping[str, str]) -> object:
    origin, value = "broadsheet.toml", written.get(setting.name, setting.default)
    if setting.variable in environment:
        origin, value = setting.variable, environment[setting.variable]
    try:
        return setting.read(value)
    except ValueError as problem:
        # A password stands between the host and what is before it.
        shown = re.sub(r"(?<=//).*@", "\N{HORIZONTAL ELLIPSIS}@", repr(value))
        raise BadSetting(f"{setting.name} in {origin} is {shown}; allowed is {problem}") from problem


def secret_key(config: Config) -> str:
    """Give the key that signs; make one at the first start and keep it in the home, readable by its owner alone."""
    if config.secret_key:
        return str(config.secret_key)
    path = config.home / "secret"
    if not path.exists():
        # Of two processes that start at once the second takes the key of the first: each signs what the other reads.
        with lock(config.home / "secret.lock"):
            if not path.exists():
                write_whole(path, secrets.token_urlsafe(48).encode(), mode=0o600)
    return path.read_text()
