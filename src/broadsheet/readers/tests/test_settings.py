import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from broadsheet import settings

PLAIN = {"EMAIL_USE_SSL": False, "EMAIL_USE_TLS": False}
STARTTLS = {"EMAIL_USE_SSL": False, "EMAIL_USE_TLS": True}
TLS = {"EMAIL_USE_SSL": True, "EMAIL_USE_TLS": False}


@pytest.mark.parametrize(
    ("url", "port", "way"),
    [
        ("smtp://me:pass@mail.lab.example", 587, STARTTLS),
        ("smtp://me:pass@mail.lab.example:25", 25, STARTTLS),
        ("smtp://mail.lab.example:2525", 2525, STARTTLS),
        ("smtp://mail.lab.example:25", 25, PLAIN),
        ("smtp://localhost:1025", 1025, PLAIN),
        ("smtp://me:pass@127.0.0.1:1025", 1025, STARTTLS),
        ("smtp://[::1]:1025", 1025, PLAIN),
        ("smtps://me:pass@mail.lab.example", 465, TLS),
        ("smtps://mail.lab.example:4650", 4650, TLS),
    ],
)
def test_a_password_never_goes_to_a_mail_server_in_the_clear(url: str, port: int, way: dict[str, bool]) -> None:
    read = settings.mail_server(url)
    assert read["EMAIL_PORT"] == port and way.items() <= read.items()


def test_signs_in_names_and_passwords_are_read_as_they_were_meant() -> None:
    read = settings.mail_server("smtp://me%40lab.example:p%40ss%2Fword@mail.lab.example")
    assert (read["EMAIL_HOST_USER"], read["EMAIL_HOST_PASSWORD"]) == ("me@lab.example", "p@ss/word")


ASKED = (
    "DEBUG SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE SESSION_COOKIE_AGE SESSION_COOKIE_HTTPONLY EMAIL_BACKEND "
    "ACCOUNT_EMAIL_VERIFICATION ACCOUNT_LOGIN_BY_CODE_ENABLED ACCOUNT_DEFAULT_HTTP_PROTOCOL DEFAULT_FROM_EMAIL "
    "ALLAUTH_TRUSTED_PROXY_COUNT CONTENT_SECURITY_POLICY INSTALLED_APPS"
)
SCRIPT = f"""
import json
from broadsheet.cli import prepare
prepare()
from django.conf import settings
from django.core.checks import run_checks
found = {{name: getattr(settings, name) for name in "{ASKED}".split()}}
found["checks"] = [str(problem) for problem in run_checks()]
found["proxy"] = getattr(settings, "SECURE_PROXY_SSL_HEADER", None)
print(json.dumps(found))
"""


def site(home: Path, **values: str) -> dict[str, object]:
    """The settings of a site with these settings of its own, read in a process of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
    given = {f"BROADSHEET_{name.upper()}": value for name, value in values.items()}
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**clean, **given, "BROADSHEET_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(run.stdout)
    return found


@pytest.mark.slow
def test_a_site_without_settings_keeps_its_mails_in_a_folder_that_others_cannot_read(tmp_path: Path) -> None:
    found = site(tmp_path)
    assert found["checks"] == []
    assert found["EMAIL_BACKEND"] == "django.core.mail.backends.filebased.EmailBackend"
    assert (tmp_path / "mail").stat().st_mode & 0o777 == 0o700
    assert found["ACCOUNT_EMAIL_VERIFICATION"] == "none" and not found["ACCOUNT_LOGIN_BY_CODE_ENABLED"]
    assert not found["SESSION_COOKIE_SECURE"] and found["SESSION_COOKIE_HTTPONLY"] and found["proxy"] is None
    assert "allauth.socialaccount.providers.github" not in str(found["INSTALLED_APPS"])


@pytest.mark.slow
def test_a_public_site_has_secure_cookies_proved_addresses_and_the_ways_in_it_was_given(tmp_path: Path) -> None:
    found = site(
        tmp_path,
        public_url="https://papers.lab.example",
        mail_url="smtps://me:pass@mail.lab.example",
        mail_from="Papers <papers@lab.example>",
        trusted_proxies="1",
        session_days="7",
        github_client="g",
        orcid_client="o",
        oidc_client="c",
        oidc_server="https://sso.lab.example/realms/lab",
    )
    assert found["checks"] == []
    assert found["SESSION_COOKIE_SECURE"] and found["CSRF_COOKIE_SECURE"] and found["SESSION_COOKIE_AGE"] == 7 * 86400
    assert found["ACCOUNT_DEFAULT_HTTP_PROTOCOL"] == "https" and found["proxy"] == ["HTTP_X_FORWARDED_PROTO", "https"]
    assert found["ACCOUNT_EMAIL_VERIFICATION"] == "mandatory" and found["ACCOUNT_LOGIN_BY_CODE_ENABLED"]
    assert found["DEFAULT_FROM_EMAIL"] == "Papers <papers@lab.example>" and found["ALLAUTH_TRUSTED_PROXY_COUNT"] == 1
    forms = found["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]["form-action"]  # type: ignore[index]
    assert forms[1:] == ["https://github.com", "https://orcid.org", "https://sso.lab.example"]
