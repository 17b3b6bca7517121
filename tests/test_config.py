from datetime import date
from pathlib import Path

import pytest

from broadsheet.config import SETTINGS, BadSetting, load, secret_key


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
