"""The sensor `new_trip_data` asks for exactly the months that are new or were changed, each version once."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from taxi_assets.defs.alerts import alerts
from taxi_assets.defs.clean_trips import CHECKS
from taxi_assets.defs.made_of import CLEAN_TRIPS, RAW_TRIPS, Soundness, data_version, month_soundness
from taxi_assets.errors import SettingError, SourceUnavailableError
from taxi_assets.trips.clean_month import clean_month
from taxi_assets_tests.defs.child import instance_in
from taxi_assets_tests.defs.new_trips import Sensor, file_of, let_pass, publish, truncate
from taxi_assets_tests.defs.running import copy_home, store_in
from taxi_assets_tests.defs.trained import add_run, ingest, plan

pytestmark = pytest.mark.slow

HISTORY = ("2023-10", "2023-11", "2023-12")
NEWEST = ("2024-01", "2024-02")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A source with five months."""
    folder = tmp_path / "source"
    publish(folder, *HISTORY, *NEWEST)
    return folder


@pytest.fixture
def sensor(ready: Path, ready_instance: dg.DagsterInstance, folder: Path) -> Sensor:
    """The sensor that looks at it, for the first time."""
    return Sensor(ready_instance, ready, folder)


@pytest.fixture(scope="module")
def first_looked(ready_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The home of a deployment after the first look and what came of it, and the cursor. Not to be changed."""
    folder = tmp_path_factory.mktemp("looked")
    home = copy_home(ready_home, folder / "home")
    publish(folder / "source", *HISTORY, *NEWEST)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAXI_HOME", str(home))
        with instance_in(home) as instance:
            sensor = Sensor(instance, home, folder / "source")
            sensor.run_all(sensor.look())
    return home, sensor.cursor or ""


@pytest.fixture
def fed(
    first_looked: tuple[Path, str], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Sensor]:
    """The sensor of a copy of it."""
    looked, cursor = first_looked
    home = copy_home(looked, tmp_path / "fed")
    monkeypatch.setenv("TAXI_HOME", str(home))
    with instance_in(home) as instance:
        sensor = Sensor(instance, home, folder)
        sensor.cursor = cursor
        yield sensor


def fail(*_: object) -> None:
    raise dg.Failure("A fault that passes.", allow_retries=False)


def time_out(*_: object) -> None:
    raise TimeoutError("The disk does not answer.")


def test_the_first_look_takes_the_newest_months_and_each_once(sensor: Sensor) -> None:
    asked = sensor.look()
    assert sorted(asked) == list(NEWEST)
    assert all(request.run_key and request.run_key.endswith(":0") for request in asked.values())
    sensor.run_all(asked)
    assert sensor.look() == {}
    assert sensor.reason == "No new month among the 5 of the source."
    assert sensor.look() == {}
    for asset in (RAW_TRIPS, CLEAN_TRIPS):
        made = sensor.instance.fetch_materializations(dg.AssetRecordsFilter(asset), limit=10).records
        assert sorted(record.partition_key or "" for record in made) == [f"{month}-01" for month in NEWEST]


def test_it_takes_as_many_as_the_setting_says(sensor: Sensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXI_NEWEST_MONTHS", "3")
    assert sorted(sensor.look()) == ["2023-12", *NEWEST]


def test_what_was_asked_for_and_did_not_begin_yet_is_asked_for_with_the_same_key(sensor: Sensor) -> None:
    """Dagster starts one run for a key."""
    first, second = sensor.look(), sensor.look()
    assert {month: request.run_key for month, request in first.items()} == {
        month: request.run_key for month, request in second.items()
    }


def test_a_new_and_a_corrected_month_are_asked_for_and_no_other(fed: Sensor, folder: Path) -> None:
    publish(folder, "2024-03")
    publish(folder, "2024-01", seed=2)
    asked = fed.look()
    assert sorted(asked) == ["2024-01", "2024-03"]
    fed.run_all(asked)
    assert fed.look() == {}
    publish(folder, "2024-01", seed=1)
    let_pass(fed.home, 1)
    (back,) = fed.look().values()
    assert ":1:" in (back.run_key or ""), "a version that comes back has another key"


def test_a_month_that_was_ignored_stays_so_although_it_changes(fed: Sensor, folder: Path) -> None:
    publish(folder, "2023-12", seed=2)
    assert fed.look() == {}


def test_a_run_or_a_backfill_of_the_month_is_waited_for(sensor: Sensor) -> None:
    tags = {"dagster/partition": "2024-01-01"}
    run_id = add_run(sensor.instance, dg.DagsterRunStatus.QUEUED, RAW_TRIPS, CLEAN_TRIPS, tags=tags)
    assert list(sensor.look()) == ["2024-02"]
    sensor.instance.add_backfill(
        PartitionBackfill(
            backfill_id="by-hand",
            status=BulkActionStatus.REQUESTED,
            from_failure=False,
            tags={},
            backfill_timestamp=time.time(),
            partition_names=["2024-02-01"],
        )
    )
    assert sensor.look() == {}
    assert sensor.reason == "2024-01 is being ingested; 2024-02 is being ingested"
    sensor.instance.delete_run(run_id)
    assert list(sensor.look()) == ["2024-01"]


def test_a_fault_that_passes_is_tried_again_with_growing_pauses(fed: Sensor, folder: Path) -> None:
    publish(folder, "2024-03")
    keys = []
    for pause in (1, 2, 4):
        (request,) = fed.look().values()
        keys.append(request.run_key)
        file_of(folder, "2024-03").unlink()
        assert not fed.run(request)
        publish(folder, "2024-03")
        assert fed.look() == {}
        assert fed.reason is not None
        assert fed.reason.startswith(f"2024-03 was tried {len(keys)} times and is tried again at ")
        let_pass(fed.home, pause - 0.5)
        assert fed.look() == {}
        let_pass(fed.home, 0.5)
    fed.run_all(fed.look())
    assert len(set(keys)) == 3
    assert fed.look() == {}


def test_no_key_comes_again_when_an_old_run_is_deleted(fed: Sensor, folder: Path) -> None:
    """Dagster starts no run for a key that a run has."""
    publish(folder, "2024-03")
    runs = []
    for _ in range(2):
        (request,) = fed.look().values()
        file_of(folder, "2024-03").unlink()
        assert not fed.run(request)
        publish(folder, "2024-03")
        runs.append(fed.instance.get_runs(limit=1)[0].run_id)
        let_pass(fed.home, 10)
        used = request.run_key
    fed.instance.delete_run(runs[0])
    (request,) = fed.look().values()
    assert request.run_key != used
    fed.run_all({"2024-03": request})
    assert fed.look() == {}


def test_a_check_that_could_not_be_made_is_a_fault_that_passes(
    fed: Sensor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(folder, "2024-03")
    (request,) = fed.look().values()
    with monkeypatch.context() as patch:
        patch.setattr("pyarrow.parquet.read_metadata", time_out)
        assert not fed.run(request)
    let_pass(fed.home, 1)
    fed.run_all(fed.look())
    assert month_soundness(fed.instance, "2024-03") is Soundness.SOUND
    assert fed.look() == {}


def test_a_file_that_is_cut_off_is_not_tried_again_until_it_changes(fed: Sensor, folder: Path) -> None:
    publish(folder, "2024-03")
    truncate(folder, "2024-03")
    (request,) = fed.look().values()
    assert not fed.run(request)
    let_pass(fed.home, 10_000)
    assert fed.look() == {}
    assert fed.reason == "2024-03 failed, and would fail again until its file changes"
    publish(folder, "2024-03")
    fed.run_all(fed.look())
    assert fed.look() == {}
    assert month_soundness(fed.instance, "2024-03") is Soundness.SOUND


def test_months_that_were_ingested_by_hand_are_not_asked_for(sensor: Sensor, folder: Path) -> None:
    ingest(sensor.resources, sensor.instance, "2023-10", "2024-02")
    assert list(sensor.look()) == ["2024-01"]
    publish(folder, "2023-10", seed=2)
    assert sorted(sensor.look()) == ["2023-10", "2024-01"], "what was ingested once is kept up to date"


def test_a_month_of_the_history_is_followed_also_when_its_correction_fails_half_way(
    sensor: Sensor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor.run_all(sensor.look())
    ingest(sensor.resources, sensor.instance, "2023-11")
    assert sensor.look() == {}
    publish(folder, "2023-11", seed=2)
    (request,) = sensor.look().values()
    with monkeypatch.context() as patch:
        patch.setattr("taxi_assets.trips.clean_month.clean_month", fail)
        assert not sensor.run(request)
    let_pass(sensor.home, 1)
    asked = sensor.look()
    assert list(asked) == ["2023-11"]
    sensor.run_all(asked)
    assert sensor.look() == {}


def test_a_month_that_is_stored_and_unknown_to_the_instance_is_asked_for(
    sensor: Sensor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a kill between a file and its event."""
    sensor.run_all(sensor.look())
    publish(folder, "2024-01", seed=2)
    (request,) = sensor.look().values()
    with monkeypatch.context() as patch:
        patch.setattr("taxi_assets.trips.clean_month.clean_month", lambda *given: fail(clean_month(*given)))
        assert not sensor.run(request)
    stored = store_in(sensor.home).existing("clean_trips/2024-01").digest
    assert stored != data_version(sensor.instance, CLEAN_TRIPS, "2024-01-01")
    let_pass(sensor.home, 1)
    sensor.run_all(sensor.look())
    assert stored == data_version(sensor.instance, CLEAN_TRIPS, "2024-01-01")
    assert sensor.look() == {}


def test_a_new_instance_of_an_old_home_ingests_the_newest_months_again(fed: Sensor, folder: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        new = Sensor(instance, fed.home, folder)
        asked = new.look()
        assert sorted(asked) == list(NEWEST)
        new.run_all(asked)
        assert new.look() == {}


def test_a_history_that_the_settings_reach_back_to_is_not_taken(
    sensor: Sensor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAXI_FIRST_MONTH", "2023-11")
    sensor.run_all(sensor.look())
    publish(folder, "2023-08", "2023-09")
    monkeypatch.setenv("TAXI_FIRST_MONTH", "2023-09")
    assert sensor.look() == {}
    publish(folder, "2023-10", seed=2)
    assert sensor.look() == {}
    publish(folder, "2024-03")
    assert list(sensor.look()) == ["2024-03"]


def test_a_month_that_is_fetched_and_not_cleaned_is_asked_for(fed: Sensor) -> None:
    shutil.rmtree(fed.home / "assets" / "clean_trips")
    assert store_in(fed.home).current("raw_trips/2024-01") is not None
    let_pass(fed.home, 1)
    asked = fed.look()
    assert sorted(asked) == list(NEWEST)
    fed.run_all(asked)
    assert fed.look() == {}


def test_a_month_whose_checks_were_not_made_is_asked_for(sensor: Sensor, ready: Path) -> None:
    """As after a kill of a run by hand, between the asset and its checks."""
    sensor.run_all(sensor.look())
    plan(sensor.instance, CHECKS[0], "2024-01")
    assert month_soundness(sensor.instance, "2024-01") is Soundness.SOUND, "as long as nothing was made"
    assert sensor.look() == {}
    materialization = dg.AssetMaterialization(CLEAN_TRIPS, partition="2024-01-01")
    sensor.instance.report_runless_asset_event(materialization)
    assert month_soundness(sensor.instance, "2024-01") is Soundness.UNCHECKED
    let_pass(ready, 1)
    asked = sensor.look()
    assert list(asked) == ["2024-01"]
    sensor.run_all(asked)
    assert sensor.look() == {}


def test_a_source_that_is_away_fails_the_look_and_loses_nothing(fed: Sensor, folder: Path) -> None:
    known = fed.cursor
    publish(folder, "2024-03")
    folder.rename(folder.with_name("away"))
    with pytest.raises(SourceUnavailableError, match="TAXI_TRIPS_URI"):
        fed.look()
    assert fed.cursor == known
    folder.with_name("away").rename(folder)
    assert list(fed.look()) == ["2024-03"]


def test_a_source_that_has_nothing_any_more_fails_the_look_and_loses_nothing(fed: Sensor, folder: Path) -> None:
    """As a folder whose disk is not mounted, or a site that refuses everything."""
    assert fed.look() == {}
    known = fed.cursor
    files = folder.rename(folder.with_name("files"))
    folder.mkdir()
    with pytest.raises(SourceUnavailableError, match="has none of the 2 months that it had"):
        fed.look()
    assert fed.cursor == known
    folder.rmdir()
    files.rename(folder)
    assert fed.look() == {}


def test_a_setting_of_alerts_that_is_wrong_stops_no_month(
    fed: Sensor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(folder, "2024-03")
    monkeypatch.setenv("TAXI_STALE_HOURS", "1e-6")
    monkeypatch.setenv("TAXI_ALERT_URLS", "slakc://token")
    assert list(fed.look()) == ["2024-03"]
    with pytest.raises(SettingError, match="TAXI_ALERT_URLS"):
        alerts(dg.build_sensor_context(fed.instance))


def test_an_empty_source_is_looked_at_for_the_first_time_when_it_has_months(sensor: Sensor, folder: Path) -> None:
    files = folder.rename(folder.with_name("files"))
    folder.mkdir()
    assert sensor.look() == {}
    assert sensor.reason == f"{folder} has no month of green trips yet."
    assert not sensor.cursor
    folder.rmdir()
    files.rename(folder)
    assert sorted(sensor.look()) == list(NEWEST)


def test_a_file_that_is_being_written_is_no_history_and_not_taken_yet(sensor: Sensor, folder: Path) -> None:
    file_of(folder, "2024-02").touch()
    assert list(sensor.look()) == ["2024-01"]
    assert set(json.loads(sensor.cursor or "")["ignored"]) == set(HISTORY)
    publish(folder, "2024-02", seed=3)
    assert sorted(sensor.look()) == list(NEWEST)
