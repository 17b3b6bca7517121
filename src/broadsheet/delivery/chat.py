"""Chats: messages handed to Apprise in a process of its own (`chat_process` says why). Nothing here imports Apprise."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _

from broadsheet.delivery.hooks import AGAIN, GONE, said
from broadsheet.delivery.masked import without
from broadsheet.delivery.sending import Message, Outcome

SECONDS: Final = 20.0
LOOK_SECONDS: Final = 10.0
# What a Python needs to start and to trust certificates. Nothing else of the site's own environment, which holds
# secrets, and by which requests would find proxies and passwords.
KEPT: Final = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR")


class NoChat(ValueError):
    """An address that names no chat we can send to; its text says why."""


def look(target: str, message: Mapping[str, Any]) -> dict[str, str]:
    """Give service, title and text of a message as it would go out to an address. Raises NoChat."""
    answer = _ask({"do": "look", "target": target, "message": message, "hosts": []}, LOOK_SECONDS)
    if answer is None:
        raise NoChat(_("The address could not be looked at just now; try again in a moment."))
    if not answer.get("ok"):
        raise NoChat(without(str(answer.get("says", "")), target))
    return {name: str(answer[name]) for name in ("service", "title", "text")}


def send(message: Message) -> Outcome:
    """Hand a message over once and say what came of it."""
    hosts = list(settings.CONFIG.hook_hosts)
    asked = {"do": "send", "target": message.target, "message": message.body, "hosts": hosts}
    answer = _ask(asked, message.seconds or SECONDS)
    if answer is None:
        return Outcome("again", says=_("It took too long."), slow=True)
    status = int(answer.get("status") or 0)
    if answer.get("ok"):
        return Outcome("sent", status)
    says = without(str(answer.get("says", "")), message.target)
    if answer.get("refused") or "is not a public address" in says or "only 80 and 443" in says:
        return Outcome("failed", status, says)
    if status == GONE:
        return Outcome("gone", status, said(status))
    if status >= 400:
        again = status in AGAIN or status >= 500
        wait = str(answer.get("wait", ""))
        seconds = float(wait) if re.fullmatch(r"\d{1,6}", wait) else None
        return Outcome("again" if again else "failed", status, said(status), seconds if again else None)
    # Some services say no with a status of 200; what could not be reached has none.
    return Outcome("failed" if status else "again", status, says)


def _ask(asked: Mapping[str, Any], seconds: float) -> dict[str, Any] | None:
    """Ask a process of its own; None where it gave no answer in time, after which it is killed."""
    command = [sys.executable, "-m", "broadsheet.delivery.chat_process"]
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    try:
        done = subprocess.run(
            command,
            input=json.dumps(asked).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            env={**kept, "HOME": os.devnull, "NETRC": os.devnull},
            cwd="/",
            check=True,
        )
        answer = json.loads(done.stdout)
    except (subprocess.SubprocessError, OSError, ValueError):
        return None
    return answer if isinstance(answer, dict) else None
