"""Seeded search for good parameters with hyperopt's TPE.

Each trial draws from a generator of its own, made from the seed and the trial's number. A trial so
depends only on the seed and on the trials before it: ten evaluations and then twenty more give what
thirty at once give. (One generator for the whole search would start anew and repeat its first trials.)
"""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from taxi_assets.errors import SettingError
from taxi_assets.training.search_spaces import Space

log = logging.getLogger(__name__)

Parameters = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What one evaluation found: the RMSE in minutes, and the boosting rounds where early stopping chose them."""

    rmse: float
    rounds: int | None = None


@dataclass(frozen=True)
class Trial:
    """One evaluation of a search: its number from 0, the parameters tried, and what was found."""

    number: int
    parameters: Parameters
    rmse: float
    rounds: int | None = None


def tune(
    name: str, space: Space, objective: Callable[[Parameters], Outcome], evaluations: int, seed: int
) -> list[Trial]:
    """Search a space for the parameters with the least RMSE.

    Args:
        name: the model's name, for the log.
        space: a hyperopt space by parameter.
        objective: evaluates one set of parameters.
        evaluations: number of trials, at least 1.
        seed: equal arguments and seed give equal trials.

    Returns:
        The trials in their order.

    Raises:
        SettingError: the number of evaluations is under 1, or the seed under 0.
    """
    from hyperopt import STATUS_OK, Trials, fmin, space_eval, tpe

    if evaluations < 1:
        raise SettingError(f"max_evaluations={evaluations}: at least 1 is needed.")
    if seed < 0:
        raise SettingError(f"random_state={seed}: 0 or more is needed.")
    history = Trials()
    trials: list[Trial] = []

    def evaluate(drawn: Parameters) -> dict[str, Any]:
        found = objective(drawn)
        return {"status": STATUS_OK, "loss": found.rmse, "rounds": found.rounds}

    for number in range(evaluations):
        fmin(
            evaluate,
            space,
            algo=tpe.suggest,
            max_evals=number + 1,
            trials=history,
            rstate=np.random.default_rng([seed, number]),
            show_progressbar=False,
            verbose=False,
        )
        document = history.trials[-1]
        drawn = {label: values[0] for label, values in document["misc"]["vals"].items() if values}
        # space_eval gives whole numbers as int and choices as themselves.
        parameters = {label: _plain(value) for label, value in space_eval(space, drawn).items()}
        found = document["result"]
        trials.append(Trial(number, parameters, float(found["loss"]), found["rounds"]))
        best = best_trial(trials)
        log.info(
            "%s: trial %d of %d: RMSE %.4f (best %.4f, trial %d)",
            name,
            number + 1,
            evaluations,
            trials[-1].rmse,
            best.rmse,
            best.number + 1,
        )
    return trials


def best_trial(trials: list[Trial]) -> Trial:
    """The trial with the least RMSE, the first of several; one without a number is the worst."""
    return min(trials, key=lambda trial: trial.rmse if math.isfinite(trial.rmse) else math.inf)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
