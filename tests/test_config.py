import threading
from datetime import date
from pathlib import Path

import pytest

from broadsheet.config import SETTINGS, BadSetting, load, secret_key
from broadsheet.lib.files import write_whole


def at(home: Path, **environment: str) -> dict[str, str]:
    return {"BROADSHEET_HOME": str(home), **environment}


def test_a_home_without_a_file_gives_the_defaults(tmp_path: Path) -> None:
    config = load(at(tmp_path))
    assert config.home == tmp_path
    assert config.categories == ("cs.AI", "cs.CL", "cs.CV", "cs.LG")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "broadsheet.toml").write_text('categories = ["math.CO"]\nholidays = [2026-11-26]\nweb_threads = 4\n')
    config = load(at(tmp_path, BROADSHEET_CATEGORIES="cs.LG, stat.ML"))
    assert config.categories == ("cs.LG", "stat.ML")
    assert config.holidays == (date(2026, 11, 26),)
    assert config.web_threads == 4


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('harvest_every = "often"', "harvest_every in broadsheet.toml is 'often'; allowed is a whole number from 5"),
        ("trending_prior = -1", "a number from 0 to 100"),
        ('encoder = "GPT 2"', "auto, none, or the name of an encoder"),
        ('sources = ["arxiv"]', "a list of arxiv-feeds, arxiv-oai, huggingface"),
        ('public_url = "papers.example.org"', "begins with http"),
        ('database = "mysql://x"', "postgresql://"),
        ('database = "postgresql://lab:pw@db:port/papers"', "postgresql://…@db:port/papers'; allowed is empty"),
        ('mail_url = "smtp://mail.lab.example:99999"', "smtps:// with TLS"),
        ('public_url = "https://[papers"', "begins with http"),
        ('oidc_server = "https://"', "begins with http"),
        ('cluster = "head:²"', "host:port of the cluster's head"),
        ('debug = "maybe"', "true or false"),
        ("colour = 1", "no setting is called colour"),
        ("categories = [", "is not TOML"),
        ("holidays = 3", "a list of days"),
        ("categories = 3", "a list of texts"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_with_what_is_allowed(tmp_path: Path, written: str, said: str) -> None:
    (tmp_path / "broadsheet.toml").write_text(written)
    with pytest.raises(BadSetting, match=said.replace("(", r"\(")):
        load(at(tmp_path))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_default_passes_its_own_check(setting: object) -> None:
    assert setting.read(setting.default) == setting.default  # type: ignore[attr-defined]


def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    config = load(at(tmp_path))
    first = secret_key(config)
    assert len(first) >= 50
    assert secret_key(config) == first
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_a_home_that_is_none_and_a_file_that_is_none_stop_the_start_with_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSetting, match="the home .* cannot be used .*BROADSHEET_HOME"):
        load(at(tmp_path / "file"))
    (tmp_path / "broadsheet.toml").mkdir()
    with pytest.raises(BadSetting, match=r"broadsheet.toml cannot be read: Is a directory"):
        load(at(tmp_path))


def test_two_processes_that_start_at_once_sign_with_one_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load(at(tmp_path))

    def late(path: Path, data: bytes, mode: int) -> None:
        # The other one looks for the key now, and waits for its turn.
        other.start()
        write_whole(path, data, mode)

    keys: list[str] = []
    other = threading.Thread(target=lambda: keys.append(secret_key(config)))
    monkeypatch.setattr("broadsheet.config.write_whole", late)
    first = secret_key(config)
    other.join()
    assert keys == [first]
