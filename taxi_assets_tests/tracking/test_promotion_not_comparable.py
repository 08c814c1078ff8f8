"""A champion that cannot be judged stays, with the reason, and the new model is challenger."""

import json
from pathlib import Path

import polars as pl
import pytest

from taxi_assets.features.feature_sets import FEATURE_SETS, Categorical, FeatureSet, Numeric
from taxi_assets.tracking.connection import REGISTERED_MODEL
from taxi_assets.tracking.promotion import Decision
from taxi_assets_tests.tracking.deployment import BAD, GOOD, LASSO, Deployment, mlflow_at

OTHER = FeatureSet(
    "other", (Categorical("PU", pl.col("PULocationID")), Numeric("trip_distance", pl.col("trip_distance")))
)


def require_the_champion_stays(deployment: Deployment, reason: str) -> None:
    """Train a better model; it must become challenger and the champion stay, for this reason."""
    promotion = deployment.train_and_promote(LASSO, **GOOD)
    assert promotion.decision == Decision.NOT_COMPARABLE
    assert reason in promotion.reason
    assert "taxi champion rollback --to" in promotion.reason
    assert (deployment.champion(), deployment.challenger()) == (1, 2)
    assert promotion.champion_rmse is None


@pytest.mark.parametrize("name", ["model.skops", "extra_files/training_fit.skops", "extra_files/model.json"])
def test_a_champion_with_a_truncated_file(deployment: Deployment, name: str) -> None:
    deployment.train_and_promote(LASSO, **BAD)
    path = deployment.files_of(1) / name
    path.write_bytes(path.read_bytes()[:100])
    require_the_champion_stays(deployment, "Version 1 of nyc-taxi-duration cannot be loaded")


def test_a_champion_whose_record_lacks_its_facts(deployment: Deployment) -> None:
    deployment.train_and_promote(LASSO, **BAD)
    path = deployment.files_of(1) / "extra_files" / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"facts": {}}))
    require_the_champion_stays(deployment, "cannot be compared")


def test_a_champion_that_another_program_registered(deployment: Deployment, tmp_path: Path) -> None:
    client = deployment.tracking.client
    client.create_registered_model(REGISTERED_MODEL)
    with mlflow_at(deployment.tracking):
        client.create_model_version(REGISTERED_MODEL, tmp_path.as_uri())
    client.set_registered_model_alias(REGISTERED_MODEL, "champion", "1")
    require_the_champion_stays(deployment, "an unknown source")


def test_a_champion_of_an_unknown_feature_set(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(FEATURE_SETS, "other", OTHER)  # type: ignore[arg-type]
        deployment.window("2024-01", "2024-02", feature_set="other")
        deployment.train_and_promote(LASSO, **BAD)
    deployment.window("2024-01", "2024-02")
    require_the_champion_stays(deployment, "feature_set 'other' is unknown")


def test_a_champion_of_another_known_feature_set_is_compared(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FEATURE_SETS, "other", OTHER)  # type: ignore[arg-type]
    deployment.window("2024-01", "2024-02", feature_set="other")
    deployment.train_and_promote(LASSO, **BAD)
    deployment.window("2024-01", "2024-02")
    assert deployment.train_and_promote(LASSO, **GOOD).decision == Decision.WON


def test_a_champion_of_another_source(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.train_and_promote(LASSO, **BAD)
    monkeypatch.setenv("TAXI_TRIPS_URI", "tlc")
    require_the_champion_stays(Deployment(), "trained on trips of sample-green, not of tlc-green")


def test_a_champion_of_another_target(deployment: Deployment) -> None:
    deployment.window("2024-01", "2024-02", target="trip_distance")
    deployment.train_and_promote(LASSO, **BAD)
    deployment.window("2024-01", "2024-02")
    require_the_champion_stays(deployment, "It predicts trip_distance, and the new model duration")


def test_a_champion_whose_files_are_gone(deployment: Deployment) -> None:
    deployment.train_and_promote(LASSO, **BAD)
    folder = deployment.files_of(1)
    folder.rename(folder.with_name("gone"))
    require_the_champion_stays(deployment, "Version 1 of nyc-taxi-duration cannot be loaded")


def test_a_champion_split_by_a_column_that_the_trips_lack(deployment: Deployment) -> None:
    deployment.train_and_promote(LASSO, **BAD)
    path = deployment.files_of(1) / "extra_files" / "model.json"
    record = json.loads(path.read_text())
    record["facts"]["split_on_feature"] = "fare"
    path.write_text(json.dumps(record))
    require_the_champion_stays(deployment, "split_on_feature='fare'")
