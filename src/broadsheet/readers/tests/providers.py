"""A site with ORCID, GitHub and a provider of its own, all played by one server on this machine.

Run as a program, in a process of its own: ways to sign in are there from the start of a site or not at all. It goes
through SCENES, each on an empty database, and prints their names; the first that fails ends it.
"""

import base64
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

ORCID = "0000-0002-1825-0097"


class Provider:
    """Plays the ends of OAuth 2 (RFC 6749, with RFC 7636) and OpenID Connect that allauth talks to.

    person: who signs in there now. broken: every answer but that of the login is an error.
    """

    def __init__(self) -> None:
        self.person = {"sub": "s1", "email": "bo@lab.example", "email_verified": True, "name": "Bo Brandt"}
        self.broken = False
        self.challenges: dict[str, str] = {}
        self.told: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self, {})

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                outer.answer(self, dict(parse_qsl(self.rfile.read(length).decode())))

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler, form: dict[str, str]) -> None:
        path = urlsplit(handler.path).path
        status, body = (500, {"error": "server_error"}) if self.broken else self.body(path, form)
        raw = json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    def body(self, path: str, form: dict[str, str]) -> tuple[int, object]:
        if path == "/.well-known/openid-configuration":
            ends = {"authorization_endpoint": "authorize", "token_endpoint": "token", "userinfo_endpoint": "userinfo"}
            return 200, {"issuer": self.base, "jwks_uri": f"{self.base}/jwks"} | {
                name: f"{self.base}/{end}" for name, end in ends.items()
            }
        if path == "/token":
            return self.token(form)
        if path == "/userinfo":
            return 200, self.person
        if path == "/user":
            return 200, {"id": 4711, "login": "bo-at-github", "name": self.person["name"], "email": None}
        if path == "/user/emails":
            return 200, [{"email": self.person["email"], "primary": True, "verified": True}]
        if path == f"/{ORCID}/record":
            name = {"given-names": {"value": "Bo"}, "family-name": {"value": "Brandt"}}
            return 200, {
                "orcid-identifier": {"path": ORCID, "uri": f"https://orcid.org/{ORCID}"},
                "person": {"name": name},
            }
        return 404, {}

    def token(self, form: dict[str, str]) -> tuple[int, object]:
        challenge = self.challenges.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proved = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if challenge is None or form.get("client_secret") != "s" or (challenge and proved != challenge):
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "t", "token_type": "bearer", "orcid": ORCID}

    def consent(self, address: str) -> str:
        """Say yes there; give where the browser is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(self.base), address
        assert asked["response_type"] == "code" and asked["client_id"] == "c"
        code = f"code{len(self.challenges)}{time.time_ns()}"
        self.challenges[code] = asked.get("code_challenge", "")
        self.told.append(asked["redirect_uri"])
        return urlsplit(asked["redirect_uri"]).path + "?" + urlencode({"code": code, "state": asked["state"]})


provider = Provider()
PATHS = {"oidc": "/account/oidc/oidc/login/", "orcid": "/account/orcid/login/", "github": "/account/github/login/"}
NEW = {"name": "Bo Brandt", "handle": "bo", "email": "bo@lab.example"}


def main() -> None:
    """Set the site up, and play the scenes."""
    home = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="broadsheet-providers-")
    clients = {
        f"BROADSHEET_{name}_{part}": part[0].lower()
        for name in ("GITHUB", "ORCID", "OIDC")
        for part in ("CLIENT", "SECRET")
    }
    os.environ |= {
        **clients,
        "BROADSHEET_HOME": home,
        "BROADSHEET_DATABASE": "",
        "BROADSHEET_OIDC_SERVER": provider.base,
        "BROADSHEET_OIDC_NAME": "The lab",
    }
    from broadsheet.cli import prepare

    prepare()
    from allauth.socialaccount.providers.github.views import GitHubOAuth2Adapter
    from allauth.socialaccount.providers.orcid.views import OrcidOAuth2Adapter
    from django.core.management import call_command
    from django.test.utils import setup_test_environment

    from broadsheet.papers.database import migrate

    for adapter in (GitHubOAuth2Adapter, OrcidOAuth2Adapter):
        adapter.authorize_url, adapter.access_token_url = f"{provider.base}/authorize", f"{provider.base}/token"
    GitHubOAuth2Adapter.profile_url, GitHubOAuth2Adapter.emails_url = (
        f"{provider.base}/user",
        f"{provider.base}/user/emails",
    )
    OrcidOAuth2Adapter.profile_url = f"{provider.base}/%s/record"
    setup_test_environment()
    migrate()
    for scene in SCENES:
        call_command("flush", interactive=False, verbosity=0)
        provider.broken = False
        scene()
        print(scene.__name__)  # noqa: T201 - this is the program's output


def invited() -> "object":
    from django.test import Client

    from broadsheet.lib.clock import now
    from broadsheet.readers import invitations

    browser = Client()
    browser.post(f"/join/{invitations.invite(None, role='curator', now=now())[1]}")
    return browser


def sign_in(browser: object, name: str, **data: str) -> object:
    """Go to the provider and back; give the answer."""
    there = browser.post(PATHS[name], data)  # type: ignore[attr-defined]
    assert there.status_code == 302, there.content
    return browser.get(provider.consent(there["Location"]))  # type: ignore[attr-defined]


def who(browser: object) -> str:
    from broadsheet.readers.tests.site import who as found

    return found(browser)  # type: ignore[arg-type]


def the_invited_join_by_each_provider_and_sign_in_again() -> None:
    from allauth.socialaccount.models import SocialToken
    from django.test import Client

    from broadsheet.readers import belongings
    from broadsheet.readers.models import Reader

    for name in PATHS:
        browser = invited()
        assert sign_in(browser, name)["Location"] == "/account/3rdparty/signup/"  # type: ignore[index]
        form = browser.get("/account/3rdparty/signup/").content.decode()  # type: ignore[attr-defined]
        assert "Bo Brandt" in form and 'name="handle"' in form
        browser.post("/account/3rdparty/signup/", NEW)  # type: ignore[attr-defined]
        bo = Reader.objects.get()
        assert who(browser) == "bo" and bo.role == "curator" and not bo.has_usable_password()
        assert bo.orcid == (ORCID if name == "orcid" else "")
        proved = bo.emailaddress_set.filter(verified=True).exists()  # type: ignore[attr-defined]
        assert proved == (name != "orcid"), name
        again = Client()
        assert sign_in(again, name)["Location"] == "/" and who(again) == "bo"  # type: ignore[index]
        assert not SocialToken.objects.exists()
        belongings.erase(bo)


def without_an_invitation_the_door_is_shut() -> None:
    from django.test import Client

    from broadsheet.readers.models import Reader

    browser = Client()
    answer = sign_in(browser, "oidc")
    assert answer.status_code == 200 and b"By invitation" in answer.content  # type: ignore[attr-defined]
    browser.post("/account/3rdparty/signup/", NEW)
    assert not Reader.objects.exists()


def an_address_told_by_a_provider_opens_nobodys_account() -> None:
    from broadsheet.readers.models import Reader
    from broadsheet.readers.tests.site import reader

    reader("bo")
    browser = invited()
    sign_in(browser, "oidc")
    answer = browser.post("/account/3rdparty/signup/", NEW | {"handle": "bo2"})  # type: ignore[attr-defined]
    assert answer.status_code == 200 and who(browser) == "" and Reader.objects.count() == 1


def who_is_here_connects_orcid_and_has_a_proved_id() -> None:
    from django.test import Client

    from broadsheet.readers.models import Reader
    from broadsheet.readers.tests import site

    ada, browser = site.reader("ada"), Client()
    site.sign_in(browser, ada.email)
    browser.post("/account/reauthenticate/", {"password": site.PASSWORD})
    sign_in(browser, "orcid", process="connect")
    assert Reader.objects.get().orcid == ORCID
    other = Client()
    site.sign_in(other, site.reader("cy").email)
    other.post("/account/reauthenticate/", {"password": site.PASSWORD})
    sign_in(other, "orcid", process="connect")
    assert Reader.objects.get(handle="cy").orcid == "" and Reader.objects.get(handle="ada").orcid == ORCID


def who_is_suspended_is_not_let_in() -> None:
    from django.test import Client

    from broadsheet.readers.models import Reader

    browser = invited()
    sign_in(browser, "oidc")
    browser.post("/account/3rdparty/signup/", NEW)  # type: ignore[attr-defined]
    Reader.objects.update(state="suspended")
    again = Client()
    assert sign_in(again, "oidc")["Location"] == "/account/inactive/" and who(again) == ""  # type: ignore[index]


def what_does_not_fit_signs_nobody_in() -> None:
    from django.test import Client

    browser = invited()
    back = provider.consent(browser.post(PATHS["oidc"])["Location"])  # type: ignore[attr-defined]
    for wrong in (back.replace("state=", "state=x"), back.replace("code=", "code=x"), back.split("?")[0]):
        assert browser.get(wrong).status_code in (200, 401, 403), wrong  # type: ignore[attr-defined]
    assert Client().get(back).status_code in (200, 401, 403)
    assert who(browser) == ""
    answer = browser.get("/account/3rdparty/signup/")  # type: ignore[attr-defined]
    assert answer.status_code == 302


def a_provider_that_is_down_is_said_on_a_page() -> None:
    browser = invited()
    back = provider.consent(browser.post(PATHS["oidc"])["Location"])  # type: ignore[attr-defined]
    provider.broken = True
    assert browser.get(back).status_code == 502  # type: ignore[attr-defined]
    assert browser.post(PATHS["oidc"]).status_code == 502  # type: ignore[attr-defined]


def the_pages_name_the_ways_in_and_let_forms_lead_there() -> None:
    from django.test import Client

    answer = Client().get("/account/login/")
    page, policy = answer.content.decode(), answer["Content-Security-Policy"]
    for name in ("GitHub", "The lab", PATHS["oidc"], PATHS["orcid"]):
        assert name in page, name
    assert f"form-action 'self' https://github.com https://orcid.org {provider.base}" in policy


SCENES: tuple[Callable[[], None], ...] = (
    the_invited_join_by_each_provider_and_sign_in_again,
    without_an_invitation_the_door_is_shut,
    an_address_told_by_a_provider_opens_nobodys_account,
    who_is_here_connects_orcid_and_has_a_proved_id,
    who_is_suspended_is_not_let_in,
    what_does_not_fit_signs_nobody_in,
    a_provider_that_is_down_is_said_on_a_page,
    the_pages_name_the_ways_in_and_let_forms_lead_there,
)

if __name__ == "__main__":
    main()
