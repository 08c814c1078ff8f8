"""What `taxi run` does: each month, the training set and XGBoost, each class, and one summary of all."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from taxi_assets.defs import main_job
from taxi_assets.defs.main_job import CheckFailure, ModelResult, RunOptions, Summary, run_main_job
from taxi_assets.errors import SettingError, TrackingError
from taxi_assets.features import TrainingSet, known_windows
from taxi_assets_tests.defs.running import LINEAR, QUICK_XGBOOST, damage_version, resources_in, store_in

MONTHS = ["2024-01", "2024-02"]
MODELS = ["xgboost_model", LINEAR]


class Told:
    """Progress that remembers what it was told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def started(self, what: str) -> None:
        self.events.append(("started", what))

    def finished(self, what: str, detail: str, seconds: float) -> None:
        self.events.append(("finished", what))

    def failed(self, what: str, error: str) -> None:
        self.events.append(("failed", what))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture(autouse=True)
def quick_xgboost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shallow trees, unless a test asks for other ones."""
    quick = QUICK_XGBOOST.model_dump(exclude={"select_on"})
    monkeypatch.setattr(main_job, "XGBoostConfig", lambda **given: type(QUICK_XGBOOST)(**quick | given))


def keys_of(value: Any) -> Any:
    """The keys of an object and of the objects in it."""
    if isinstance(value, dict):
        return {name: keys_of(item) for name, item in value.items()}
    return (
        [keys_of(item) for item in value[:1]]
        if isinstance(value, list) and value and isinstance(value[0], dict)
        else ...
    )


def told_shape(home: Path) -> tuple[int, int]:
    """Rows and columns of all trips of the stored training set."""
    shapes: dict[str, tuple[int, int]] = store_in(home).read(
        "training_set", lambda folder, _: TrainingSet.load(folder).shapes()
    )
    return shapes["X"]


def test_a_run_makes_everything_and_tells_it_as_designed(
    empty_home: Path, instance: dg.DagsterInstance, told: Told
) -> None:
    summary = run_main_job(RunOptions(models=MODELS), instance, resources_in(empty_home), told)
    assert summary.succeeded, summary.errors
    told_json = json.loads(json.dumps(summary.to_json(), allow_nan=False))
    assert keys_of(told_json) == {
        "months": ...,
        "source": ...,
        "synthetic": ...,
        "shapes": {"X": ..., "X_train": ..., "X_val": ...},
        "checks": {"passed": ..., "warned": ..., "failed": ..., "failures": ...},
        "models": [{"name": ..., "rmse": ..., "mae": ..., "seconds": ..., "mlflow_run_id": ...}],
        "champion": {"name": ..., "version": ..., "rmse": ..., "reason": ...},
        "errors": ...,
        "seconds": ...,
    }
    assert (told_json["months"], told_json["source"], told_json["synthetic"]) == (MONTHS, "sample", True)
    assert told_json["checks"] == {"passed": 29, "warned": 0, "failed": 0, "failures": []}
    assert [model["name"] for model in told_json["models"]] == MODELS
    best = min(told_json["models"], key=lambda model: model["rmse"])
    assert told_json["champion"] == {
        "name": best["name"],
        "version": 1,
        "rmse": pytest.approx(best["rmse"]),
        "reason": f"Version 1 ({best['name']}, RMSE {best['rmse']:.4f}) is champion: there was none.",
    }
    shapes = told_json["shapes"]
    assert shapes["X_train"][0] + shapes["X_val"][0] == shapes["X"][0]
    steps = ["trips of 2024-01", "trips of 2024-02", "training_set and xgboost_model", LINEAR, "champion"]
    assert told.events == [(what, step) for step in steps for what in ("started", "finished")]
    runs = instance.get_runs()
    assert len(runs) == 5
    assert {run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}


def test_a_month_that_fails_stops_the_training_and_not_the_other_month(
    empty_home: Path, instance: dg.DagsterInstance, told: Told
) -> None:
    options = RunOptions(months=["2023-12", "2024-01"], models=MODELS)
    summary = run_main_job(options, instance, resources_in(empty_home), told)
    assert not summary.succeeded
    assert len(summary.errors) == 1
    assert "2023-12: the sample source has" in summary.errors[0]
    assert told.events == [
        ("started", "trips of 2023-12"),
        ("failed", "trips of 2023-12"),
        ("started", "trips of 2024-01"),
        ("finished", "trips of 2024-01"),
    ]
    store = store_in(empty_home)
    assert store.current("clean_trips/2024-01") is not None
    assert store.current("training_set") is None
    assert summary.to_json()["champion"] is None
    assert summary.to_json()["shapes"] == {"X": None, "X_train": None, "X_val": None}


def test_a_training_set_of_a_wrong_shape_is_trained_on_by_no_model(
    home: Path, instance: dg.DagsterInstance, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {"X": (1, 1), "X_train": (1, 1), "X_val": (1, 1)}
    monkeypatch.setattr(known_windows, "known_shapes", lambda facts: wrong)
    summary = run_main_job(RunOptions(months=MONTHS, models=MODELS), instance, resources_in(home), told)
    assert not summary.succeeded
    assert summary.models == []
    failed = summary.to_json()["checks"]
    assert (failed["failed"], failed["warned"]) == (3, 0)
    assert {failure["check"] for failure in failed["failures"]} == {
        "dataset_shape",
        "training_shape",
        "validation_shape",
    }
    assert len(summary.errors) == 3
    rows, columns = told_shape(home)
    assert (
        f"training_set: check dataset_shape failed. Expected X 1 × 1; found X {rows:,} × {columns:,}." in summary.errors
    )


def test_a_class_that_fails_does_not_stop_the_next(
    home: Path, instance: dg.DagsterInstance, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    from taxi_assets.training import fitting

    original = fitting.train_sklearn_model

    def fail_for_lasso(name: str, *args: Any, **options: Any) -> Any:
        if name == "linear_model.Lasso":
            raise SettingError("Lasso is ill.")
        return original(name, *args, **options)

    monkeypatch.setattr(fitting, "train_sklearn_model", fail_for_lasso)
    options = RunOptions(months=MONTHS, models=["linear_model.Lasso", LINEAR])
    summary = run_main_job(options, instance, resources_in(home), told)
    assert summary.errors == ["Lasso is ill."]
    assert [model.name for model in summary.models] == [LINEAR]


def test_the_options_reach_the_assets(home: Path, instance: dg.DagsterInstance, told: Told) -> None:
    options = RunOptions(months=MONTHS, split="2024-02-15", models=[LINEAR], evaluations=2, select_on="validation")
    assert run_main_job(options, instance, resources_in(home), told).succeeded
    store = store_in(home)
    assert store.existing("training_set").facts["split_on_feature_value"] == "2024-02-15"
    record = store.read(f"sklearn_models/{LINEAR}", lambda folder, _: json.loads((folder / "model.json").read_text()))
    assert len(record["trials"]) == 2
    assert record["select_on"] == "validation"


@pytest.mark.parametrize(
    "options",
    [
        {"months": ["1999-01", "2024-01"]},
        {"months": ["2199-01"]},
        {"months": ["2024-13"]},
        {"select_on": "luck"},
        {"models": ["linear_model.Ridge"]},
        {"evaluations": 0},
        {"xgboost_evaluations": 0},
        {"split": "yesterday"},
    ],
    ids=str,
)
def test_an_impossible_option_runs_nothing(
    options: dict[str, Any], empty_home: Path, instance: dg.DagsterInstance, told: Told
) -> None:
    defaults: dict[str, Any] = {"months": MONTHS, "models": [LINEAR]}
    if "xgboost_evaluations" in options:
        defaults["models"] = ["xgboost_model"]
    with pytest.raises(SettingError):
        run_main_job(RunOptions(**defaults | options), instance, resources_in(empty_home, sample_rows=300), told)
    assert told.events == []
    assert instance.get_runs() == []


def test_a_source_with_one_month_is_refused_before_anything_runs(
    empty_home: Path, instance: dg.DagsterInstance, told: Told
) -> None:
    resources = resources_in(empty_home, sample_months="2024-01")
    with pytest.raises(SettingError, match="has 1 months"):
        run_main_job(RunOptions(models=[LINEAR]), instance, resources, told)
    assert told.events == []


def test_the_newest_two_months_are_the_default(empty_home: Path, instance: dg.DagsterInstance, told: Told) -> None:
    resources = resources_in(empty_home, sample_months="2024-01:2024-04", sample_rows=300)
    summary = run_main_job(RunOptions(models=[]), instance, resources, told)
    assert summary.months == ["2024-03", "2024-04"]


def test_warnings_are_counted_and_are_no_errors() -> None:
    summary = Summary(MONTHS, "sample", True)
    summary.check_failures = [
        CheckFailure("raw_trips", "2024-01-01", "pickups_in_month", "WARN", 0.01, 0.02, "Strays."),
        CheckFailure("clean_trips", "2024-01-01", "schema", "ERROR", "a", "b", "Odd."),
    ]
    checks = summary.to_json()["checks"]
    assert (checks["warned"], checks["failed"]) == (1, 1)
    assert checks["failures"][0]["check"] == "pickups_in_month"
    assert summary.succeeded


def test_a_failed_check_is_told_in_one_sentence() -> None:
    failure = CheckFailure("clean_trips", "2024-01-01", "schema", "ERROR", "a", "b", "Expected a; found b.")
    assert failure.sentence() == "clean_trips 2024-01-01: check schema failed. Expected a; found b."


def test_a_model_whose_rmse_is_not_a_number_is_not_the_best() -> None:
    summary = Summary(MONTHS, "sample", True)
    summary.models = [
        ModelResult("xgboost_model", float("nan"), 1.0, 1.0, "a"),
        ModelResult(LINEAR, 9.0, 7.0, 1.0, "b"),
    ]
    assert summary.best is not None
    assert summary.best.name == LINEAR


def test_the_mlflow_run_of_each_model_is_told(home: Path, instance: dg.DagsterInstance, told: Told) -> None:
    resources = resources_in(home)
    summary = run_main_job(RunOptions(months=MONTHS, models=MODELS), instance, resources, told)
    client = resources["mlflow"].tracking().client
    names = [client.get_run(model.mlflow_run_id).info.run_name for model in summary.models]
    assert names == ["xgboost_model", f"sklearn_models[{LINEAR}]"]


def test_nothing_is_run_where_mlflow_does_not_answer(
    home: Path, instance: dg.DagsterInstance, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(TrackingError, match=r"http://127\.0\.0\.1:9 .*MLFLOW_TRACKING_URI"):
        run_main_job(RunOptions(models=MODELS), instance, resources_in(home), told)
    assert told.events == []
    assert instance.get_runs() == []


def test_a_champion_that_cannot_be_compared_is_an_error(home: Path, instance: dg.DagsterInstance, told: Told) -> None:
    resources = resources_in(home)
    first = run_main_job(RunOptions(months=MONTHS, models=["xgboost_model"]), instance, resources, told)
    assert first.champion is not None
    damage_version(resources, first.champion.version)
    # The data of another split: models of it are no versions yet.
    options = RunOptions(months=MONTHS, models=[LINEAR], split="2024-02-10")
    second = run_main_job(options, instance, resources, told)
    assert second.champion is not None
    assert (second.champion.version, second.champion.rmse) == (first.champion.version, None)
    assert not second.succeeded
    assert "champion_model: check champion_serves failed" in second.errors[0]
    assert {failure.check for failure in second.check_failures} == {"champion_serves", "compared_with_champion"}
