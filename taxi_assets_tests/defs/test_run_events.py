"""Failed checks and failed runs are found once each, on both storages, with what a reader needs to know."""

import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._utils import get_run_crash_explanation

from taxi_assets.defs import run_events as module
from taxi_assets.defs.events import AlertFilter
from taxi_assets.defs.vanished_runs import PROCESS_TAG, VANISHED_TAG, fail_vanished_runs, process_tags
from taxi_assets_tests.defs.running import materialize, resources_in
from taxi_assets_tests.defs.toy_runs import (
    EVERYTHING,
    TRIPS,
    UI,
    Looks,
    broken,
    ids,
    interrupted,
    lucky,
    run,
    titles,
    tried_again,
    without,
)
from taxi_assets_tests.postgres_server import PostgresServer, instance_on


def add_run(instance: dg.DagsterInstance, **tags: str) -> dg.DagsterRun:
    """Let an instance have a run that goes on."""
    return instance.add_run(dg.DagsterRun(job_name="any", status=dg.DagsterRunStatus.STARTED, tags=tags))


def test_each_failed_check_is_one_alert_and_the_run_that_it_failed_none(stored_instance: dg.DagsterInstance) -> None:
    result = run(stored_instance, *TRIPS, partition_key="2024-02-01")
    assert not result.success
    alerts = {alert.event_id: alert for alert in Looks(stored_instance).look()}
    error = alerts.pop(f"check:{result.run_id}:trips:2024-02-01:share_kept")
    warning = alerts.pop(f"check:{result.run_id}:trips:2024-02-01:rows_near_median")
    assert not alerts
    assert error.subject == "ERROR: check share_kept failed on trips 2024-02-01"
    assert list(error.details.items()) == [
        ("asset", "trips"),
        ("partition", "2024-02-01"),
        ("check", "share_kept"),
        ("blocking", "yes: nothing downstream ran"),
        ("expected", '{"at least":0.5}'),
        ("actual", "0.25"),
        ("run", result.run_id),
        ("job", result.dagster_run.job_name),
    ]
    assert error.link == f"{UI}runs/{result.run_id}"
    assert error.at is not None
    assert abs(datetime.now(UTC) - error.at) < timedelta(minutes=5)
    assert warning.subject == "WARN: check rows_near_median failed on trips 2024-02-01"
    assert warning.details["blocking"] == "no"
    assert warning.details["description"] == "Few rows. Very few."


def test_a_failed_run_tells_the_first_error_and_its_step(stored_instance: dg.DagsterInstance) -> None:
    result = run(stored_instance, broken, lucky, tags={"taxi/started_by": "taxi run"})
    (alert,) = Looks(stored_instance).look()
    assert alert.event_id == f"run:{result.run_id}"
    assert alert.subject == "ERROR: run failed: broken"
    assert alert.link == f"{UI}runs/{result.run_id}"
    assert list(without(alert.details, "job").items()) == [
        ("asset", "broken"),
        ("step", "broken"),
        ("error", "ValueError: First line. Second line."),
        ("run", result.run_id),
        ("started by", "taxi run"),
    ]


def test_a_month_that_the_source_lacks(stored_instance: dg.DagsterInstance, tmp_path: Path) -> None:
    materialize(resources_in(tmp_path), "raw_trips", partition="2024-03-01", instance=stored_instance)
    (alert,) = Looks(stored_instance).look()
    assert alert.title == "run failed: raw_trips 2024-03-01"
    assert alert.details["partition"] == "2024-03-01"
    assert alert.details["error"].startswith("2024-03: the sample source has 2024-01 to 2024-02")


def test_an_event_is_found_once_and_again_with_the_same_id_after_a_crash(stored_instance: dg.DagsterInstance) -> None:
    looks = Looks(stored_instance)
    assert looks.look() == []
    run(stored_instance, lucky)
    run(stored_instance, broken)
    before = dict(looks.notes)
    found = looks.look()
    assert titles(found) == ["ERROR: run failed: broken"]
    assert looks.look() == []
    looks.notes = before
    assert ids(looks.look()) == ids(found)


def test_a_run_whose_events_cannot_be_read_says_so_and_holds_up_no_other(tmp_path: Path) -> None:
    """As after a disk that was full: on SQLite each run has a file of its own."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        looks = Looks(instance)
        damaged, other = run(instance, broken), run(instance, broken)
        file = tmp_path / "history" / "runs" / f"{damaged.run_id}.db"
        whole = file.read_bytes()
        file.write_bytes(b"no database" * 1000)
        found = looks.look()
        assert ids(found) == [f"unreadable:{damaged.run_id}", f"run:{other.run_id}"]
        assert found[0].subject.startswith("ERROR: what happened in a run of ")
        assert found[0].link == f"{UI}runs/{damaged.run_id}"
        assert ids(looks.look()) == ids(found)[:1]
        file.write_bytes(whole)
        assert ids(looks.look()) == [f"run:{damaged.run_id}"]
        assert looks.look() == []


def test_a_database_that_goes_away_fails_the_look(
    stored_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = Looks(stored_instance)
    failed = run(stored_instance, broken)
    with monkeypatch.context() as patch:
        for method in ("get_records_for_run", "get_runs_count"):
            patch.setattr(stored_instance, method, go_away)
        with pytest.raises(ConnectionError):
            looks.look()
    assert ids(looks.look()) == [f"run:{failed.run_id}"]


def go_away(*_: object, **__: object) -> None:
    raise ConnectionError("Nobody is there.")


def test_much_at_once_is_read_over_several_looks(
    stored_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_RUNS", 3)
    monkeypatch.setattr(module, "PAGE", 7)
    result = run(stored_instance, *TRIPS, failing_checks(range(20)), partition_key="2024-01-01")
    failed = [add_run(stored_instance) for _ in range(7)]
    for each in failed:
        stored_instance.report_run_failed(each, "It was killed.")
    looks = Looks(stored_instance)
    found = [ids(looks.look()) for _ in range(4)]
    assert [len(each) for each in found] == [22 + 2, 3, 2, 0]
    expected = [f"check:{result.run_id}:trips:2024-01-01:many_{number}" for number in range(20)]
    expected += [f"check:{result.run_id}:trips:2024-01-01:{name}" for name in ("share_kept", "rows_near_median")]
    expected += [f"run:{each.run_id}" for each in failed]
    assert sorted(event for each in found for event in each) == sorted(expected)


@pytest.mark.slow
def test_a_thousand_failed_checks_and_250_failed_runs(postgres_server: PostgresServer, tmp_path: Path) -> None:
    with instance_on(postgres_server.new_database(), tmp_path) as instance:
        # Dagster takes far longer over a thousand checks of one step.
        checked = [failing_checks(range(first, first + 50)) for first in range(0, 1000, 50)]
        result = run(instance, *checked, selection=dg.AssetSelection.all_asset_checks())
        failed = [add_run(instance) for _ in range(250)]
        for each in failed:
            instance.report_run_failed(each, "It was killed.")
        looks = Looks(instance)
        found = ids(looks.look()) + ids(looks.look()) + ids(looks.look())
        assert looks.look() == []
    checks = [f"check:{result.run_id}:trips::many_{number}" for number in range(1000)]
    assert sorted(found) == sorted(checks + [f"run:{each.run_id}" for each in failed])


def failing_checks(numbers: range) -> dg.AssetChecksDefinition:
    specs = [dg.AssetCheckSpec(f"many_{number}", asset="trips") for number in numbers]

    @dg.multi_asset_check(specs=specs, name=f"many_from_{numbers.start}")
    def many(context: dg.AssetCheckExecutionContext) -> object:
        for key in context.selected_asset_check_keys:
            yield dg.AssetCheckResult(check_name=key.name, asset_key=key.asset_key, passed=False)

    return many


def test_a_run_that_was_noted_late_is_found(stored_instance: dg.DagsterInstance) -> None:
    looks = Looks(stored_instance)
    late = add_run(stored_instance)
    run(stored_instance, broken)
    assert len(looks.look()) == 1
    end = dg.DagsterEvent(dg.DagsterEventType.RUN_FAILURE.value, "any", message="It ended long ago.")
    stored_instance.report_dagster_event(end, late.run_id, timestamp=time.time() - 3600)
    (alert,) = looks.look()
    assert alert.event_id == f"run:{late.run_id}"
    assert alert.details["error"] == "It ended long ago."
    assert looks.look() == []


def test_a_clock_that_is_ahead_hides_nothing(stored_instance: dg.DagsterInstance) -> None:
    looks = Looks(stored_instance)
    end = dg.DagsterEvent(dg.DagsterEventType.RUN_FAILURE.value, "any", message="It will end.")
    stored_instance.report_dagster_event(end, add_run(stored_instance).run_id, timestamp=time.time() + 86400)
    assert len(looks.look()) == 1
    run(stored_instance, broken)
    assert titles(looks.look()) == ["ERROR: run failed: broken"]
    assert looks.look() == []


@pytest.mark.parametrize("timezone", ["America/New_York", "Asia/Tokyo"])
def test_time_zones_hide_nothing(
    timezone: str, postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", timezone)
    time.tzset()
    try:
        for url in (None, postgres_server.new_database(timezone)):
            with instance_on(url, tmp_path / ("sqlite" if url is None else "postgres")) as instance:
                looks = Looks(instance)
                for _ in range(2):
                    result = run(instance, broken)
                    (alert,) = looks.look()
                    assert alert.event_id == f"run:{result.run_id}"
                    assert alert.at is not None
                    assert abs(datetime.now(UTC) - alert.at) < timedelta(minutes=5)
                assert looks.look() == []
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_step_that_is_tried_again_tells_only_what_differs(stored_instance: dg.DagsterInstance) -> None:
    result = run(stored_instance, tried_again)
    assert result.success
    alerts = Looks(stored_instance).look()
    first = f"check:{result.run_id}:tried_again::"
    assert ids(alerts)[:2] == [f"{first}same", f"{first}drifting"]
    (other,) = alerts[2:]
    assert other.event_id.startswith(f"{first}drifting:")
    assert (alerts[1].details["actual"], other.details["actual"]) == ("0", "1")


def test_a_vanished_run_says_so_but_not_the_run_that_repeats_it(
    stored_instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    tags = {**process_tags(tmp_path), PROCESS_TAG: "a process of yore", "dagster/partition": "2024-01-01"}
    vanished = add_run(stored_instance, **tags)
    assert fail_vanished_runs(stored_instance, tmp_path) == [vanished.run_id]
    looks = Looks(stored_instance)
    (alert,) = looks.look()
    assert (alert.event_id, alert.severity) == (f"run:{vanished.run_id}", "ERROR")
    assert alert.title == "run vanished: any 2024-01-01"
    assert "killed" in alert.details["error"]
    assert "pools are free" in alert.details["error"]
    stored_instance.report_run_failed(add_run(stored_instance, **{VANISHED_TAG: vanished.run_id}), "It failed too.")
    assert titles(looks.look()) == ["ERROR: run failed: any"]


def test_a_run_whose_process_dagster_found_dead_says_how_it_ended(stored_instance: dg.DagsterInstance) -> None:
    killed = add_run(stored_instance)
    how = get_run_crash_explanation(f"Run execution process for {killed.run_id}", exit_code=-signal.SIGKILL)
    stored_instance.report_engine_event("Starting a run.", killed)
    stored_instance.report_engine_event(how, killed)
    stored_instance.report_run_failed(killed)
    (alert,) = Looks(stored_instance).look()
    assert alert.event_id == f"run:{killed.run_id}"
    assert alert.subject == "ERROR: run vanished: any"
    assert alert.details["error"] == how
    assert "was terminated by signal 9 (SIGKILL)" in how


def test_what_its_user_ended_does_not_alert_but_what_its_checks_found_does(
    stored_instance: dg.DagsterInstance,
) -> None:
    looks = Looks(stored_instance)
    stored_instance.report_run_canceled(add_run(stored_instance))
    assert not run(stored_instance, interrupted).success
    assert looks.look() == []
    result = run(stored_instance, interrupted, lucky, check_of_lucky())
    assert titles(looks.look()) == ["ERROR: check never_lucky failed on lucky"]
    assert not result.success


def check_of_lucky() -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=lucky)
    def never_lucky() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False)

    return never_lucky


def test_a_run_of_the_daemon_that_was_interrupted_alerts(stored_instance: dg.DagsterInstance) -> None:
    run(stored_instance, interrupted, tags={"dagster/sensor_name": "new_trip_data"})
    (alert,) = Looks(stored_instance).look()
    assert alert.details["error"] == "Interrupted."
    assert alert.details["started by"] == "sensor new_trip_data"


@pytest.mark.parametrize(
    ("assets", "severities", "found"),
    [
        (None, {"ERROR"}, ["ERROR: check share_kept failed on trips 2024-01-01", "ERROR: run failed: broken"]),
        (None, {"WARN"}, ["WARN: check rows_near_median failed on trips 2024-01-01", "ERROR: run failed: broken"]),
        ({"broken"}, {"ERROR", "WARN"}, ["ERROR: run failed: broken"]),
        ({"after_trips"}, {"ERROR", "WARN"}, []),
    ],
)
def test_assets_and_severities_that_do_not_alert_are_left_out(
    assets: set[str] | None, severities: set[str], found: list[str], instance: dg.DagsterInstance
) -> None:
    run(instance, *TRIPS, partition_key="2024-01-01")
    run(instance, broken, lucky)
    chosen = AlertFilter(None if assets is None else frozenset(assets), frozenset(severities))
    assert titles(Looks(instance, chosen).look()) == found
    assert len(Looks(instance, EVERYTHING).look()) == 3
