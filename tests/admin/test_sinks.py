"""The page of the sinks of the audit log."""

import re
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from accounts.audit_sinks import FILE, outlets
from audit.models import ChainHead, Event
from audit.sinks.delivery import deliver
from config.env import Address
from tests.admin.helpers import page, text_of
from tests.conftest import Cast, make_key
from tests.logins import browser

pytestmark = pytest.mark.once


def cells(text: str) -> list[list[str]]:
    """What the table says, by rows."""
    rows = re.findall(r"<tr>(<th scope=.row.*?)</tr>", text, re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>([^<]*)<", row) for row in rows]


def test_each_sink_says_how_far_it_is(cast: Cast, settings: Settings, tmp_path: Path) -> None:
    settings.AUDIT_FILE = str(tmp_path / "audit.jsonl")
    settings.AUDIT_SYSLOG = Address("logs.example.org", 6514)
    make_key(cast.alice)
    ada = browser(cast.ada)
    (filled,) = (outlet for outlet in outlets() if outlet.name == FILE)
    deliver(filled, None)
    count = str(ChainHead.objects.get().sequence)
    syslog, file = cells(text_of(ada.get(page("audit_sinks"))))
    assert file == ["file", count, "0", "0", "0"]
    assert (syslog[:3], syslog[4]) == (["syslog", "0", count], "0")
    assert "logs.example.org" not in text_of(ada.get(page("audit_sinks")))


def test_an_installation_without_sinks_says_so(cast: Cast) -> None:
    audrey = browser(cast.audrey)
    assert page("audit_sinks") in text_of(audrey.get(page("audit_event_changelist")))
    shown = text_of(audrey.get(page("audit_sinks")))
    assert "The audit log is sent nowhere." in shown and "<table" not in shown


def test_the_page_is_for_those_who_read_every_event(cast: Cast, strong_owners: None) -> None:
    alice = browser(cast.alice)
    assert page("audit_sinks") not in text_of(alice.get(page("audit_event_changelist")))
    assert alice.get(page("audit_sinks")).status_code == 403
    assert Event.objects.latest("sequence").target_label == f"GET {page('audit_sinks')}"
    assert browser(cast.ada).post(page("audit_sinks")).status_code == 405
