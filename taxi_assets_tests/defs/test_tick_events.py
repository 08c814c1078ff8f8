"""A sensor or schedule that begins to fail is found once, on both storages, however long it fails."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._core.errors import SensorExecutionError, user_code_error_boundary
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorTick,
    InstigatorType,
    ScheduleInstigatorData,
    TickData,
    TickStatus,
)
from dagster._utils.error import SerializableErrorInfo, serializable_error_info_from_exc_info

from taxi_assets.alerting.alert import Alert
from taxi_assets.defs.tick_events import tick_events
from taxi_assets.errors import SourceUnavailableError
from taxi_assets_tests.defs.toy_runs import UI, ids, titles

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Instigator:
    """A sensor or schedule, as the daemon notes its state and its ticks."""

    def __init__(self, instance: dg.DagsterInstance, name: str, kind: InstigatorType, location: str) -> None:
        origin = RemoteRepositoryOrigin(
            GrpcServerCodeLocationOrigin("localhost", 4000, None, location), "__repository__"
        )
        data = ScheduleInstigatorData("@hourly") if kind is InstigatorType.SCHEDULE else None
        state = InstigatorState(origin.get_instigator_origin(name), kind, InstigatorStatus.DECLARED_IN_CODE, data)
        self.instance = instance
        self.state = instance.add_instigator_state(state)

    def begin(self, minutes: float, failures: int = 0) -> InstigatorTick:
        """A tick some minutes after noon begins, after so many failures."""
        return self.instance.create_tick(
            TickData(
                self.state.instigator_origin_id,
                self.state.name,
                self.state.instigator_type,
                TickStatus.STARTED,
                (NOON + timedelta(minutes=minutes)).timestamp(),
                selector_id=self.state.selector_id,
                consecutive_failure_count=failures,
            )
        )

    def end(self, tick: InstigatorTick, status: TickStatus, **values: Any) -> InstigatorTick:
        """It ends."""
        failed = status is TickStatus.FAILURE
        if failed:
            values["error"] = error_of_a_sensor()
        count = tick.consecutive_failure_count + 1 if failed else 0
        return self.instance.update_tick(tick.with_status(status, consecutive_failure_count=count, **values))

    def ticks(self, minutes: float, *statuses: TickStatus) -> list[InstigatorTick]:
        """Ticks one after the other, a minute between them."""
        done: list[InstigatorTick] = []
        for number, status in enumerate(statuses):
            failures = done[-1].consecutive_failure_count if done else 0
            done.append(self.end(self.begin(minutes + number, failures), status))
        return done

    def event(self, tick: InstigatorTick) -> str:
        return f"tick:{self.state.selector_id}:{tick.tick_id}"


def error_of_a_sensor() -> SerializableErrorInfo:
    """What Dagster records of a sensor that raises."""
    try:
        with user_code_error_boundary(SensorExecutionError, lambda: "Error occurred during the execution of a sensor"):
            raise SourceUnavailableError("The source did not answer.\nTry again later.")
    except SensorExecutionError:
        return serializable_error_info_from_exc_info(sys.exc_info())


class Looks:
    """One look after the other."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.notes: dict[str, str] = {}

    def look(self, minutes: float, ui_url: str | None = UI) -> list[Alert]:
        """What is found some minutes after noon."""
        found = tick_events(self.instance, self.notes, NOON + timedelta(minutes=minutes), ui_url)
        self.notes.update(found.notes)
        return found.alerts


@pytest.fixture
def sensor(stored_instance: dg.DagsterInstance) -> Instigator:
    return Instigator(stored_instance, "new_trip_data", InstigatorType.SENSOR, "taxi assets")


@pytest.fixture
def looks(stored_instance: dg.DagsterInstance) -> Looks:
    return Looks(stored_instance)


SUCCESS, FAILURE, SKIPPED = TickStatus.SUCCESS, TickStatus.FAILURE, TickStatus.SKIPPED


def test_a_sensor_that_fails_says_why_since_when_and_where(sensor: Instigator, looks: Looks) -> None:
    _, first, _ = sensor.ticks(0, SUCCESS, FAILURE, FAILURE)
    (alert,) = looks.look(10)
    assert alert.event_id == sensor.event(first)
    assert alert.subject == "ERROR: sensor new_trip_data fails"
    assert alert.at == NOON + timedelta(minutes=1)
    assert alert.link == f"{UI}locations/taxi%20assets/sensors/new_trip_data"
    assert dict(alert.details) == {
        "sensor": "new_trip_data",
        "code location": "taxi assets",
        "error": "taxi_assets.errors.SourceUnavailableError: The source did not answer. Try again later.",
        "since": "2026-03-02 12:01:00 UTC",
    }


def test_a_schedule_that_fails_says_so_too(stored_instance: dg.DagsterInstance, looks: Looks) -> None:
    schedule = Instigator(stored_instance, "retrain_hourly", InstigatorType.SCHEDULE, "taxi_assets")
    schedule.ticks(0, FAILURE)
    (alert,) = looks.look(1)
    assert alert.subject == "ERROR: schedule retrain_hourly fails"
    assert alert.link == f"{UI}locations/taxi_assets/schedules/retrain_hourly"


def test_a_night_of_failures_is_one_event_and_the_next_night_another(sensor: Instigator, looks: Looks) -> None:
    assert looks.look(0) == []
    first, *_ = sensor.ticks(0, *[FAILURE] * 5)
    assert ids(looks.look(5)) == [sensor.event(first)]
    sensor.end(sensor.begin(6, failures=5), FAILURE)
    assert looks.look(7) == []
    sensor.ticks(8, SKIPPED)
    assert looks.look(9) == []
    again, _ = sensor.ticks(10, FAILURE, FAILURE)
    assert ids(looks.look(12)) == [sensor.event(again)]
    assert looks.look(13) == []


def test_two_streaks_between_two_looks_are_two_events(sensor: Instigator, looks: Looks) -> None:
    ticks = sensor.ticks(0, FAILURE, FAILURE, SUCCESS, FAILURE, SKIPPED)
    assert ids(looks.look(10)) == [sensor.event(ticks[0]), sensor.event(ticks[3])]


def test_a_tick_that_goes_on_is_waited_for(sensor: Instigator, looks: Looks) -> None:
    slow = sensor.begin(0)
    assert looks.look(30) == []
    sensor.end(slow, FAILURE)
    assert ids(looks.look(31)) == [sensor.event(slow)]


def test_a_tick_that_was_abandoned_hides_nothing(sensor: Instigator, looks: Looks) -> None:
    sensor.begin(0)
    (failed,) = sensor.ticks(50, FAILURE)
    assert looks.look(55) == []
    assert ids(looks.look(61)) == [sensor.event(failed)]


def test_a_failed_tick_that_is_tried_again_ends_the_streak_or_goes_on_with_it(sensor: Instigator, looks: Looks) -> None:
    (failed,) = sensor.ticks(0, FAILURE)
    assert ids(looks.look(1)) == [sensor.event(failed)]
    sensor.end(failed, FAILURE)
    assert looks.look(2) == []
    sensor.end(failed.with_status(TickStatus.STARTED, error=None), SUCCESS)
    (next_one,) = sensor.ticks(60, FAILURE)
    assert ids(looks.look(61)) == [sensor.event(next_one)]


def test_a_tick_that_was_broken_off_does_not_end_a_streak(sensor: Instigator, looks: Looks) -> None:
    first, last = sensor.ticks(0, FAILURE, FAILURE)
    broken_off = sensor.begin(2, failures=last.consecutive_failure_count)
    # The daemon does so when it comes back.
    sensor.instance.update_tick(broken_off.with_status(SKIPPED))
    sensor.end(sensor.begin(3, failures=2), FAILURE)
    assert ids(looks.look(10)) == [sensor.event(first)]


def test_after_a_crash_the_ids_are_the_same(sensor: Instigator, looks: Looks) -> None:
    looks.look(0)
    before = dict(looks.notes)
    sensor.ticks(1, FAILURE, SUCCESS, FAILURE, FAILURE)
    found = ids(looks.look(10))
    looks.notes = before
    assert ids(looks.look(11)) == found
    looks.notes = {}
    assert ids(looks.look(12)) == found


def test_the_first_look_leaves_alone_what_failed_the_day_before(sensor: Instigator, looks: Looks) -> None:
    sensor.ticks(0, FAILURE, SUCCESS)
    assert looks.look(25 * 60) == []


def test_each_sensor_is_told_of_and_without_a_link_where_there_is_no_ui(
    stored_instance: dg.DagsterInstance, sensor: Instigator, looks: Looks
) -> None:
    other = Instigator(stored_instance, "default_automation_condition_sensor", InstigatorType.SENSOR, "taxi_assets")
    sensor.ticks(0, FAILURE)
    other.ticks(0, FAILURE)
    alerts = looks.look(1, ui_url=None)
    assert sorted(titles(alerts)) == [
        "ERROR: sensor default_automation_condition_sensor fails",
        "ERROR: sensor new_trip_data fails",
    ]
    assert [alert.link for alert in alerts] == [None, None]
