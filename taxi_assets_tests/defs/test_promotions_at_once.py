"""Promotions are one at a time, on the instance that dagster.yaml describes."""

import shutil
from pathlib import Path

import pytest

from taxi_assets.defs.instance import open_ready
from taxi_assets.settings import PROJECT_ROOT
from taxi_assets_tests.defs.child import start_child
from taxi_assets_tests.defs.processes import wait_until
from taxi_assets_tests.defs.running import Resources
from taxi_assets_tests.defs.tracked import runs_of, statuses

pytestmark = pytest.mark.slow


def test_a_promotion_waits_for_the_one_that_goes_on(home: Path, resources: Resources, tmp_path: Path) -> None:
    go = tmp_path / "go"
    with open_ready(home, str(PROJECT_ROOT)) as instance:
        pool = instance.event_log_storage
        children = [start_child(home, "champion_model", "--wait-for", str(go))]
        try:
            wait_until(lambda: bool(list(tmp_path.glob("go.*"))))
            children.append(start_child(home, "champion_model", "--wait-for", str(go)))
            wait_until(lambda: len({step.run_id for step in pool.get_concurrency_info("champion").pending_steps}) == 2)
            assert pool.get_concurrency_info("champion").active_slot_count == 1
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
    with open_ready(home, str(PROJECT_ROOT)):
        pass
    names = ("linear_model.Lasso", "linear_model.LinearRegression")
    children = [start_child(home, "sklearn_models", "--partition", name) for name in names]
    outputs = [child.communicate()[0] for child in children]
    assert [child.returncode for child in children] == [0, 0], outputs
    for name in names:
        (run,) = runs_of(resources, f"sklearn_models[{name}]")
        assert (run.info.status, run.data.tags["taxi.model"]) == ("FINISHED", name)
    assert statuses(runs_of(resources, "trial 1")) == ["FINISHED", "FINISHED"]
