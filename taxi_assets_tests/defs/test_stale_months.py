"""A month that the source has had for long and the champion has not seen is one event for each of its versions."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from taxi_assets.alerting.alert import Alert
from taxi_assets.defs.alerts import open_outbox
from taxi_assets.defs.stale_months import REMEDY, stale_months
from taxi_assets.settings import load_settings
from taxi_assets_tests.defs.new_trips import Sensor, publish
from taxi_assets_tests.defs.trained import ingest, make, source_of

pytestmark = pytest.mark.slow

SINCE = datetime(2024, 5, 1, tzinfo=UTC)
LATER = SINCE + timedelta(hours=49)
UI = "https://dagster.example/"


def look(
    instance: dg.DagsterInstance,
    *months: str,
    taken: Mapping[str, str] | None = None,
    fingerprint: str = "a",
    now: datetime = LATER,
) -> list[Alert]:
    """What is too old a sight, of months that are ingested as the source has them unless said otherwise."""
    seen = {month: (fingerprint, SINCE.isoformat()) for month in months}
    return stale_months(instance, seen, taken or dict.fromkeys(months, fingerprint), now, 48, UI)


def test_the_months_of_the_champion_and_older_ones_are_known_to_it(trained_instance: dg.DagsterInstance) -> None:
    assert look(trained_instance, "2023-06", "2024-01", "2024-02") == []


def test_a_month_that_is_ingested_and_not_trained_on_is_told_after_the_hours(
    trained: Path, trained_instance: dg.DagsterInstance
) -> None:
    ingest(source_of(trained), trained_instance, "2024-03")
    assert look(trained_instance, "2024-03", now=SINCE + timedelta(hours=47.9)) == []
    (alert,) = look(trained_instance, "2024-02", "2024-03")
    assert alert.subject == "ERROR: the champion has not seen 2024-03, which the source has had for over 48 hours"
    assert alert.details == {
        "asset": "champion_model",
        "month": "2024-03",
        "at the source since": "2024-05-01 00:00:00 UTC",
        "ingested": "yes",
        "champion was chosen on": "2024-01, 2024-02",
        "expected": "a champion chosen with this month within 48 hours",
        "remedy": REMEDY,
    }
    assert (alert.at, alert.link) == (LATER, "https://dagster.example/assets/champion_model")
    make(source_of(trained), trained_instance, "training_set", "xgboost_model")
    make(source_of(trained), trained_instance, "champion_model")
    assert look(trained_instance, "2024-02", "2024-03") == []


def test_a_month_that_is_not_ingested_is_told(trained_instance: dg.DagsterInstance) -> None:
    (new,) = look(trained_instance, "2024-03", taken={"2024-02": "a"})
    assert new.details["ingested"].startswith("no: see the runs of raw_trips")
    (old,) = look(trained_instance, "2023-06", taken={"2023-06": "another version"})
    assert old.details["month"] == "2023-06"


def test_a_corrected_month_is_told_until_it_was_trained_on(trained: Path, trained_instance: dg.DagsterInstance) -> None:
    corrected = source_of(trained, seed=2)
    ingest(corrected, trained_instance, "2024-02")
    assert [alert.details["month"] for alert in look(trained_instance, "2024-01", "2024-02")] == ["2024-02"]
    make(corrected, trained_instance, "training_set", "xgboost_model")
    make(corrected, trained_instance, "champion_model")
    assert look(trained_instance, "2024-01", "2024-02") == []


def test_where_there_is_no_champion_every_month_is_told(ready_instance: dg.DagsterInstance) -> None:
    (alert,) = look(ready_instance, "2024-01")
    assert alert.details["champion was chosen on"] == "nothing: there is none"


def test_a_version_is_one_event_whenever_it_is_seen(trained_instance: dg.DagsterInstance) -> None:
    def event_of(month: str, fingerprint: str, now: datetime) -> str:
        (alert,) = look(trained_instance, month, fingerprint=fingerprint, now=now)
        return alert.event_id

    first = event_of("2024-03", "a", LATER)
    assert first.startswith("stale:2024-03:")
    assert event_of("2024-03", "a", LATER + timedelta(days=9)) == first
    assert event_of("2024-03", "b", LATER) != first
    assert event_of("2024-04", "a", LATER) != first


def test_the_sensor_puts_it_into_the_outbox_once(
    ready: Path, ready_instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAXI_STALE_HOURS", "1e-9")
    publish(tmp_path / "source", "2024-01")
    sensor = Sensor(ready_instance, ready, tmp_path / "source")
    outbox = open_outbox(load_settings())
    for _ in range(3):
        sensor.look()
    assert outbox.backlog()["log"].waiting == 1
    waiting = outbox.next_due("log", datetime.now(UTC))
    assert waiting is not None
    assert waiting.alert.details["month"] == "2024-01"
