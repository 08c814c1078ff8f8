"""The search is seeded, and more evaluations go on where fewer ended."""

import json
from math import inf, isfinite, nan
from typing import Any

import numpy as np
import pytest

from taxi_assets.errors import SettingError
from taxi_assets.training.search_spaces import SKLEARN_CLASSES, XGBOOST
from taxi_assets.training.tuning import Outcome, Parameters, Trial, best_trial, tune

RANDOM_TRIALS = 20
"""TPE draws so many at random; only then do its trials depend on those before."""


def distance_from_a_known_best(parameters: Parameters) -> Outcome:
    return Outcome(abs(parameters["alpha"] - 0.3) + parameters["max_iter"] / 100_000)


def search(evaluations: int, seed: int = 7) -> list[Trial]:
    space = SKLEARN_CLASSES["linear_model.Lasso"].space
    return tune("lasso", space, distance_from_a_known_best, evaluations, seed)


def test_three_evaluations_are_the_first_three_of_six() -> None:
    assert search(3) == search(6)[:3]


def test_evaluations_that_depend_on_earlier_ones_are_the_first_of_more_too() -> None:
    assert search(RANDOM_TRIALS + 4) == search(RANDOM_TRIALS + 8)[: RANDOM_TRIALS + 4]


def test_no_trial_is_repeated() -> None:
    tried = [json.dumps(trial.parameters) for trial in search(RANDOM_TRIALS)]
    assert len(set(tried)) == len(tried)


def test_equal_seeds_give_equal_trials() -> None:
    assert search(4) == search(4)


def test_other_seeds_give_other_trials() -> None:
    assert [trial.parameters for trial in search(3, seed=7)] != [trial.parameters for trial in search(3, seed=8)]


def test_the_global_random_state_is_neither_used_nor_changed() -> None:
    np.random.seed(1)
    first, after = search(3), np.random.random()
    np.random.seed(1)
    assert after == np.random.random()
    assert search(3) == first


@pytest.mark.parametrize("evaluations", [0, -1])
def test_fewer_than_one_evaluation_is_refused(evaluations: int) -> None:
    with pytest.raises(SettingError, match=f"max_evaluations={evaluations}"):
        search(evaluations)


def test_trials_are_numbered_from_zero_and_hold_what_was_found() -> None:
    trials = search(4)
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert [trial.rmse for trial in trials] == [distance_from_a_known_best(trial.parameters).rmse for trial in trials]


def test_trials_hold_the_rounds_that_early_stopping_chose() -> None:
    trials = tune("x", XGBOOST.space, lambda drawn: Outcome(1.0, drawn["num_boost_round"] // 2), 3, 7)
    assert [trial.rounds for trial in trials] == [trial.parameters["num_boost_round"] // 2 for trial in trials]


@pytest.mark.parametrize("model", [*SKLEARN_CLASSES.values(), XGBOOST], ids=lambda model: model.name)
def test_the_objective_and_the_trial_hold_the_same_plain_values(model: Any) -> None:
    seen: list[Parameters] = []

    def objective(parameters: Parameters) -> Outcome:
        seen.append(parameters)
        return Outcome(1.0)

    trials = tune(model.name, model.space, objective, 3, 7)
    assert [trial.parameters for trial in trials] == seen
    for trial in trials:
        assert {type(value) for value in trial.parameters.values()} <= {bool, int, float}
        assert json.loads(json.dumps(trial.parameters)) == trial.parameters


def test_the_best_trial_has_the_least_rmse() -> None:
    trials = [Trial(number, {}, {}, rmse) for number, rmse in enumerate([3.0, 1.0, 2.0])]
    assert best_trial(trials).number == 1


def test_the_first_of_equally_good_trials_is_the_best() -> None:
    trials = [Trial(number, {}, {}, rmse) for number, rmse in enumerate([2.0, 1.0, 1.0])]
    assert best_trial(trials).number == 1


@pytest.mark.parametrize("worse", [nan, inf])
def test_a_trial_without_a_number_is_not_the_best(worse: float) -> None:
    trials = [Trial(number, {}, {}, rmse) for number, rmse in enumerate([worse, 9.0, worse])]
    assert best_trial(trials).number == 1


@pytest.mark.parametrize("worse", [nan, inf])
@pytest.mark.parametrize("at", [0, 2])
def test_a_trial_without_a_number_does_not_end_the_search(at: int, worse: float) -> None:
    found = iter([worse if number == at else 5.0 for number in range(4)])
    trials = tune("x", SKLEARN_CLASSES["linear_model.Lasso"].space, lambda _: Outcome(next(found)), 4, 7)
    assert [isfinite(trial.rmse) for trial in trials] == [number != at for number in range(4)]


@pytest.mark.parametrize("seed", [-1, -7])
def test_a_negative_seed_is_refused_by_the_name_of_its_setting(seed: int) -> None:
    with pytest.raises(SettingError, match=f"random_state={seed}"):
        search(2, seed)
