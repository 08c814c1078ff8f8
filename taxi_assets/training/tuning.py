"""Seeded search for good parameters with hyperopt's TPE, which can be interrupted and go on.

A search gives the trials that one call of hyperopt's `fmin` gives with `default_rng(seed)`, however often
it is interrupted. `fmin` draws one number of its generator for each trial, and on those of the trials
before it nothing else depends: so a search goes on from stored trials with as many numbers drawn.
"""

import logging
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from taxi_assets.errors import SettingError
from taxi_assets.training.dimensions import Choice, Space

log = logging.getLogger(__name__)

Parameters = dict[str, Any]

SEED_BOUND = 2**31 - 1
"""`fmin` draws the seed of a trial below it."""


@dataclass(frozen=True)
class Outcome:
    """What one evaluation found: the RMSE in minutes, and the boosting rounds where early stopping chose them."""

    rmse: float
    rounds: int | None = None


@dataclass(frozen=True)
class Trial:
    """One evaluation of a search.

    Attributes:
        number: from 0.
        parameters: those tried.
        drawn: what hyperopt drew for them: of a choice, its number.
        rmse: what was found, in minutes.
        rounds: the boosting rounds where early stopping chose them.
    """

    number: int
    parameters: Parameters
    drawn: dict[str, float]
    rmse: float
    rounds: int | None = None


class TrialMemory(Protocol):
    """Who remembers the trials of searches."""

    def recall(self, search: Mapping[str, Any]) -> list[Trial]:
        """The trials of the search that is described, in their order; empty for another."""

    def keep(self, search: Mapping[str, Any], trials: list[Trial]) -> None:
        """Remember all trials that a search has so far."""


class NoMemory:
    """Remembers nothing."""

    def recall(self, search: Mapping[str, Any]) -> list[Trial]:  # noqa: ARG002  # the protocol's
        """No trials."""
        return []

    def keep(self, search: Mapping[str, Any], trials: list[Trial]) -> None:
        """Nothing."""


def _ignore(trial: Trial, reused: bool) -> None:
    pass


@dataclass(frozen=True)
class Followers:
    """Who follows a search.

    Attributes:
        memory: remembers trials, so that they need not be evaluated again.
        on_trial: is told of each trial in its order, and whether it was remembered.
    """

    memory: TrialMemory = field(default_factory=NoMemory)
    on_trial: Callable[[Trial, bool], None] = _ignore


def tune(
    name: str,
    space: Space,
    objective: Callable[[Parameters], Outcome],
    evaluations: int,
    seed: int,
    *,
    search: Mapping[str, Any] | None = None,
    followers: Followers | None = None,
) -> list[Trial]:
    """Search a space for the parameters with the least RMSE.

    Args:
        name: the model's name, for the log.
        space: what is drawn for each parameter.
        objective: evaluates one set of parameters.
        evaluations: number of trials, at least 1.
        seed: equal arguments and seed give equal trials.
        search: all that the outcome of a trial depends on, in values of JSON; what the memory is asked for.
        followers: who remembers the trials and who watches them.

    Returns:
        The trials in their order.

    Raises:
        SettingError: the number of evaluations is under 1, or the seed under 0.
    """
    from hyperopt import STATUS_OK, Trials, fmin, space_eval, tpe
    from hyperopt.exceptions import AllTrialsFailed

    if evaluations < 1:
        raise SettingError(f"max_evaluations={evaluations}: at least 1 is needed.")
    if seed < 0:
        raise SettingError(f"random_state={seed}: 0 or more is needed.")
    search, followers = search or {}, followers or Followers()
    expressions = {label: dimension.expression(label) for label, dimension in space.items()}
    trials = followers.memory.recall(search)[:evaluations]
    if trials:
        best = best_trial(trials)
        log.info("%s: %d of %d trials were made before (best %.4f)", name, len(trials), evaluations, best.rmse)
    for trial in trials:
        followers.on_trial(trial, True)
    history = Trials()
    history.insert_trial_docs([_document(trial) for trial in trials])
    history.refresh()
    generator = np.random.default_rng(seed)
    generator.integers(SEED_BOUND, size=len(trials))

    def evaluate(parameters: Parameters) -> dict[str, Any]:
        found = objective(parameters)
        return {"status": STATUS_OK, "loss": found.rmse, "rounds": found.rounds}

    for number in range(len(trials), evaluations):
        # It names the best so far after each trial, and raises where no trial has a number yet.
        with suppress(AllTrialsFailed):
            fmin(
                evaluate,
                expressions,
                algo=tpe.suggest,
                max_evals=number + 1,
                trials=history,
                rstate=generator,
                show_progressbar=False,
                verbose=False,
            )
        document = history.trials[-1]
        drawn = {label: _plain(values[0]) for label, values in document["misc"]["vals"].items() if values}
        # space_eval gives whole numbers as int and choices as themselves.
        parameters = {label: _plain(value) for label, value in space_eval(expressions, drawn).items()}
        found = document["result"]
        trials.append(Trial(number, parameters, drawn, float(found["loss"]), found["rounds"]))
        followers.memory.keep(search, trials)
        followers.on_trial(trials[-1], False)
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


def describe_space(space: Space) -> dict[str, Any]:
    """A space in values of JSON."""
    return {
        label: list(found.options) if isinstance(found, Choice) else {type(found).__name__: vars(found)}
        for label, found in space.items()
    }


def _document(trial: Trial) -> dict[str, Any]:
    """A finished trial as hyperopt's document of it."""
    from hyperopt import JOB_STATE_DONE, STATUS_OK

    return {
        "state": JOB_STATE_DONE,
        "tid": trial.number,
        "spec": None,
        "result": {"status": STATUS_OK, "loss": trial.rmse, "rounds": trial.rounds},
        "misc": {
            "tid": trial.number,
            "cmd": ("domain_attachment", "FMinIter_Domain"),
            "workdir": None,
            "idxs": {label: [trial.number] for label in trial.drawn},
            "vals": {label: [value] for label, value in trial.drawn.items()},
        },
        "exp_key": None,
        "owner": None,
        "version": 0,
        "book_time": None,
        "refresh_time": None,
    }


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
