"""A training that goes on from stored trials gives the model of one that never stopped."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from taxi_assets.features import TrainingSet
from taxi_assets.storage.publish import FolderStore
from taxi_assets.training.model import TrainedModel
from taxi_assets.training.model_files import save_model
from taxi_assets.training.stored_trials import StoredTrials
from taxi_assets.training.tuning import Followers
from taxi_assets_tests.training.quick import XGBOOST_NAME, train

QUICK_SPACES: dict[str, dict[str, list[float]]] = {
    "linear_model.LinearRegression": {},
    "linear_model.Lasso": {},
    "ensemble.RandomForestRegressor": {"n_estimators": [10, 20], "max_depth": [5, 10]},
    XGBOOST_NAME: {"num_boost_round": [10, 20]},
}

SHALLOW: dict[str, dict[str, Any]] = {XGBOOST_NAME: {"max_depth": 3}}

LASSO = "linear_model.Lasso"


def files_of(model: TrainedModel, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    save_model(model, folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def reused_in(name: str, data: TrainingSet, store: FolderStore, **options: Any) -> list[bool]:
    """Of each trial of a training whether it was remembered."""
    told: list[bool] = []
    followers = Followers(StoredTrials(store, name), lambda _, reused: told.append(reused))
    space = {**QUICK_SPACES[name], **options.pop("space", {})}
    train(name, data, followers=followers, space=space, **SHALLOW.get(name, {}) | options)
    return told


@pytest.mark.parametrize("name", QUICK_SPACES)
def test_four_evaluations_after_two_give_the_bytes_of_four_at_once(
    name: str, data: TrainingSet, store: FolderStore, tmp_path: Path
) -> None:
    quickly = partial(train, name, data, space=QUICK_SPACES[name], **SHALLOW.get(name, {}))
    for evaluations in (2, 4):
        model = quickly(max_evaluations=evaluations, followers=Followers(StoredTrials(store, name)))
    at_once = quickly(max_evaluations=4)
    assert len(at_once.record.trials) == 4
    assert files_of(model, tmp_path / "goes on") == files_of(at_once, tmp_path / "at once")


@pytest.mark.parametrize("name", QUICK_SPACES)
def test_training_again_with_more_evaluations_makes_the_new_trials_only(
    name: str, data: TrainingSet, store: FolderStore
) -> None:
    assert reused_in(name, data, store, max_evaluations=1) == [False]
    assert reused_in(name, data, store, max_evaluations=3) == [True, False, False]
    assert reused_in(name, data, store, max_evaluations=2) == [True, True]


@pytest.mark.parametrize(
    ("name", "option"),
    [
        (LASSO, {"training_set": "another"}),
        (LASSO, {"random_state": 8}),
        (LASSO, {"select_on": "validation"}),
        (LASSO, {"space": {"alpha": [0.1, 0.2]}}),
        (XGBOOST_NAME, {"training_set": "another"}),
        (XGBOOST_NAME, {"random_state": 8}),
        (XGBOOST_NAME, {"select_on": "validation"}),
        (XGBOOST_NAME, {"space": {"gamma": [0.1, 0.2]}}),
        (XGBOOST_NAME, {"max_depth": 5}),
        (XGBOOST_NAME, {"early_stopping_rounds": 2}),
    ],
    ids=str,
)
def test_trials_of_another_training_are_not_used_again(
    name: str, option: dict[str, Any], data: TrainingSet, store: FolderStore
) -> None:
    reused_in(name, data, store)
    assert reused_in(name, data, store, **option) == [False]


@pytest.mark.parametrize("name", [LASSO, XGBOOST_NAME])
def test_facts_of_the_training_set_decide_nothing(name: str, data: TrainingSet, store: FolderStore) -> None:
    reused_in(name, data, store, facts={"stored": "yesterday"})
    assert reused_in(name, data, store, facts={"stored": "today"}) == [True]


@pytest.mark.parametrize("name", QUICK_SPACES)
def test_equal_arguments_give_equal_bytes_after_several_trials(name: str, data: TrainingSet, tmp_path: Path) -> None:
    options = {"max_evaluations": 3, "random_state": 11, **SHALLOW.get(name, {})}
    models = [train(name, data, space=QUICK_SPACES[name], **options) for _ in range(2)]
    assert files_of(models[0], tmp_path / "one") == files_of(models[1], tmp_path / "two")
