"""Which version was champion when, and why."""

import getpass

from taxi_assets.tracking import tags
from taxi_assets.tracking.connection import REGISTERED_MODEL
from taxi_assets.tracking.history import OUTSIDE, moves, rollback
from taxi_assets.tracking.promotion import promote
from taxi_assets.tracking.runs import begin_run
from taxi_assets_tests.tracking.deployment import BAD, GOOD, LASSO, MIDDLE, Deployment, active_run


def line(deployment: Deployment) -> list[tuple[str, int]]:
    """The kinds and versions of all moves."""
    return [(move.kind, move.version) for move in moves(deployment.tracking)]


def test_before_any_model_the_history_is_empty(deployment: Deployment) -> None:
    assert moves(deployment.tracking) == []


def test_every_champion_is_in_the_history_in_its_order(three_champions: Deployment) -> None:
    assert line(three_champions) == [("first", 1), ("won", 2), ("won", 3)]


def test_a_move_tells_its_model_its_reason_and_who_made_it(three_champions: Deployment) -> None:
    move = moves(three_champions.tracking)[-1]
    assert move.model == LASSO
    assert f"Version 3 ({LASSO}) is champion: RMSE" in move.reason
    assert move.by.startswith(f"{getpass.getuser()}@")
    assert move.at is not None


def test_a_challenger_is_not_in_the_history(three_champions: Deployment) -> None:
    three_champions.train_and_promote(LASSO, **MIDDLE)
    assert three_champions.challenger() == 2
    assert len(moves(three_champions.tracking)) == 3


def test_a_rollback_is_in_the_history_with_both_versions(three_champions: Deployment) -> None:
    move = rollback(three_champions.tracking)
    assert moves(three_champions.tracking)[-1] == move
    assert (move.kind, move.version) == ("rolled back", 2)
    assert f"went back to version 2 ({LASSO}) from version 3 ({LASSO})" in move.reason


def test_an_alias_moved_by_hand_shows_in_the_history(three_champions: Deployment) -> None:
    three_champions.tracking.client.set_registered_model_alias(REGISTERED_MODEL, "champion", "1")
    assert line(three_champions)[-1] == (OUTSIDE, 1)
    assert moves(three_champions.tracking)[-1].at is None


def test_a_version_that_was_deleted_stays_in_the_history(three_champions: Deployment) -> None:
    three_champions.tracking.client.delete_model_version(REGISTERED_MODEL, "1")
    assert [move.model for move in moves(three_champions.tracking)] == ["deleted", LASSO, LASSO]


def test_of_two_comparisons_that_overlap_the_one_that_moved_last_is_the_last(deployment: Deployment) -> None:
    asset = {tags.ASSET: "champion_model"}
    begun_first, begun_second = (begin_run(deployment.tracking, "champion_model", asset) for _ in range(2))
    for run_id, options in ((begun_second, BAD), (begun_first, GOOD)):
        deployment.train(LASSO, **options)
        with active_run(deployment.tracking, run_id):
            promote(deployment.tracking, deployment.store, run_id)
    assert line(deployment) == [("first", 1), ("won", 2)]
