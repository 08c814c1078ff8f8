"""The champion as Dagster shows it: registered, compared, checked. The models are real, of the small sample."""

import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from taxi_assets.defs.champion_model import champion_model
from taxi_assets.defs.xgboost_model import XGBoostConfig
from taxi_assets.storage.publish import FolderStore
from taxi_assets.tracking.registry import version_at
from taxi_assets_tests.defs.running import (
    LINEAR,
    Resources,
    actual,
    copy_home,
    damage_version,
    data_version_of,
    expected,
    failure_of,
    failures,
    make_home,
    materialize,
    metadata_of,
    resources_in,
    run_checks,
    store_in,
)
from taxi_assets_tests.defs.tracked import runs_of, tracking_of


def weak(seed: int) -> dict[str, dg.Config]:
    """Settings with which XGBoost hardly learns: every other model beats it."""
    space = {"num_boost_round": [10.0, 20.0], "learning_rate": [0.001, 0.002]}
    return {"xgboost_model": XGBoostConfig(max_evaluations=1, max_depth=1, random_state=seed, space=space)}


@pytest.fixture(scope="module")
def crowned_home(filled_home: Path, empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a deployment whose champion is a weak XGBoost model, its only one. Not to be changed."""
    home = make_home(tmp_path_factory.mktemp("crowned") / "home", empty_database)
    shutil.copytree(
        filled_home / "assets", home / "assets", ignore=shutil.ignore_patterns("xgboost_model", "sklearn_models")
    )
    shutil.copy(filled_home / "source.json", home)
    resources = resources_in(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAXI_HOME", str(home))
        assert materialize(resources, "xgboost_model", config=weak(seed=1)).success
        assert materialize(resources, "champion_model").success
    return home


@pytest.fixture
def crowned(crowned_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Resources:
    """The resources of a copy, which is the current deployment."""
    home = copy_home(crowned_home, tmp_path / "crowned")
    monkeypatch.setenv("TAXI_HOME", str(home))
    return resources_in(home)


def train_linear(resources: Resources) -> None:
    """Train a model that beats the weak one."""
    assert materialize(resources, "sklearn_models", partition=LINEAR).success


def store_of(resources: Resources) -> FolderStore:
    return store_in(Path(resources["storage"].location).parent)


def alias(resources: Resources, name: Any) -> int | None:
    """The version that an alias names."""
    version = version_at(tracking_of(resources), name)
    return version.version if version else None


def test_the_first_champion_is_the_best_of_the_models(resources: Resources) -> None:
    result = materialize(resources, "champion_model")
    assert result.success
    metadata = metadata_of(result, "champion_model")
    candidates = [record.data for record in metadata["candidates"].records]
    assert {candidate["model"] for candidate in candidates} == {"xgboost_model", LINEAR}
    best = min(candidates, key=lambda candidate: candidate["rmse"])
    assert candidates[0] == best
    assert (metadata["champion"], metadata["version"], metadata["decision"]) == (best["model"], 1, "first")
    assert metadata["champion_rmse"] == pytest.approx(best["rmse"])
    assert metadata["reason"].startswith(f"Version 1 ({best['model']}, RMSE {best['rmse']:.4f}) is champion")


def test_the_champion_links_to_its_version_and_to_the_run_of_the_comparison(resources: Resources) -> None:
    metadata = metadata_of(materialize(resources, "champion_model"), "champion_model")
    assert metadata["champion_in_mlflow"] == "http://127.0.0.1:5000/#/models/nyc-taxi-duration/versions/1"
    assert metadata["mlflow_run"].endswith(f"/runs/{metadata['mlflow_run_id']}")
    (run,) = runs_of(resources, "champion_model")
    assert (run.info.run_id, run.info.status) == (metadata["mlflow_run_id"], "FINISHED")


def test_a_better_model_becomes_champion_and_the_figures_say_why(crowned: Resources) -> None:
    train_linear(crowned)
    metadata = metadata_of(materialize(crowned, "champion_model"), "champion_model")
    assert (metadata["champion"], metadata["version"], metadata["decision"]) == (LINEAR, 2, "won")
    assert metadata["rmse_of_new_model"] < metadata["rmse_of_champion_before"]
    assert metadata["champion_rmse"] == metadata["rmse_of_new_model"]
    assert metadata["judged_fit_of_champion_before"] == "training_fit"
    before, new = (f"{metadata[name]:.4f}" for name in ("rmse_of_champion_before", "rmse_of_new_model"))
    assert f"RMSE {new} against {before} of version 1 (xgboost_model)" in metadata["reason"]
    assert metadata["rows_compared"] == len(validation_rows(crowned))
    assert alias(crowned, "champion") == 2


def validation_rows(resources: Resources) -> Any:
    from taxi_assets.features import TrainingSet

    return store_of(resources).read("training_set", lambda folder, _: TrainingSet.load(folder)).y_val


def test_a_worse_model_is_the_challenger_and_the_champion_stays(crowned: Resources) -> None:
    train_linear(crowned)
    materialize(crowned, "champion_model")
    shutil.rmtree(store_of(crowned).root / "sklearn_models")
    assert materialize(crowned, "xgboost_model", config=weak(seed=2)).success
    metadata = metadata_of(materialize(crowned, "champion_model"), "champion_model")
    assert (metadata["champion"], metadata["version"], metadata["decision"]) == (LINEAR, 2, "lost")
    assert metadata["rmse_of_new_model"] > metadata["rmse_of_champion_before"] == metadata["champion_rmse"]
    assert (alias(crowned, "champion"), alias(crowned, "challenger")) == (2, 3)


def test_the_data_version_stays_while_the_champion_stays(crowned: Resources) -> None:
    first, second = (materialize(crowned, "champion_model") for _ in range(2))
    assert metadata_of(second, "champion_model")["decision"] == "same"
    assert data_version_of(first, "champion_model") == data_version_of(second, "champion_model")


def test_the_data_version_changes_with_the_champion(crowned: Resources) -> None:
    before = materialize(crowned, "champion_model")
    train_linear(crowned)
    after = materialize(crowned, "champion_model")
    assert data_version_of(before, "champion_model") != data_version_of(after, "champion_model")


def test_a_challenger_does_not_change_the_data_version(crowned: Resources) -> None:
    train_linear(crowned)
    before = materialize(crowned, "champion_model")
    shutil.rmtree(store_of(crowned).root / "sklearn_models")
    materialize(crowned, "xgboost_model", config=weak(seed=2))
    after = materialize(crowned, "champion_model")
    assert metadata_of(after, "champion_model")["decision"] == "lost"
    assert data_version_of(before, "champion_model") == data_version_of(after, "champion_model")


def test_the_checks_of_a_sound_champion_pass_and_say_why_it_serves(crowned: Resources) -> None:
    checks = run_checks(crowned, "champion_model")
    assert failures(checks) == {}
    assert actual(checks["champion_serves"]) == {
        "not_finite": 0,
        "predictions": len(validation_rows(crowned)),
        "version": 1,
    }
    assert actual(checks["compared_with_champion"]).startswith("Version 1 (xgboost_model, RMSE ")


def test_a_champion_that_is_broken_stays_and_both_checks_fail(crowned: Resources) -> None:
    damage_version(crowned, 1)
    train_linear(crowned)
    result = materialize(crowned, "champion_model")
    assert not result.success
    metadata = metadata_of(result, "champion_model")
    assert (metadata["champion"], metadata["version"], metadata["decision"]) == ("xgboost_model", 1, "not comparable")
    assert "champion_rmse" not in metadata
    assert (alias(crowned, "champion"), alias(crowned, "challenger")) == (1, 2)
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert failures(checks) == {"champion_serves": "ERROR", "compared_with_champion": "ERROR"}
    assert "Version 1 of nyc-taxi-duration cannot be loaded" in actual(checks["champion_serves"])
    assert actual(checks["compared_with_champion"]) == metadata["reason"]
    assert "the two cannot be compared. Version 1 of nyc-taxi-duration cannot be loaded" in metadata["reason"]


def test_a_champion_whose_files_are_gone_does_not_serve(crowned: Resources) -> None:
    folder = tracking_of(crowned).client.get_model_version_download_uri("nyc-taxi-duration", "1")
    shutil.rmtree(folder.removeprefix("file://"))
    check = run_checks(crowned, "champion_model")["champion_serves"]
    assert not check.passed
    assert check.blocking
    assert "Version 1 of nyc-taxi-duration cannot be loaded" in actual(check)


def test_without_a_champion_nothing_serves_and_nothing_was_compared(resources: Resources) -> None:
    checks = run_checks(resources, "champion_model")
    assert failures(checks) == {"champion_serves": "ERROR", "compared_with_champion": "ERROR"}
    assert (expected(checks["champion_serves"]), actual(checks["champion_serves"])) == (
        "a champion",
        "no version has the alias champion",
    )
    assert actual(checks["compared_with_champion"]).startswith("No comparison has been made yet")


def test_without_a_model_of_the_training_set_it_fails_clearly(
    home: Path, empty_database: Path, resources: Resources
) -> None:
    shutil.copy(empty_database, home / "mlflow" / "mlflow.db")
    for folder in ("xgboost_model", "sklearn_models"):
        shutil.rmtree(home / "assets" / folder)
    result = materialize(resources, "champion_model")
    assert "There is no model of the current training set yet" in failure_of(result, "champion_model")
    assert alias(resources, "champion") is None


def test_models_of_another_mlflow_fail_clearly(
    home: Path, empty_database: Path, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(champion_model.node_def, "_retry_policy", None)
    shutil.copy(empty_database, home / "mlflow" / "mlflow.db")
    result = materialize(resources, "champion_model")
    assert "MLFLOW_TRACKING_URI" in failure_of(result, "champion_model")
    assert alias(resources, "champion") is None


def test_a_failed_comparison_leaves_a_failed_mlflow_run_and_no_decision(empty_home: Path) -> None:
    resources = resources_in(empty_home)
    assert not materialize(resources, "champion_model").success
    (run,) = runs_of(resources, "champion_model")
    assert run.info.status == "FAILED"
    assert "taxi.decision" not in run.data.tags


def test_a_champion_that_is_compared_in_a_run_with_a_class_is_told_as_any_other(resources: Resources) -> None:
    result = materialize(resources, "sklearn_models", "champion_model", partition=LINEAR)
    assert result.success
    assert [run.info.status for run in runs_of(resources, "champion_model")] == ["FINISHED"]
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert actual(checks["compared_with_champion"]) == metadata_of(result, "champion_model")["reason"]


def test_promotions_are_in_a_pool() -> None:
    assert champion_model.op.pool == "champion"
