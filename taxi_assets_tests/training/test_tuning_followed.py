"""Who watches a search is told of every trial, and the log tells how far it is."""

import logging

import pytest

from taxi_assets.storage.publish import FolderStore
from taxi_assets.training.search_spaces import SKLEARN_CLASSES
from taxi_assets.training.stored_trials import StoredTrials
from taxi_assets.training.tuning import Followers, Outcome, Parameters, Trial, tune

NAME = "linear_model.Lasso"

RMSES = [5.0, 4.0, 6.0, 3.5, 7.0]

Told = list[tuple[Trial, bool]]


@pytest.fixture
def memory(store: FolderStore) -> StoredTrials:
    return StoredTrials(store, NAME)


def search(evaluations: int, memory: StoredTrials, told: Told | None = None) -> list[Trial]:
    """A search whose trials have these RMSEs, which goes on from what is remembered."""
    found = iter(RMSES[len(memory.recall({})) :])

    def objective(parameters: Parameters) -> Outcome:
        return Outcome(next(found))

    def watch(trial: Trial, reused: bool) -> None:
        if told is not None:
            told.append((trial, reused))

    return tune(
        NAME, SKLEARN_CLASSES[NAME].space, objective, evaluations, 7, search={}, followers=Followers(memory, watch)
    )


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]


def test_every_trial_is_told_in_its_order(memory: StoredTrials) -> None:
    told: Told = []
    trials = search(3, memory, told)
    assert told == [(trial, False) for trial in trials]


def test_trials_that_are_used_again_are_told_as_such_before_the_new_ones(memory: StoredTrials) -> None:
    told: Told = []
    search(2, memory)
    trials = search(5, memory, told)
    assert told == [(trial, trial.number < 2) for trial in trials]


def test_of_more_remembered_trials_only_those_that_were_asked_for_are_told(memory: StoredTrials) -> None:
    told: Told = []
    search(4, memory)
    trials = search(2, memory, told)
    assert told == [(trial, True) for trial in trials]


def test_a_trial_is_told_as_soon_as_it_was_made(memory: StoredTrials) -> None:
    told: Told = []
    made: list[int] = []

    def objective(parameters: Parameters) -> Outcome:
        made.append(len(told))
        return Outcome(1.0)

    followers = Followers(memory, lambda trial, reused: told.append((trial, reused)))
    tune(NAME, SKLEARN_CLASSES[NAME].space, objective, 3, 7, followers=followers)
    assert made == [0, 1, 2]


def test_a_watcher_that_fails_loses_no_trial(memory: StoredTrials) -> None:
    def fail(trial: Trial, reused: bool) -> None:
        if trial.number == 2:
            raise ConnectionError

    with pytest.raises(ConnectionError):
        tune(NAME, SKLEARN_CLASSES[NAME].space, lambda _: Outcome(1.0), 5, 7, followers=Followers(memory, fail))
    assert [trial.number for trial in memory.recall({})] == [0, 1, 2]


def test_the_log_tells_of_each_trial_how_far_the_search_is_and_the_best(
    memory: StoredTrials, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="taxi_assets"):
        search(4, memory)
    assert messages(caplog) == [
        f"{NAME}: trial 1 of 4: RMSE 5.0000 (best 5.0000, trial 1)",
        f"{NAME}: trial 2 of 4: RMSE 4.0000 (best 4.0000, trial 2)",
        f"{NAME}: trial 3 of 4: RMSE 6.0000 (best 4.0000, trial 2)",
        f"{NAME}: trial 4 of 4: RMSE 3.5000 (best 3.5000, trial 4)",
    ]


def test_the_log_tells_how_many_trials_were_made_before(memory: StoredTrials, caplog: pytest.LogCaptureFixture) -> None:
    search(3, memory)
    # Other tests of this process may have set the level.
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="taxi_assets"):
        search(4, memory)
    assert messages(caplog) == [
        f"{NAME}: 3 of 4 trials were made before (best 4.0000)",
        f"{NAME}: trial 4 of 4: RMSE 3.5000 (best 3.5000, trial 4)",
    ]
