"""`taxi run` retrains alone in its home: what starts by itself asks for nothing meanwhile, and its steps wait."""

import os
import signal
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from taxi_assets.defs.build import build_defs
from taxi_assets.defs.instance import POOLS
from taxi_assets.defs.main_job import RunOptions, run_main_job
from taxi_assets.defs.new_trip_data import new_trip_data
from taxi_assets.defs.retraining import alone, beside_others, main_job_goes_on
from taxi_assets.defs.schedules import retrain_hourly
from taxi_assets.settings import load_settings
from taxi_assets_tests.defs.child import instance_in
from taxi_assets_tests.defs.processes import SECONDS, beside, wait_for, wait_until
from taxi_assets_tests.defs.running import materialize, resources_in
from taxi_assets_tests.defs.trained import asked_for, ingest, source_of

pytestmark = pytest.mark.slow

AT_WORK = "`taxi run` is at work in this home."


def never() -> None:
    pytest.fail("There was nobody to wait for.")


def retrain_alone(begun: Path, end: Path) -> None:
    """What `taxi run` does, for as long as a test wants."""
    with alone(load_settings().home, never):
        begun.touch()
        wait_for(end)


def train_alone(begun: Path, go_on: Path, trained: Path, end: Path) -> None:
    """What `taxi run` does, with a step that needs a place in a pool."""
    with alone(load_settings().home, never):
        begun.touch()
        wait_for(go_on)
        train_in_the_pool(trained)
        wait_for(end)


def run_a_step(begun: Path, end: Path, ended: Path) -> None:
    """A step that the daemon launched, and that lasts as long as a test wants."""

    @dg.asset
    def slow(context: dg.AssetExecutionContext) -> None:
        with beside_others(context):
            begun.touch()
            wait_for(end)
            ended.touch()

    assert dg.materialize([slow], instance=dg.DagsterInstance.ephemeral()).success


def train_in_the_pool(ended: Path) -> None:
    """A training that the daemon launched."""

    @dg.asset(pool="training")
    def trained(context: dg.AssetExecutionContext) -> None:
        with beside_others(context):
            ended.touch()

    with instance_in(load_settings().home) as instance:
        assert dg.materialize([trained], instance=instance).success


def make_asset(asset: str, partition: str | None) -> None:
    """A run that the daemon launched."""
    home = load_settings().home
    with instance_in(home) as instance:
        assert materialize(resources_in(home), asset, partition=partition, instance=instance).success


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    return tmp_path / "begun"


@pytest.fixture
def end(tmp_path: Path) -> Path:
    return tmp_path / "end"


def test_nothing_goes_on_in_a_new_home(tmp_path: Path) -> None:
    assert not main_job_goes_on(tmp_path / "not" / "there")


def test_who_retrains_alone_is_seen_until_the_end(tmp_path: Path) -> None:
    with alone(tmp_path, never):
        assert main_job_goes_on(tmp_path)
        assert not main_job_goes_on(tmp_path / "another")
    assert not main_job_goes_on(tmp_path)


def test_it_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), alone(tmp_path, never):
        raise KeyboardInterrupt
    assert not main_job_goes_on(tmp_path)


def test_sensors_that_ask_at_once_are_not_in_each_others_way(tmp_path: Path) -> None:
    answers: list[bool] = []
    threads = [
        threading.Thread(target=lambda: answers.extend(main_job_goes_on(tmp_path) for _ in range(50))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [False] * 200


def test_meanwhile_nothing_is_asked_for(
    trained: Path, trained_instance: dg.DagsterInstance, begun: Path, end: Path
) -> None:
    ingest(source_of(trained), trained_instance, "2024-03")
    resources = source_of(trained)
    defs = build_defs(resource_overrides=resources)
    schedule = dg.build_schedule_context(trained_instance, repository_def=defs.get_repository_def())
    with beside(trained, retrain_alone, begun, end) as process:
        wait_for(begun)
        assert asked_for(trained_instance, trained) == {}
        assert retrain_hourly(schedule) == dg.SkipReason(AT_WORK)
        sensor = dg.build_sensor_context(trained_instance, cursor="anything", resources=resources)
        assert new_trip_data(sensor) == dg.SkipReason(AT_WORK)
        assert sensor.cursor == "anything"
        end.touch()
        process.join(SECONDS)
        assert process.exitcode == 0
    assert asked_for(trained_instance, trained)["training_set"] == {None}
    assert isinstance(retrain_hourly(schedule), list)


@pytest.mark.parametrize(
    ("asset", "partition"), [("raw_trips", "2024-01-01"), ("clean_trips", "2024-01-01"), ("training_set", None)]
)
def test_a_run_that_was_launched_before_waits_and_then_goes_on(
    asset: str,
    partition: str | None,
    trained: Path,
    trained_instance: dg.DagsterInstance,
    begun: Path,
    end: Path,
) -> None:
    with beside(trained, retrain_alone, begun, end):
        wait_for(begun)
        with beside(trained, make_asset, asset, partition) as process:
            wait_until(lambda: bool(_that_wait(trained_instance)))
            (run,) = _that_wait(trained_instance)
            assert run.status is dg.DagsterRunStatus.STARTED
            assert not _made(trained_instance, run.run_id)
            end.touch()
            process.join(SECONDS)
            assert process.exitcode == 0
    assert _made(trained_instance, run.run_id)


def test_who_waits_for_the_main_job_holds_no_place_that_it_needs(
    ready: Path, ready_instance: dg.DagsterInstance, tmp_path: Path, begun: Path, end: Path
) -> None:
    go_on, trained = tmp_path / "go_on", tmp_path / "trained"
    ended = [tmp_path / f"ended_{place}" for place in range(POOLS["training"])]
    with beside(ready, train_alone, begun, go_on, trained, end), ExitStack() as others:
        wait_for(begun)
        processes = [others.enter_context(beside(ready, train_in_the_pool, file)) for file in ended]
        wait_until(lambda: len(_that_wait(ready_instance)) == len(ended))
        go_on.touch()
        wait_for(trained)
        assert not any(file.exists() for file in ended)
        end.touch()
        for process in processes:
            process.join(SECONDS)
        assert all(file.exists() for file in ended)


def _that_wait(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    return [
        run
        for run in instance.get_runs()
        if any("waiting until it has ended" in entry.message for entry in instance.all_logs(run.run_id))
    ]


def _made(instance: dg.DagsterInstance, run_id: str) -> bool:
    return bool(instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION))


def test_a_killed_process_holds_up_nobody(ready: Path, begun: Path, end: Path) -> None:
    with beside(ready, retrain_alone, begun, end) as process:
        wait_for(begun)
        assert main_job_goes_on(ready)
        process.kill()
        process.join()
        assert not main_job_goes_on(ready)
        with alone(ready, never):
            pass


def wait_and_hear(begun: Path, heard: Path) -> None:
    """What `taxi run` does behind another; it is interrupted there."""
    # A process that a script starts in the background is deaf to it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with suppress(KeyboardInterrupt), alone(load_settings().home, begun.touch):
        return
    heard.touch()


def test_who_waits_hears_an_interrupt(ready: Path, tmp_path: Path, begun: Path, end: Path) -> None:
    waits, heard = tmp_path / "waits", tmp_path / "heard"
    with beside(ready, retrain_alone, begun, end):
        wait_for(begun)
        with beside(ready, wait_and_hear, waits, heard) as process:
            wait_for(waits)
            assert process.pid is not None
            os.kill(process.pid, signal.SIGINT)
            process.join(SECONDS)
            assert heard.exists()
            assert main_job_goes_on(ready)


def test_the_steps_of_the_main_job_do_not_wait_for_it(ready: Path) -> None:
    @dg.asset
    def quick(context: dg.AssetExecutionContext) -> None:
        with beside_others(context):
            pass

    with alone(ready, never):
        assert dg.materialize([quick], instance=dg.DagsterInstance.ephemeral()).success


def test_steps_of_two_runs_go_on_at_once(ready: Path, tmp_path: Path, begun: Path, end: Path) -> None:
    other_begun, ended = tmp_path / "other_begun", tmp_path / "ended"
    with (
        beside(ready, run_a_step, begun, end, ended) as one,
        beside(ready, run_a_step, other_begun, end, ended) as other,
    ):
        wait_for(begun)
        wait_for(other_begun)
        assert not main_job_goes_on(ready)
        end.touch()
        one.join(SECONDS)
        other.join(SECONDS)
        assert (one.exitcode, other.exitcode) == (0, 0)


def test_the_main_job_waits_for_a_step_that_goes_on_and_says_so_once(
    ready: Path, ready_instance: dg.DagsterInstance, tmp_path: Path, begun: Path, end: Path
) -> None:
    ended = tmp_path / "ended"

    class Told:
        def __init__(self) -> None:
            self.steps: list[str] = []

        def started(self, what: str) -> None:
            self.steps.append(what)
            if "waiting" in what:
                end.touch()
            else:
                assert ended.exists(), f"{what} began before the step had ended"

        def finished(self, *_: Any) -> None:
            pass

        def failed(self, what: str, error: str) -> None:
            pytest.fail(f"{what}: {error}")

    told = Told()
    with beside(ready, run_a_step, begun, end, ended):
        wait_for(begun)
        options: dict[str, Any] = {"months": ["2024-01", "2024-02"], "models": []}
        assert run_main_job(RunOptions(**options), ready_instance, resources_in(ready), told).succeeded
    assert told.steps == [
        "waiting for what goes on in this home to end",
        "trips of 2024-01",
        "trips of 2024-02",
        "training_set",
    ]
