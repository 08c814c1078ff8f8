"""What MLflow keeps of a training: trials, data, parameters, metrics, tags, the model."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from taxi_assets.storage import locations
from taxi_assets.tracking import runs, tags
from taxi_assets.training.search_spaces import MODEL_NAMES, XGBOOST
from taxi_assets_tests.tracking.conftest import Seven
from taxi_assets_tests.tracking.deployment import LASSO, Deployment, Logged, mlflow_at

if TYPE_CHECKING:
    from mlflow.entities import Dataset, Run

PICKLES = {".pkl", ".pickle", ".joblib", ".cloudpickle", ".pt", ".pth"}


def run_of(seven: Seven, name: str) -> "Run":
    """The MLflow run of the training of a model."""
    return seven[0].tracking.client.get_run(seven[1][name].run_id)


def trials_of(deployment: Deployment, logged: Logged) -> "list[Run]":
    """The runs nested in a training's, in the order of their trials."""
    found = deployment.tracking.client.search_runs(
        [deployment.tracking.experiment_id], f"tags.`{tags.PARENT_RUN}` = '{logged.run_id}'"
    )
    return sorted(found, key=lambda run: int(run.info.run_name.removeprefix("trial ")))


def dataset_of(seven: Seven, name: str = LASSO) -> "Dataset":
    (found,) = run_of(seven, name).inputs.dataset_inputs
    return found.dataset


def steps(deployment: Deployment, logged: Logged, metric: str) -> list[tuple[int, float]]:
    """The values of a metric by step."""
    history = deployment.tracking.client.get_metric_history(logged.run_id, metric)
    return sorted((found.step, found.value) for found in history)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_every_trial_is_a_finished_run_with_its_parameters_and_its_figure(seven: Seven, name: str) -> None:
    logged = seven[1][name]
    found = [
        (run.data.params, run.data.metrics["selection_rmse"], run.info.status) for run in trials_of(seven[0], logged)
    ]
    assert found == [
        ({key: str(value) for key, value in trial.parameters.items()}, trial.rmse, "FINISHED")
        for trial in logged.record.trials
    ]


def test_a_trial_of_xgboost_tells_the_rounds_that_early_stopping_chose(seven: Seven) -> None:
    logged = seven[1][XGBOOST.name]
    found = [run.data.metrics["rounds"] for run in trials_of(seven[0], logged)]
    assert found == [trial.rounds for trial in logged.record.trials]


def test_a_trial_that_was_made_before_is_marked_as_reused(deployment: Deployment) -> None:
    deployment.train(LASSO, max_evaluations=1)
    again = deployment.train(LASSO, max_evaluations=3)
    found = [run.data.tags[tags.REUSED] for run in trials_of(deployment, again)]
    assert found == ["true", "false", "false"]


def test_the_figure_of_each_trial_and_the_best_so_far_are_drawn_over_the_trials(deployment: Deployment) -> None:
    logged = deployment.train(LASSO, max_evaluations=4, random_state=3)
    figures = [trial.rmse for trial in logged.record.trials]
    assert steps(deployment, logged, "selection_rmse") == list(enumerate(figures, 1))
    best = [min(figures[:count]) for count in range(1, 5)]
    assert steps(deployment, logged, "best_selection_rmse") == list(enumerate(best, 1))


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_the_metrics_are_those_of_the_model_and_of_the_mean_predictor(seven: Seven, name: str) -> None:
    record, found = seven[1][name].record, run_of(seven, name).data.metrics
    assert {key: found[key] for key in ("rmse", "mae", "r2")} == record.metrics.to_dict()
    mean = {key: found[f"mean_predictor_{key}"] for key in ("rmse", "mae", "r2")}
    assert mean == record.mean_predictor.to_dict()


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_the_parameters_are_those_of_the_fit_and_of_the_search(seven: Seven, name: str) -> None:
    record, found = seven[1][name].record, run_of(seven, name).data.params
    expected = record.parameters | {
        "random_state": record.random_state,
        "select_on": "training",
        "evaluations": 2,
        "months": "2024-01, 2024-02",
        "split_on_feature": "pickup_datetime",
        "split_on_feature_value": "2024-02-01",
        "feature_set": "course",
        "target": "duration",
    }
    assert found == {key: str(value) for key, value in expected.items()}


def test_the_tags_lead_to_the_data_the_model_was_trained_on(seven: Seven) -> None:
    found, store = run_of(seven, LASSO).data.tags, seven[0].store
    assert found[tags.TRAINING_SET] == store.existing(locations.TRAINING_SET).digest
    for month in ("2024-01", "2024-02"):
        assert found[f"{tags.CLEAN_TRIPS}.{month}"] == store.existing(locations.clean_trips(month)).digest
    assert found[tags.SYNTHETIC] == "true"
    assert found[tags.SOURCE] == "sample-green"


def test_the_tags_lead_to_the_stored_model_and_the_dagster_run(seven: Seven) -> None:
    found = run_of(seven, LASSO).data.tags
    assert found[tags.MODEL_DIGEST] == seven[0].store.existing(locations.model(LASSO)).digest
    assert found[tags.DAGSTER_RUN] == "a-dagster-run"


def test_the_tags_tell_the_libraries_that_fitted_it(seven: Seven) -> None:
    found = run_of(seven, LASSO).data.tags
    libraries = {key.partition(".")[2]: value for key, value in found.items() if key.startswith(f"{tags.LIBRARY}.")}
    assert libraries == seven[1][LASSO].record.libraries
    assert {"scikit-learn", "xgboost", "hyperopt", "numpy"} <= set(libraries)


def test_the_commit_is_tagged_on_trainings_and_trials(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXI_GIT_COMMIT", "0123abc")
    runs._code.cache_clear()
    try:
        logged = deployment.train(LASSO)
    finally:
        runs._code.cache_clear()
    found = [deployment.tracking.client.get_run(logged.run_id), *trials_of(deployment, logged)]
    assert [run.data.tags[tags.GIT_COMMIT] for run in found] == ["0123abc", "0123abc"]


def test_the_data_are_a_dataset_named_by_their_window(seven: Seven) -> None:
    dataset = dataset_of(seven)
    assert dataset.name == "synthetic green trips 2024-01..2024-02"
    digest = seven[0].store.existing(locations.TRAINING_SET).digest
    assert digest.startswith(dataset.digest)
    assert len(dataset.digest) >= 16


def test_the_dataset_tells_the_window_the_split_and_the_shapes(seven: Seven) -> None:
    from taxi_assets.features import TrainingSet

    profile = json.loads(dataset_of(seven).profile)
    data = seven[0].store.read(locations.TRAINING_SET, lambda folder, _: TrainingSet.load(folder))
    assert profile["window"] == ["2024-01", "2024-02"]
    assert profile["split"] == "pickup_datetime < 2024-02-01"
    assert profile["digest"] == seven[0].store.existing(locations.TRAINING_SET).digest
    assert profile["num_rows"] == data.X_train.shape[0]
    assert profile["shapes"] == json.loads(json.dumps(data.shapes()))


def test_the_dataset_leads_to_the_months(seven: Seven) -> None:
    source = json.loads(dataset_of(seven).source)
    assert source["clean_trips"]["2024-02"] == seven[0].store.existing(locations.clean_trips("2024-02")).digest


def model_info(seven: Seven, name: str = LASSO) -> Any:
    from mlflow.models import get_model_info

    with mlflow_at(seven[0].tracking):
        return get_model_info(str(files_of(seven, name)))


def files_of(seven: Seven, name: str) -> Path:
    from taxi_assets.tracking.registry import versions

    (found,) = [version for version in versions(seven[0].tracking) if version.model == name]
    return seven[0].files_of(found.version)


def test_the_signature_asks_for_raw_records_and_gives_minutes(seven: Seven) -> None:
    signature = model_info(seven).signature
    assert sorted(signature.inputs.input_names()) == ["DOLocationID", "PULocationID", "trip_distance"]
    assert [column.type.name for column in signature.outputs] == ["double"]


def test_the_input_example_is_a_raw_record_that_the_model_predicts(seven: Seven) -> None:
    import pandas as pd

    example = json.loads((files_of(seven, LASSO) / "input_example.json").read_text())
    frame = pd.DataFrame(**example)
    assert sorted(frame.columns) == ["DOLocationID", "PULocationID", "trip_distance"]
    assert 1 < seven[1][LASSO].model.final_fit.predict(frame)[0] < 60


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_no_artifact_is_a_pickle(seven: Seven, name: str) -> None:
    files = [path for path in files_of(seven, name).rglob("*") if path.is_file()]
    assert (files_of(seven, name) / "model.skops") in files
    assert not [path for path in files if path.suffix in PICKLES or path.read_bytes()[:1] == b"\x80"]


def test_the_model_names_exact_versions_of_what_it_needs(seven: Seven) -> None:
    lines = (files_of(seven, LASSO) / "requirements.txt").read_text().split()
    assert lines
    assert all(re.fullmatch(r"[\w-]+==[\w.+]+", line) for line in lines)


def test_a_training_that_fails_before_its_model_is_logged_is_no_candidate(deployment: Deployment) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("No.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlflow.sklearn.log_model", fail)
        with pytest.raises(RuntimeError):
            deployment.train(LASSO)
    assert deployment.store.current(locations.model(LASSO)) is None
    promotion = deployment.train_and_promote("linear_model.LinearRegression")
    assert [candidate.model for candidate in promotion.candidates] == ["linear_model.LinearRegression"]
