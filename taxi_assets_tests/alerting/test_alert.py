"""What an alert says is plain text, whatever the data says."""

from dataclasses import replace

import pytest

from taxi_assets.alerting.alert import TITLE_LENGTH, VALUE_LENGTH, Alert
from taxi_assets_tests.alerting.events import failed_check


def test_an_alert_says_all_that_it_knows() -> None:
    alert = failed_check()
    assert alert.subject == "ERROR: clean_trips 2024-03-01: the check rows failed"
    assert alert.text.splitlines() == [
        "asset: clean_trips",
        "partition: 2024-03-01",
        "expected: over 0",
        "actual: 0",
        "run: run-1",
        "at: 2024-03-01 12:00:00 UTC",
        "link: http://ui.example.com/runs/run-1",
        "event: check/run-1/rows",
    ]


def test_an_alert_without_time_and_link_says_its_event() -> None:
    assert Alert("e/1", "WARN", "title").text == "event: e/1"


@pytest.mark.parametrize("title", ["a\nBcc: x@example.com", "a\r\nBcc: x@example.com", "a\u2028Bcc: x@example.com"])
def test_a_subject_is_one_line(title: str) -> None:
    assert replace(failed_check(), title=title).subject == "ERROR: a Bcc: x@example.com"


def test_a_value_cannot_pass_for_other_lines() -> None:
    text = Alert("e/1", "WARN", "t", {"error": "first\nevent: forged\r\nlink: http://forged"}).text
    assert text.splitlines() == ["error: first", "  event: forged", "  link: http://forged", "event: e/1"]


@pytest.mark.parametrize("character", ["\x1b", "\x00", "\x07", "\u202e", "\ud800"])
def test_what_steers_terminals_or_cannot_be_encoded_is_not_shown(character: str) -> None:
    alert = Alert("e/1", "WARN", f"a{character}b", {"value": f"a{character}b"})
    assert alert.subject == "WARN: a\ufffdb"
    assert alert.text.startswith("value: a\ufffdb\n")
    (alert.subject + alert.text).encode()


def test_what_is_very_long_is_cut() -> None:
    alert = Alert("e/1", "WARN", "t" * 10_000, {"value": "v" * 1_000_000})
    assert alert.subject == "WARN: " + "t" * (TITLE_LENGTH - 1) + "…"
    assert alert.text == "value: " + "v" * (VALUE_LENGTH - 1) + "…\nevent: e/1"


def test_what_is_just_not_too_long_is_whole() -> None:
    assert Alert("e", "WARN", "t", {"v": "x" * VALUE_LENGTH}).text == f"v: {'x' * VALUE_LENGTH}\nevent: e"


@pytest.mark.parametrize("length", [2000, 700, 200])
def test_a_short_text_keeps_the_event_and_the_link(length: int) -> None:
    details = {"asset": "clean_trips", "expected": "e" * 5_000, "actual": "a" * 5_000}
    text = replace(failed_check(), details=details).text_within(length)
    assert len(text) <= length
    assert text.startswith("asset: clean_trips\nexpected: e")
    assert text.endswith("link: http://ui.example.com/runs/run-1\nevent: check/run-1/rows")


def test_a_text_that_fits_is_not_cut() -> None:
    alert = failed_check()
    assert alert.text_within(len(alert.text)) == alert.text
