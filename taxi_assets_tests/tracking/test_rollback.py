"""The way back to an earlier champion, and what the next trainings make of it."""

import pytest

from taxi_assets.errors import SettingError, StoredError
from taxi_assets.tracking.connection import REGISTERED_MODEL
from taxi_assets.tracking.history import moves, rollback
from taxi_assets.tracking.promotion import Decision
from taxi_assets.tracking.registry import version_at
from taxi_assets_tests.tracking.deployment import GOOD, LASSO, LINEAR, MIDDLE, Deployment


def test_the_champion_before_serves_again(three_champions: Deployment) -> None:
    rollback(three_champions.tracking)
    assert three_champions.champion() == 2


def test_two_rollbacks_go_two_champions_back(three_champions: Deployment) -> None:
    assert [rollback(three_champions.tracking).version for _ in range(2)] == [2, 1]
    assert three_champions.champion() == 1


def test_past_the_first_champion_there_is_no_way_back(three_champions: Deployment) -> None:
    rollback(three_champions.tracking, 1)
    with pytest.raises(SettingError, match="no earlier champion"):
        rollback(three_champions.tracking)
    assert three_champions.champion() == 1


def test_a_version_can_be_named(three_champions: Deployment) -> None:
    assert rollback(three_champions.tracking, 1).version == three_champions.champion() == 1


def test_a_version_that_was_left_can_be_named_again(three_champions: Deployment) -> None:
    rollback(three_champions.tracking, 1)
    rollback(three_champions.tracking, 3)
    assert three_champions.champion() == 3
    assert not three_champions.version(3).rolled_back


def test_a_challenger_can_be_named_and_is_challenger_no_more(three_champions: Deployment) -> None:
    three_champions.train_and_promote(LASSO, **MIDDLE)
    rollback(three_champions.tracking, 2)
    assert version_at(three_champions.tracking, "challenger") is None


def test_an_unknown_version_is_refused_with_those_that_there_are(three_champions: Deployment) -> None:
    with pytest.raises(SettingError, match=r"--to 9: .*1, 2, 3"):
        rollback(three_champions.tracking, 9)
    assert three_champions.champion() == 3


def test_the_champion_itself_is_refused(three_champions: Deployment) -> None:
    with pytest.raises(SettingError, match="champion already"):
        rollback(three_champions.tracking, 3)


def test_without_any_version_a_rollback_says_so(deployment: Deployment) -> None:
    with pytest.raises(SettingError, match="No model is registered"):
        rollback(deployment.tracking)


def test_a_broken_version_is_refused_and_the_champion_stays(three_champions: Deployment) -> None:
    (three_champions.files_of(2) / "model.skops").rename(three_champions.files_of(2) / "away")
    try:
        with pytest.raises(StoredError, match="Version 2"):
            rollback(three_champions.tracking)
    finally:
        (three_champions.files_of(2) / "away").rename(three_champions.files_of(2) / "model.skops")
    assert three_champions.champion() == 3
    assert len(moves(three_champions.tracking)) == 3


def test_the_model_that_was_left_does_not_become_champion_by_being_trained_again(
    three_champions: Deployment,
) -> None:
    rollback(three_champions.tracking)
    promotion = three_champions.train_and_promote(LASSO, **GOOD)
    assert (promotion.decision, three_champions.champion()) == (Decision.NOTHING_NEW, 2)


def test_no_model_between_the_two_becomes_champion_by_being_trained_again(three_champions: Deployment) -> None:
    rollback(three_champions.tracking, 1)
    promotion = three_champions.train_and_promote(LASSO, **MIDDLE)
    assert (promotion.decision, three_champions.champion()) == (Decision.NOTHING_NEW, 1)


def test_another_model_that_is_better_becomes_champion_after_a_rollback(three_champions: Deployment) -> None:
    rollback(three_champions.tracking, 1)
    promotion = three_champions.train_and_promote(LASSO, space={"alpha": [0.05, 0.051]})
    assert (promotion.decision, three_champions.champion()) == (Decision.WON, 4)


def test_the_best_of_those_that_were_not_left_is_compared(three_champions: Deployment) -> None:
    rollback(three_champions.tracking, 1)
    three_champions.train(LASSO, **GOOD)
    promotion = three_champions.train_and_promote(LINEAR)
    assert promotion.candidate is not None
    assert promotion.candidate.model == LINEAR


def test_after_a_win_a_rollback_goes_to_the_champion_that_was_beaten(three_champions: Deployment) -> None:
    rollback(three_champions.tracking, 1)
    three_champions.train_and_promote(LASSO, space={"alpha": [0.05, 0.051]})
    assert rollback(three_champions.tracking).version == 1


def test_an_alias_moved_by_hand_can_be_taken_back(three_champions: Deployment) -> None:
    three_champions.tracking.client.set_registered_model_alias(REGISTERED_MODEL, "champion", "1")
    rollback(three_champions.tracking, 3)
    assert three_champions.champion() == 3


def test_a_champion_set_by_hand_is_left_for_the_champion_before_it(three_champions: Deployment) -> None:
    three_champions.register(three_champions.train(LINEAR))
    three_champions.tracking.client.set_registered_model_alias(REGISTERED_MODEL, "champion", "4")
    assert rollback(three_champions.tracking).version == 3


def test_an_alias_deleted_by_hand_comes_back(three_champions: Deployment) -> None:
    three_champions.tracking.client.delete_registered_model_alias(REGISTERED_MODEL, "champion")
    rollback(three_champions.tracking)
    assert three_champions.champion() == 3


def test_a_deleted_version_is_passed_over(three_champions: Deployment) -> None:
    three_champions.tracking.client.delete_model_version(REGISTERED_MODEL, "2")
    assert rollback(three_champions.tracking).version == 1
