"""A real process is killed with SIGKILL while a message is on its way."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from broadsheet.lib.tests.loopback import playing

pytestmark = pytest.mark.slow
BEGIN = """
import sys
from datetime import timedelta
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from broadsheet.community.tests.factory import reader
from broadsheet.delivery import due
from broadsheet.delivery.tests.places_of import LATER, come, place
place(reader(), sys.argv[1], most=1)
come([1, 2, 3])
due.prepare(LATER)
due.Round(clock=lambda: LATER).run()
"""
GO_ON = """
import django
django.setup()
from broadsheet.delivery import due
from broadsheet.delivery.models import Delivery
from broadsheet.delivery.tests.places_of import LATER
print(due.Round(clock=lambda: LATER).run())
due.prepare(LATER + due.LEASE)
print(due.Round(clock=lambda: LATER + due.LEASE).run())
print(*Delivery.objects.values_list("state", flat=True))
"""


def test_a_message_on_its_way_when_the_process_dies_is_sent_once_more_with_its_number(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "BROADSHEET_HOME": str(tmp_path),
        "BROADSHEET_HOOK_HOSTS": "127.0.0.1",
        "BROADSHEET_ENCODER": "none",
        "BROADSHEET_DATABASE": "",
        "DJANGO_SETTINGS_MODULE": "broadsheet.settings",
    }
    with playing() as server:
        server.answer("/in")
        server.answer("/in", b"x" * 200, drip=0.1)
        server.answer("/in")
        command = [sys.executable, "-c", BEGIN, f"{server.base}/in"]
        process = subprocess.Popen(command, env=environment)
        while len(server.asked) < 2:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        done = subprocess.run(
            [sys.executable, "-c", GO_ON], env=environment, capture_output=True, text=True, check=True
        )
    assert done.stdout.split() == ["0", "2", "sent", "sent", "sent"]
    numbers = [asked.headers["webhook-id"] for asked in server.asked]
    assert numbers[1] == numbers[2] and len(numbers) == 4 and len(set(numbers)) == 3
    papers = [json.loads(asked.body)["papers"][0]["id"] for asked in server.asked]
    assert sorted(set(papers)) == ["2611.00001", "2611.00002", "2611.00003"]
