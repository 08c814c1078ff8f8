"""Which model becomes champion, by real fitted ones of one window."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from taxi_assets.errors import StoredError
from taxi_assets.tracking import tags
from taxi_assets.tracking.promotion import Decision, last_decision, promote
from taxi_assets.tracking.runs import begin_run
from taxi_assets_tests.tracking.deployment import BAD, GOOD, LASSO, LINEAR, MIDDLE, Deployment, mlflow_at, rmse


def test_the_first_model_becomes_champion(deployment: Deployment) -> None:
    logged = deployment.train(LASSO)
    promotion = deployment.promote()
    assert promotion.decision == Decision.FIRST
    assert (deployment.champion(), promotion.champion.model) == (1, LASSO)
    assert promotion.champion_rmse == pytest.approx(logged.record.metrics.rmse)


def test_the_best_of_several_becomes_champion(deployment: Deployment) -> None:
    deployment.train(LASSO, **BAD)
    deployment.train(LINEAR)
    promotion = deployment.promote()
    assert promotion.champion.model == LINEAR
    assert [candidate.model for candidate in promotion.candidates] == [LINEAR, LASSO]


def test_the_same_model_trained_again_stays_champion_under_its_number(deployment: Deployment) -> None:
    deployment.train_and_promote(LASSO)
    promotion = deployment.train_and_promote(LASSO)
    assert (promotion.decision, deployment.champion(), deployment.challenger()) == (Decision.SAME, 1, None)


def test_a_better_model_becomes_champion(deployment: Deployment) -> None:
    deployment.train_and_promote(LASSO, **BAD)
    promotion = deployment.train_and_promote(LASSO, **GOOD)
    assert (promotion.decision, deployment.champion(), deployment.challenger()) == (Decision.WON, 2, None)


def test_the_reason_for_a_win_tells_both_figures_of_the_same_trips(deployment: Deployment) -> None:
    deployment.train_and_promote(LASSO, **BAD)
    promotion = deployment.train_and_promote(LASSO, **GOOD)
    trips = deployment.validation().trips
    old, new = (rmse(deployment.load(number).training_fit.predict(trips), trips) for number in (1, 2))
    assert f"RMSE {new:.4f} against {old:.4f} of version 1 ({LASSO}), on {len(trips):,} trips" in promotion.reason


def test_a_worse_model_is_challenger(deployment: Deployment) -> None:
    deployment.train_and_promote(LASSO, **GOOD)
    promotion = deployment.train_and_promote(LASSO, **BAD)
    assert (promotion.decision, deployment.champion(), deployment.challenger()) == (Decision.LOST, 1, 2)
    assert promotion.champion.version == 1


def test_a_challenger_that_wins_later_is_challenger_no_more(deployment: Deployment) -> None:
    deployment.train_and_promote(LASSO, **MIDDLE)
    deployment.train_and_promote(LASSO, **BAD)
    deployment.tracking.client.delete_registered_model_alias("nyc-taxi-duration", "champion")
    assert deployment.promote().decision == Decision.FIRST
    assert (deployment.champion(), deployment.challenger()) == (2, None)


def test_the_run_of_the_comparison_has_the_figures_of_all(deployment: Deployment) -> None:
    first = deployment.train(LASSO, **MIDDLE)
    second = deployment.train(LINEAR)
    deployment.promote()
    (run,) = deployment.tracking.client.search_runs(
        [deployment.tracking.experiment_id], f"tags.`{tags.ASSET}` = 'champion_model'"
    )
    assert run.data.metrics[f"rmse.{LASSO}"] == pytest.approx(first.record.metrics.rmse)
    assert run.data.metrics[f"rmse.{LINEAR}"] == pytest.approx(second.record.metrics.rmse)
    best = min(first.record.metrics.rmse, second.record.metrics.rmse)
    assert run.data.metrics["rmse.champion"] == pytest.approx(best)
    assert run.data.params["champion_version"] == "1"


def test_the_last_decision_can_be_asked_for(deployment: Deployment) -> None:
    deployment.train_and_promote(LASSO, **GOOD)
    promotion = deployment.train_and_promote(LASSO, **BAD)
    assert last_decision(deployment.tracking) == ("lost", promotion.reason)


def test_before_any_comparison_there_is_no_last_decision(deployment: Deployment) -> None:
    with pytest.raises(StoredError, match="champion_model"):
        last_decision(deployment.tracking)


def test_without_a_trained_model_nothing_is_promoted(deployment: Deployment) -> None:
    with pytest.raises(StoredError, match="no model of the current training set"):
        deployment.promote()
    assert deployment.champion() is None


def test_a_model_of_another_training_set_is_no_candidate(deployment: Deployment) -> None:
    deployment.train(LASSO)
    deployment.window("2024-02", "2024-03")
    with pytest.raises(StoredError, match="no model of the current training set"):
        deployment.promote()


def test_a_better_model_that_was_overwritten_before_it_was_compared_still_wins(deployment: Deployment) -> None:
    good = deployment.train(LASSO, **GOOD)
    deployment.train(LASSO, **BAD)
    decisions = [deployment.promote().decision for _ in range(2)]
    assert decisions == [Decision.FIRST, Decision.LOST]
    assert deployment.version(1).run_id == good.run_id
    assert (deployment.champion(), deployment.challenger()) == (1, 2)


def test_a_model_that_was_compared_and_then_overwritten_is_no_candidate_again(deployment: Deployment) -> None:
    for _ in range(2):
        deployment.train(LASSO, **GOOD)
    deployment.promote()
    deployment.train(LASSO, **BAD)
    assert [candidate.new for candidate in deployment.promote().candidates] == [True]


def test_a_model_that_this_mlflow_does_not_know_is_not_promoted(deployment: Deployment) -> None:
    logged = deployment.train(LASSO)
    deployment.tracking.client.delete_run(logged.run_id)
    with pytest.raises(StoredError, match="MLFLOW_TRACKING_URI"):
        deployment.promote()
    assert deployment.champion() is None


def test_a_model_with_another_figure_than_was_logged_is_refused(deployment: Deployment) -> None:
    logged = deployment.train(LASSO)
    deployment.tracking.client.log_metric(logged.run_id, "rmse", 0.5)
    with pytest.raises(StoredError, match=r"0\.5 was logged"):
        deployment.promote()
    assert deployment.champion() is None


def test_a_model_whose_figure_is_no_number_is_no_candidate(deployment: Deployment) -> None:
    deployment.train(LINEAR)
    logged = deployment.train(LASSO)
    deployment.tracking.client.log_metric(logged.run_id, "rmse", float("nan"))
    assert [candidate.model for candidate in deployment.promote().candidates] == [LINEAR]


def test_a_model_trained_again_can_be_champion_though_its_version_of_before_is_damaged(deployment: Deployment) -> None:
    deployment.train_and_promote(LASSO, **GOOD)
    (deployment.files_of(1) / "model.skops").write_bytes(b"")
    promotion = deployment.train_and_promote(LASSO, **GOOD)
    assert deployment.load(promotion.champion.version)


def test_of_two_retrainings_at_once_the_better_one_ends_with_the_alias(deployment: Deployment) -> None:
    deployment.train_and_promote(LASSO, **MIDDLE)
    better = deployment.train(LASSO, **GOOD)
    deployment.train(LASSO, **BAD)
    ids = [begin_run(deployment.tracking, "champion_model", {tags.ASSET: "champion_model"}) for _ in range(2)]
    with mlflow_at(deployment.tracking), ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda run_id: promote(deployment.tracking, deployment.store, run_id), ids))
    champion = deployment.champion()
    assert champion is not None
    assert deployment.version(champion).run_id == better.run_id
