"""A search that goes on from stored trials gives what one call of hyperopt's own `fmin` gives."""

from collections.abc import Callable, Mapping
from functools import cache
from math import inf, log, nan
from typing import Any

import numpy as np
import pytest
from hyperopt import Trials, fmin, hp, space_eval, tpe
from hyperopt.pyll import scope

from taxi_assets.storage.publish import FolderStore
from taxi_assets.training.search_spaces import SKLEARN_CLASSES, XGBOOST, ModelClass
from taxi_assets.training.stored_trials import StoredTrials
from taxi_assets.training.tuning import Followers, Outcome, Parameters, Trial, tune

SEED = 7
EVALUATIONS = 50

LINEAR, LASSO = SKLEARN_CLASSES["linear_model.LinearRegression"], SKLEARN_CLASSES["linear_model.Lasso"]

COURSE: Mapping[str, Callable[[], dict[str, Any]]] = {
    LINEAR.name: lambda: {"fit_intercept": hp.choice("fit_intercept", [True, False])},
    LASSO.name: lambda: {
        "alpha": hp.uniform("alpha", 0.0001, 1.0),
        "max_iter": scope.int(hp.quniform("max_iter", 1000, 5000, 100)),
    },
    XGBOOST.name: lambda: {
        "colsample_bytree": hp.uniform("colsample_bytree", 0.5, 1.0),
        "gamma": hp.uniform("gamma", 0.1, 1.0),
        "learning_rate": hp.loguniform("learning_rate", -3, 0),
        "min_child_weight": hp.loguniform("min_child_weight", -1, 3),
        "num_boost_round": scope.int(hp.quniform("num_boost_round", 500, 1000, 10)),
        "reg_alpha": hp.loguniform("reg_alpha", -5, -1),
        "reg_lambda": hp.loguniform("reg_lambda", -6, -1),
        "subsample": hp.uniform("subsample", 0.1, 1.0),
    },
}
"""The spaces as the course project writes them."""

MODELS = [LINEAR, LASSO, XGBOOST]

Found = list[tuple[Parameters, float]]
Objective = Callable[[Parameters], Outcome]


class Interrupted:
    """An objective that is interrupted instead of its n-th answer, counted from 0."""

    def __init__(self, at: int, error: type[BaseException]) -> None:
        self.left = at
        self.error = error

    def __call__(self, parameters: Parameters) -> Outcome:
        if not self.left:
            raise self.error
        self.left -= 1
        return judge(parameters)


def judge(parameters: Parameters) -> Outcome:
    """An RMSE that depends on every parameter; that of the choice is often equal."""
    return Outcome(sum(abs(log(1 + value) - 0.5) for value in parameters.values()), len(parameters))


def often_without_a_number(parameters: Parameters) -> Outcome:
    share = parameters["alpha"]
    return Outcome(nan if share > 0.8 else inf if share > 0.6 else share)


@cache
def at_once(name: str, objective: Objective = judge, evaluations: int = EVALUATIONS) -> Found:
    """What one call of `fmin` finds."""
    space, trials = COURSE[name](), Trials()
    fmin(
        lambda parameters: objective(parameters).rmse,
        space,
        algo=tpe.suggest,
        max_evals=evaluations,
        trials=trials,
        rstate=np.random.default_rng(SEED),
        show_progressbar=False,
        verbose=False,
    )
    drawn = [{label: values[0] for label, values in trial["misc"]["vals"].items()} for trial in trials.trials]
    return [(space_eval(space, values), loss) for values, loss in zip(drawn, trials.losses(), strict=True)]


def search(model: ModelClass, evaluations: int, memory: StoredTrials, objective: Objective = judge) -> list[Trial]:
    followers = Followers(memory)
    return tune(
        model.name, model.space, objective, evaluations, SEED, search={"model": model.name}, followers=followers
    )


def found(trials: list[Trial]) -> Found:
    return [(trial.parameters, trial.rmse) for trial in trials]


def counted(objective: Objective) -> tuple[Objective, list[Parameters]]:
    seen: list[Parameters] = []

    def count(parameters: Parameters) -> Outcome:
        seen.append(parameters)
        return objective(parameters)

    return count, seen


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_search_is_one_call_of_fmin_on_the_space_of_the_course(model: ModelClass) -> None:
    assert found(tune(model.name, model.space, judge, EVALUATIONS, SEED)) == at_once(model.name)


@pytest.mark.parametrize("stops", [(10,), (20,), (21,), (35, 36), (1, 2, 19, 20, 33)], ids=str)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_search_that_goes_on_gives_what_it_had_given_at_once(
    model: ModelClass, stops: tuple[int, ...], store: FolderStore
) -> None:
    for evaluations in (*stops, EVALUATIONS):
        trials = search(model, evaluations, StoredTrials(store, model.name))
        assert found(trials) == at_once(model.name)[:evaluations]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_trials_that_were_remembered_equal_those_that_are_made(model: ModelClass, store: FolderStore) -> None:
    search(model, 10, StoredTrials(store, model.name))
    assert repr(search(model, 12, StoredTrials(store, model.name))) == repr(
        tune(model.name, model.space, judge, 12, SEED)
    )


@pytest.mark.parametrize("stop", [3, 25])
def test_a_search_goes_on_from_trials_without_a_number_too(stop: int, store: FolderStore) -> None:
    memory = StoredTrials(store, LASSO.name)
    search(LASSO, stop, memory, often_without_a_number)
    trials = search(LASSO, EVALUATIONS, memory, often_without_a_number)
    assert repr(found(trials)) == repr(at_once(LASSO.name, often_without_a_number))


def test_only_the_trials_that_are_new_are_evaluated(store: FolderStore) -> None:
    memory, (objective, seen) = StoredTrials(store, LASSO.name), counted(judge)
    search(LASSO, 10, memory, objective)
    assert len(seen) == 10
    trials = search(LASSO, 14, memory, objective)
    assert seen == [trial.parameters for trial in trials]


def test_fewer_evaluations_than_before_are_the_first_of_them_and_none_is_made(store: FolderStore) -> None:
    memory, (objective, seen) = StoredTrials(store, LASSO.name), counted(judge)
    more = search(LASSO, 8, memory)
    assert search(LASSO, 3, memory, objective) == more[:3]
    assert seen == []


def test_fewer_evaluations_than_before_forget_none(store: FolderStore) -> None:
    memory = StoredTrials(store, LASSO.name)
    more = search(LASSO, 8, memory)
    search(LASSO, 3, memory)
    assert memory.recall({"model": LASSO.name}) == more


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError])
@pytest.mark.parametrize("at", [1, 4, 23])
def test_a_search_that_is_interrupted_keeps_what_was_done(
    at: int, error: type[BaseException], store: FolderStore
) -> None:
    memory = StoredTrials(store, LASSO.name)
    with pytest.raises(error):
        search(LASSO, EVALUATIONS, memory, Interrupted(at, error))
    assert found(memory.recall({"model": LASSO.name})) == at_once(LASSO.name)[:at]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize("at", [0, 6, 24])
def test_after_an_interruption_only_the_rest_is_evaluated_and_nothing_is_lost(
    at: int, model: ModelClass, store: FolderStore
) -> None:
    memory, (objective, seen) = StoredTrials(store, model.name), counted(judge)
    with pytest.raises(KeyboardInterrupt):
        search(model, 30, memory, Interrupted(at, KeyboardInterrupt))
    assert found(search(model, 30, memory, objective)) == at_once(model.name)[:30]
    assert len(seen) == 30 - at
