"""A new instance is made ready once, whoever comes first; afterwards a pool gives each place to one step only."""

import os
import shutil
from multiprocessing.synchronize import Barrier
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext

from taxi_assets.defs.instance import POOLS, make_ready
from taxi_assets.settings import PROJECT_ROOT, load_settings
from taxi_assets.storage.home import is_instance_ready
from taxi_assets_tests.defs.child import instance_in
from taxi_assets_tests.defs.processes import CONTEXT, beside

pytestmark = pytest.mark.slow

SECONDS = 120
TRIES = 16


def make_ready_at_once(all_there: Barrier) -> None:
    """What `taxi` does first."""
    home = load_settings().home
    with instance_in(home) as instance:
        all_there.wait(SECONDS)
        make_ready(instance, home, str(PROJECT_ROOT))


def claim_at_once(homes: list[Path], claims: Path, all_there: Barrier) -> None:
    """Claim the pool `champion` for a step in one home after the other, and note each place that was given."""
    for home in homes:
        os.environ["TAXI_HOME"] = str(home)
        with instance_in(home) as instance:
            run = dg.DagsterRun(job_name="any")
            instance.add_run(run)
            context = InstanceConcurrencyContext(instance, run)
            all_there.wait(SECONDS)
            if context.claim("champion", "champion_model"):
                (claims / f"{home.name}.{run.run_id}").touch()
            all_there.wait(SECONDS)


def limits(instance: dg.DagsterInstance) -> dict[str, int]:
    return {pool.name: pool.limit for pool in instance.event_log_storage.get_pool_limits()}


def test_processes_that_make_a_new_home_ready_at_once_all_succeed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_there = CONTEXT.Barrier(3)
    with (
        beside(tmp_path, make_ready_at_once, all_there) as one,
        beside(tmp_path, make_ready_at_once, all_there) as two,
        beside(tmp_path, make_ready_at_once, all_there) as three,
    ):
        for process in (one, two, three):
            process.join(SECONDS)
        assert [process.exitcode for process in (one, two, three)] == [0, 0, 0]
    monkeypatch.setenv("TAXI_HOME", str(tmp_path))
    assert is_instance_ready(tmp_path, str(PROJECT_ROOT))
    with instance_in(tmp_path) as instance:
        assert limits(instance) == POOLS == {"champion": 1, "training": 2}
        assert instance.get_runs() == []


def test_of_two_steps_that_claim_one_place_at_once_one_gets_it(ready_home: Path, tmp_path: Path) -> None:
    homes = [tmp_path / str(number) for number in range(TRIES)]
    for home in homes:
        shutil.copytree(ready_home, home)
    claims = tmp_path / "claims"
    claims.mkdir()
    all_there = CONTEXT.Barrier(2)
    arguments = (homes, claims, all_there)
    with (
        beside(tmp_path, claim_at_once, *arguments) as one,
        beside(tmp_path, claim_at_once, *arguments) as other,
    ):
        one.join(SECONDS)
        other.join(SECONDS)
        assert (one.exitcode, other.exitcode) == (0, 0)
    assert sorted(int(claim.stem) for claim in claims.iterdir()) == list(range(TRIES))


def test_limits_that_a_person_set_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXI_HOME", str(tmp_path))
    with instance_in(tmp_path) as instance:
        instance.event_log_storage.set_concurrency_slots("training", 5)
        make_ready(instance, tmp_path, str(PROJECT_ROOT))
        assert limits(instance) == {"champion": 1, "training": 5}
        instance.event_log_storage.set_concurrency_slots("champion", 3)
        make_ready(instance, tmp_path, str(PROJECT_ROOT))
        assert limits(instance) == {"champion": 3, "training": 5}


def test_a_home_is_ready_for_the_instance_that_was_made_ready(ready: Path) -> None:
    assert is_instance_ready(ready, str(PROJECT_ROOT))
    assert not is_instance_ready(ready, "/another/description")
    assert not is_instance_ready(ready / "not" / "there", str(PROJECT_ROOT))
