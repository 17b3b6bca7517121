"""Requests that a machine makes up from the OpenAPI document, with every check of Schemathesis on.

CASES is the number of examples for each operation; for a long run, as before a release, set both variables:

    TEST_API_CASES=5000 TEST_API_SECONDS=1200 python -m pytest src/broadsheet/api/v1/tests/test_generated_cases.py
"""

import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from broadsheet.api.v1.document import document
from broadsheet.api.v1.tests.conftest import made
from broadsheet.community import comments
from broadsheet.community.tests.factory import reader
from broadsheet.lib.clock import now
from broadsheet.papers import finding
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.factory import NOON
from broadsheet.readers import tokens

CASES = int(os.environ.get("TEST_API_CASES", "6"))
SECONDS = int(os.environ.get("TEST_API_SECONDS", "14"))


@dataclass
class Outcome:
    """What came of a run: cases by operation, statuses, and what failed, each once."""

    cases: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        told = ", ".join(f"{status}: {count:,}" for status, count in sorted(self.statuses.items()))
        cases = f"{sum(self.cases.values()):,} cases in {len(self.cases)} operations"
        return f"{cases} ({told}); {len(self.failures)} failures"


def config(secret: str) -> dict[str, Any]:
    return {
        "max-time": SECONDS,
        "seed": 7,
        "continue-on-failure": True,
        "auth": {"openapi": {"token": {"bearer": secret}}},
        "checks": {"enabled": True},
        "generation": {"max-examples": CASES, "mode": "all", "no-shrink": True, "database": "none"},
        "workers": 1,
        "warnings": False,
    }


def run(site: str, secret: str) -> Outcome:
    import schemathesis
    from schemathesis.engine import events, from_schema

    settings = schemathesis.config.SchemathesisConfig.from_dict(config(secret))
    schema = schemathesis.openapi.from_url(f"{site}/api/v1/openapi.json", config=settings)
    outcome = Outcome()
    for event in from_schema(schema).execute():
        if isinstance(event, events.FatalError):
            raise event.exception
        if isinstance(event, events.NonFatalError):
            outcome.failures[f"{event.label}: {event.value!r}"] = ""
        if isinstance(event, events.ScenarioFinished):
            _note(event.recorder, event.label or "a sequence", outcome)
    return outcome


def _note(recorder: Any, label: str, outcome: Outcome) -> None:  # noqa: ANN401 - a class of Schemathesis
    for number, interaction in recorder.interactions.items():
        outcome.cases[label] += 1
        if interaction.response is not None:
            outcome.statuses[interaction.response.status_code] += 1
        for check in recorder.checks.get(number, ()):
            if check.failure_info is not None:
                failure = check.failure_info.failure
                told = f"{label}: {check.name}: {failure.title}: {failure.message[:300]}"
                outcome.failures.setdefault(told, check.failure_info.code_sample)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore")
def test_no_request_that_a_machine_makes_up_breaks_a_promise(
    live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How often a reader may act is counted by its own rules, which would end every long run.
    monkeypatch.setattr("broadsheet.api.acts.must_be_few", lambda *_given: None)
    ingest(made(), now=NOON)
    finding.index()
    ada = reader()
    for text in ("What of bees?", "And wasps?"):
        comments.write(ada, Paper.objects.get(key="2611.00001"), text, now=now())
    secret = tokens.make(ada, "generated cases", ["read", "write"], days=1, now=now())[1]

    outcome = run(live_server.url, secret)

    sys.stderr.write(f"{outcome}\n")
    assert not outcome.failures, "\n\n".join(f"{told}\n{code}" for told, code in outcome.failures.items())[:20000]
    operations = sum(len(methods) for methods in document()["paths"].values())
    assert sum(outcome.cases.values()) > operations
