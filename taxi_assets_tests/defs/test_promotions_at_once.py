"""Promotions are one at a time, on the instance that dagster.yaml describes."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from taxi_assets_tests.defs.child import instance_in, start_child
from taxi_assets_tests.defs.running import Resources
from taxi_assets_tests.defs.tracked import runs_of, statuses

pytestmark = pytest.mark.slow


def wait_until(true: Callable[[], bool]) -> None:
    """Wait until something is so; a test that waits for ever is given up."""
    for _ in range(6_000):
        if true():
            return
        time.sleep(0.1)
    pytest.fail("What was waited for did not happen.")


def test_a_promotion_waits_for_the_one_that_goes_on(home: Path, resources: Resources, tmp_path: Path) -> None:
    go = tmp_path / "go"
    children = [start_child(home, "champion_model", "--wait-for", str(go)) for _ in range(2)]
    try:
        with instance_in(home) as instance:
            pool = instance.event_log_storage

            def one_goes_on_and_one_waits() -> bool:
                info = pool.get_concurrency_info("champion")
                return (info.active_slot_count, len({step.run_id for step in info.pending_steps})) == (1, 2)

            wait_until(one_goes_on_and_one_waits)
            wait_until(lambda: len(list(tmp_path.glob("go.*"))) == 1)
            assert statuses(runs_of(resources, "champion_model")) == ["RUNNING"]
            go.touch()
            assert [child.wait(600) for child in children] == [0, 0]
    finally:
        for child in children:
            child.kill()
            child.communicate()
    first, second = runs_of(resources, "champion_model")
    assert [run.data.tags["taxi.decision"] for run in (first, second)] == ["first", "same"]
    assert first.info.end_time <= second.info.start_time


def test_two_classes_train_at_once_where_mlflow_has_no_tables_yet(home: Path, resources: Resources) -> None:
    shutil.rmtree(home / "mlflow")
    names = ("linear_model.Lasso", "linear_model.LinearRegression")
    children = [start_child(home, "sklearn_models", "--partition", name) for name in names]
    outputs = [child.communicate()[0] for child in children]
    assert [child.returncode for child in children] == [0, 0], outputs
    for name in names:
        (run,) = runs_of(resources, f"sklearn_models[{name}]")
        assert (run.info.status, run.data.tags["taxi.model"]) == ("FINISHED", name)
    assert statuses(runs_of(resources, "trial 1")) == ["FINISHED", "FINISHED"]
