"""A new instance is made ready once, whoever comes first; afterwards a pool gives each place to one step only."""

from multiprocessing.synchronize import Barrier
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext

from taxi_assets.defs.instance import POOLS, open_ready
from taxi_assets.settings import PROJECT_ROOT, load_settings
from taxi_assets.storage.home import is_instance_ready
from taxi_assets_tests.defs.child import instance_in
from taxi_assets_tests.defs.processes import CONTEXT, SECONDS, beside
from taxi_assets_tests.defs.trained import add_run

pytestmark = pytest.mark.slow


def open_at_once(all_there: Barrier) -> None:
    """What `taxi` does first."""
    all_there.wait(SECONDS)
    with open_ready(load_settings().home, str(PROJECT_ROOT)) as instance:
        assert limits(instance) == POOLS


def claim(run_id: str, given: Path) -> None:
    """Claim the pool `champion` for the step of a run; whether it gets a place."""
    with instance_in(load_settings().home) as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        given.write_text(str(InstanceConcurrencyContext(instance, run).claim("champion", "champion_model")))


def limits(instance: dg.DagsterInstance) -> dict[str, int]:
    return {pool.name: pool.limit for pool in instance.event_log_storage.get_pool_limits()}


def test_processes_that_open_a_new_home_at_once_all_succeed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    all_there = CONTEXT.Barrier(3)
    with (
        beside(tmp_path, open_at_once, all_there) as one,
        beside(tmp_path, open_at_once, all_there) as two,
        beside(tmp_path, open_at_once, all_there) as three,
    ):
        for process in (one, two, three):
            process.join(SECONDS)
        assert [process.exitcode for process in (one, two, three)] == [0, 0, 0]
    monkeypatch.setenv("TAXI_HOME", str(tmp_path))
    assert is_instance_ready(tmp_path, str(PROJECT_ROOT))
    with instance_in(tmp_path) as instance:
        assert limits(instance) == POOLS == {"champion": 1, "training": 2}
        assert instance.get_runs() == []


def test_a_place_that_is_taken_is_given_to_no_other_process(
    ready: Path, ready_instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Two claims in the same millisecond can both get it on SQLite: promotions have a lock of their own for that."""
    runs = [add_run(ready_instance, dg.DagsterRunStatus.STARTED) for _ in range(2)]
    for number, run_id in enumerate(runs):
        with beside(ready, claim, run_id, tmp_path / f"given_{number}") as process:
            process.join(SECONDS)
            assert process.exitcode == 0
    assert [(tmp_path / f"given_{number}").read_text() for number in range(2)] == ["True", "False"]
    ready_instance.event_log_storage.free_concurrency_slots_for_run(runs[0])
    with beside(ready, claim, runs[1], tmp_path / "given_at_last") as process:
        process.join(SECONDS)
    assert (tmp_path / "given_at_last").read_text() == "True"


def test_limits_that_a_person_set_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXI_HOME", str(tmp_path))
    with instance_in(tmp_path) as instance:
        instance.event_log_storage.set_concurrency_slots("training", 5)
    with open_ready(tmp_path, str(PROJECT_ROOT)) as instance:
        assert limits(instance) == {"champion": 1, "training": 5}
        instance.event_log_storage.set_concurrency_slots("champion", 3)
    with open_ready(tmp_path, str(PROJECT_ROOT)) as instance:
        assert limits(instance) == {"champion": 3, "training": 5}


def test_a_home_is_ready_for_the_instance_that_was_made_ready(ready: Path) -> None:
    assert is_instance_ready(ready, str(PROJECT_ROOT))
    assert not is_instance_ready(ready, "/another/description")
    assert not is_instance_ready(ready / "not" / "there", str(PROJECT_ROOT))
