"""Alerts of tests."""

from collections.abc import Iterable
from datetime import UTC, datetime

from taxi_assets.alerting.alert import Alert
from taxi_assets.alerting.outbox import Outbox

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


def failed_check(event_id: str = "check/run-1/rows") -> Alert:
    return Alert(
        event_id,
        "ERROR",
        "clean_trips 2024-03-01: the check rows failed",
        {"asset": "clean_trips", "partition": "2024-03-01", "expected": "over 0", "actual": "0", "run": "run-1"},
        NOON,
        "http://ui.example.com/runs/run-1",
    )


def event_ids(count: int) -> list[str]:
    return [f"event/{number:04}" for number in range(count)]


def filled(outbox: Outbox, channels: Iterable[str], count: int, first: int = 0) -> list[str]:
    """Adds so many alerts after those that came first, and gives their ids."""
    ids = event_ids(first + count)[first:]
    assert outbox.add([failed_check(event_id) for event_id in ids], list(channels)) == count
    return ids
