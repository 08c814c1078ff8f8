"""The trials of a search come back from the store as they were, and only to the same search."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest

from taxi_assets.storage import locations
from taxi_assets.storage.publish import POINTER, FolderStore
from taxi_assets.training.search_spaces import MODEL_NAMES, XGBOOST
from taxi_assets.training.stored_trials import FILE, StoredTrials
from taxi_assets.training.tuning import Trial, describe_space

NAME = "linear_model.Lasso"

SEARCH: Mapping[str, Any] = {
    "model": NAME,
    "training_set": "0123",
    "space": describe_space(XGBOOST.space),
    "constants": {"random_state": 7, "seen": (1, 2)},
}

TRIALS = [
    Trial(0, {"alpha": 0.1 + 0.2, "max_iter": 1000, "warm": True}, {"alpha": 0.1 + 0.2, "max_iter": 1000.0}, 5.25),
    Trial(1, {"alpha": 1e-300, "max_iter": 2000, "warm": False}, {"alpha": 1e-300, "warm": 1}, 1 / 3, 17),
    Trial(2, {"alpha": 0.5, "max_iter": 3000, "warm": False}, {"alpha": 0.5}, 7.0),
]


@pytest.fixture
def memory(store: FolderStore) -> StoredTrials:
    return StoredTrials(store, NAME)


def damage(store: FolderStore, content: str) -> None:
    key = locations.trials(NAME)
    (store.root / key / store.existing(key).folder / FILE).write_text(content)


def test_nothing_is_recalled_before_anything_was_kept(memory: StoredTrials) -> None:
    assert memory.recall(SEARCH) == []


def test_kept_trials_are_recalled(memory: StoredTrials) -> None:
    memory.keep(SEARCH, TRIALS)
    assert memory.recall(SEARCH) == TRIALS


def test_kept_trials_are_recalled_by_another_process_too(memory: StoredTrials, store: FolderStore) -> None:
    memory.keep(SEARCH, TRIALS)
    assert StoredTrials(FolderStore(store.root), NAME).recall(SEARCH) == TRIALS


@pytest.mark.parametrize("rmse", [nan, inf, -inf])
def test_an_rmse_that_is_no_number_is_recalled_as_it_was(rmse: float, memory: StoredTrials) -> None:
    trials = [replace(TRIALS[0], rmse=rmse), *TRIALS[1:]]
    memory.keep(SEARCH, trials)
    assert repr(memory.recall(SEARCH)) == repr(trials)


def test_recalled_values_have_the_types_of_the_kept_ones(memory: StoredTrials) -> None:
    memory.keep(SEARCH, TRIALS)
    assert repr(memory.recall(SEARCH)) == repr(TRIALS)


@pytest.mark.parametrize(
    "other",
    [{"training_set": "4567"}, {"constants": {"random_state": 8}}, {"space": {}}, {"model": "x"}, {"more": None}],
    ids=str,
)
def test_another_search_recalls_nothing(other: dict[str, Any], memory: StoredTrials) -> None:
    memory.keep(SEARCH, TRIALS)
    assert memory.recall({**SEARCH, **other}) == []


def test_a_search_that_is_described_in_another_order_is_the_same(memory: StoredTrials) -> None:
    memory.keep(SEARCH, TRIALS)
    assert memory.recall(dict(reversed(SEARCH.items()))) == TRIALS


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_each_model_has_trials_of_its_own(name: str, store: FolderStore) -> None:
    StoredTrials(store, name).keep(SEARCH, TRIALS)
    assert [other for other in MODEL_NAMES if StoredTrials(store, other).recall(SEARCH)] == [name]


def test_more_trials_replace_fewer(memory: StoredTrials) -> None:
    memory.keep(SEARCH, TRIALS[:1])
    memory.keep(SEARCH, TRIALS)
    assert memory.recall(SEARCH) == TRIALS


def test_fewer_trials_of_the_same_search_do_not_replace_more(memory: StoredTrials, store: FolderStore) -> None:
    memory.keep(SEARCH, TRIALS)
    StoredTrials(store, NAME).keep(SEARCH, TRIALS[:2])
    assert memory.recall(SEARCH) == TRIALS


def test_fewer_trials_of_another_search_replace_more(memory: StoredTrials) -> None:
    other = {**SEARCH, "training_set": "4567"}
    memory.keep(SEARCH, TRIALS)
    memory.keep(other, TRIALS[:1])
    assert memory.recall(other) == TRIALS[:1]
    assert memory.recall(SEARCH) == []


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"search": {}}', '{"search": {}, "trials": [{"x": 1}]}'])
def test_a_damaged_file_is_told_in_the_log_and_nothing_is_recalled(
    content: str, memory: StoredTrials, store: FolderStore, caplog: pytest.LogCaptureFixture
) -> None:
    memory.keep(SEARCH, TRIALS)
    damage(store, content)
    with caplog.at_level(logging.WARNING):
        assert memory.recall(SEARCH) == []
    assert f"{NAME}: its earlier trials cannot be read" in caplog.text
    assert FILE in caplog.text


def test_a_damaged_file_is_replaced_by_the_trials_that_follow(memory: StoredTrials, store: FolderStore) -> None:
    memory.keep(SEARCH, TRIALS)
    damage(store, "{")
    memory.keep(SEARCH, TRIALS[:1])
    assert memory.recall(SEARCH) == TRIALS[:1]


def test_a_missing_file_is_told_in_the_log_and_nothing_is_recalled(
    memory: StoredTrials, store: FolderStore, caplog: pytest.LogCaptureFixture
) -> None:
    memory.keep(SEARCH, TRIALS)
    key = locations.trials(NAME)
    (store.root / key / store.existing(key).folder / FILE).unlink()
    assert memory.recall(SEARCH) == []
    assert "its earlier trials cannot be read" in caplog.text


def test_a_damaged_pointer_is_told_in_the_log_and_replaced_by_the_trials_that_follow(
    memory: StoredTrials, store: FolderStore, caplog: pytest.LogCaptureFixture
) -> None:
    memory.keep(SEARCH, TRIALS)
    (store.root / locations.trials(NAME) / POINTER).write_text("{")
    assert memory.recall(SEARCH) == []
    assert "its earlier trials cannot be read" in caplog.text
    memory.keep(SEARCH, TRIALS[:1])
    assert memory.recall(SEARCH) == TRIALS[:1]


def test_trials_as_an_earlier_release_wrote_them_are_made_again(
    memory: StoredTrials, store: FolderStore, caplog: pytest.LogCaptureFixture
) -> None:
    with store.draft(locations.trials(NAME)) as draft:
        (draft.folder / FILE).write_text('{"search": {}, "trials": [{"number": 0, "parameters": {}, "rmse": 1.0}]}')
    assert memory.recall({}) == []
    assert "its earlier trials cannot be read" in caplog.text
