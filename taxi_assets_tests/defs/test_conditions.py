"""What the automation asks for: what is out of date, once, and never past a failed blocking check."""

from pathlib import Path

import dagster as dg
import pytest

from taxi_assets.defs import model_assets
from taxi_assets.training.search_spaces import SKLEARN_CLASSES
from taxi_assets_tests.defs.running import (
    LINEAR,
    QUICK_XGBOOST,
    failures,
    materialize,
    metadata_of,
    republish,
    run_checks,
    store_in,
)
from taxi_assets_tests.defs.trained import asked_for, block, fail, ingest, look, make, source_of

pytestmark = pytest.mark.slow

CLASSES = set(SKLEARN_CLASSES)


@pytest.fixture
def home(trained: Path) -> Path:
    """The home of a deployment where two months were trained on."""
    return trained


@pytest.fixture
def instance(trained_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    """Its instance."""
    return trained_instance


def test_where_nothing_was_made_nothing_is_asked_for(empty_home: Path) -> None:
    assert asked_for(dg.DagsterInstance.ephemeral(), empty_home) == {}


def test_one_step_after_the_other_is_asked_for(empty_home: Path) -> None:
    instance, resources = dg.DagsterInstance.ephemeral(), source_of(empty_home)
    ingest(resources, instance, "2024-01")
    asked, cursor = look(instance, empty_home)
    assert asked == {}
    ingest(resources, instance, "2024-02")
    asked, cursor = look(instance, empty_home, cursor)
    assert asked == {"training_set": {None}}
    make(resources, instance, "training_set")
    asked, cursor = look(instance, empty_home, cursor)
    assert asked == {"xgboost_model": {None}, "sklearn_models": CLASSES}
    make(resources, instance, "xgboost_model")
    make(resources, instance, "sklearn_models", partition=LINEAR)
    asked, cursor = look(instance, empty_home, cursor)
    assert asked == {"sklearn_models": CLASSES - {LINEAR}}, "the champion waits for them"


def test_the_champion_is_chosen_although_classes_failed(home: Path, instance: dg.DagsterInstance) -> None:
    resources = source_of(home)
    ingest(resources, instance, "2024-03")
    make(resources, instance, "training_set", "xgboost_model")
    _, cursor = look(instance, home)
    fail(resources, instance, CLASSES)
    asked, cursor = look(instance, home, cursor)
    assert asked == {"champion_model": {None}}
    make(resources, instance, "champion_model")
    asked, cursor = look(instance, home, cursor)
    assert asked == {}, "what failed is not tried again and again"
    ingest(resources, instance, "2024-04")
    make(resources, instance, "training_set")
    asked, cursor = look(instance, home, cursor)
    assert asked == {"xgboost_model": {None}, "sklearn_models": CLASSES}, "a new training set is a new chance"


def test_a_model_whose_blocking_check_could_not_be_made_goes_no_further(
    home: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    resources = source_of(home)
    ingest(resources, instance, "2024-03")
    make(resources, instance, "training_set")
    fail(resources, instance, CLASSES)
    with monkeypatch.context() as patch:
        patch.delattr(model_assets, "_validation")
        made = materialize(resources, "xgboost_model", config={"xgboost_model": QUICK_XGBOOST}, instance=instance)
    assert not made.success
    assert metadata_of(made, "xgboost_model")["rmse"] > 0
    assert asked_for(instance, home) == {}
    make(resources, instance, "xgboost_model")
    assert asked_for(instance, home) == {"champion_model": {None}}


def test_what_was_made_is_not_asked_for_again(home: Path, instance: dg.DagsterInstance) -> None:
    resources = source_of(home)
    assert asked_for(instance, home) == {"sklearn_models": CLASSES - {LINEAR}}
    ingest(resources, instance, "2024-01")
    assert asked_for(instance, home) == {"sklearn_models": CLASSES - {LINEAR}}, "the month is the same as before"
    make(resources, instance, "training_set")
    assert asked_for(instance, home) == {"sklearn_models": CLASSES - {LINEAR}}, "so is the training set"


def test_a_month_that_is_older_than_the_window_changes_nothing(home: Path, instance: dg.DagsterInstance) -> None:
    ingest(source_of(home, "2023-11:2024-02"), instance, "2023-11", "2023-12")
    assert "training_set" not in asked_for(instance, home)


@pytest.mark.parametrize(("month", "seed"), [("2024-03", 1), ("2024-01", 2)])
def test_a_new_and_a_corrected_month_ask_for_a_training_set(
    home: Path, instance: dg.DagsterInstance, month: str, seed: int
) -> None:
    resources = source_of(home, seed=seed)
    ingest(resources, instance, month)
    assert asked_for(instance, home)["training_set"] == {None}
    make(resources, instance, "training_set")
    assert asked_for(instance, home) == {"xgboost_model": {None}, "sklearn_models": CLASSES}


def test_a_month_of_which_a_blocking_check_failed_is_passed_over(home: Path, instance: dg.DagsterInstance) -> None:
    resources = source_of(home)
    ingest(resources, instance, "2024-03")
    block(home, instance, "2024-03")
    assert "training_set" not in asked_for(instance, home)
    ingest(resources, instance, "2024-04")
    assert asked_for(instance, home)["training_set"] == {None}
    made = materialize(resources, "training_set", instance=instance)
    assert metadata_of(made, "training_set")["months"] == "2024-02, 2024-04"
    ingest(resources, instance, "2024-03")
    assert asked_for(instance, home)["training_set"] == {None}, "the month was made again, and is sound"


def test_a_month_that_could_not_be_fetched_again_is_used_as_it_is(home: Path, instance: dg.DagsterInstance) -> None:
    resources = source_of(home)
    ingest(resources, instance, "2024-03")
    make(resources, instance, "training_set")
    ingest(source_of(home, "2024-01:2024-02"), instance, "2024-03", success=False)
    assert asked_for(instance, home) == {"xgboost_model": {None}, "sklearn_models": CLASSES}


def test_no_model_is_trained_on_a_training_set_that_failed_a_blocking_check(
    home: Path, instance: dg.DagsterInstance
) -> None:
    resources = source_of(home)
    ingest(resources, instance, "2024-03")
    make(resources, instance, "training_set")
    assert "xgboost_model" in asked_for(instance, home)
    matrix = "X_train.data.npy"
    republish(store_in(home), "training_set", lambda folder: (folder / matrix).unlink())
    assert "training_shape" in failures(run_checks(resources, "training_set", instance=instance))
    assert asked_for(instance, home) == {}


def test_no_champion_is_chosen_where_a_model_failed_a_blocking_check(home: Path, instance: dg.DagsterInstance) -> None:
    resources = source_of(home)
    fail(resources, instance, CLASSES - {LINEAR})
    other = QUICK_XGBOOST.model_copy(update={"random_state": 1})
    assert materialize(resources, "xgboost_model", config={"xgboost_model": other}, instance=instance).success
    assert asked_for(instance, home) == {"champion_model": {None}}
    republish(store_in(home), f"sklearn_models/{LINEAR}", lambda folder: (folder / "training_fit.skops").unlink())
    assert "finite_predictions" in failures(run_checks(resources, "sklearn_models", LINEAR, instance))
    assert asked_for(instance, home) == {}
