"""Which fit of the champion is judged, and on which trips, when the training set changes."""

import pytest

from taxi_assets.tracking.promotion import Decision, Promotion
from taxi_assets.training.model_files import Fit
from taxi_assets_tests.tracking.deployment import BAD, GOOD, LASSO, LINEAR, Deployment, rmse


def champion_rmse(deployment: Deployment, fit: Fit, promotion: Promotion) -> float:
    """That of version 1 on the last of the validation trips, as many as were compared."""
    assert promotion.comparison is not None
    trips = deployment.validation().trips
    unseen = trips.slice(len(trips) - promotion.comparison.rows)
    return rmse(getattr(deployment.load(1), fit).predict(unseen), unseen)


def test_on_the_next_window_the_final_fit_of_the_champion_is_judged(deployment: Deployment) -> None:
    deployment.train_and_promote(LASSO, **GOOD)
    deployment.window("2024-02", "2024-03")
    promotion = deployment.train_and_promote(LASSO, **BAD)
    found = promotion.comparison
    assert found is not None
    assert (found.champion_fit, found.rows, found.rows_seen) == ("final_fit", len(deployment.validation().trips), 0)
    assert found.champion_rmse == pytest.approx(champion_rmse(deployment, "final_fit", promotion))


def test_trips_that_the_final_fit_has_seen_are_left_out(deployment: Deployment) -> None:
    deployment.train_and_promote(LASSO, **GOOD)
    deployment.window("2024-02", "2024-03", split_on_feature_value="2024-02-20")
    promotion = deployment.train_and_promote(LASSO, **BAD)
    found = promotion.comparison
    assert found is not None
    validation = deployment.validation()
    in_march = validation.months.to_pylist().count("2024-03")
    assert (found.champion_fit, found.rows) == ("final_fit", in_march)
    assert found.rows_seen == len(validation.trips) - in_march > 0
    assert found.champion_rmse == pytest.approx(champion_rmse(deployment, "final_fit", promotion))


def test_the_new_model_is_judged_on_the_same_trips_by_its_training_fit(deployment: Deployment) -> None:
    deployment.train_and_promote(LASSO, **GOOD)
    deployment.window("2024-02", "2024-03", split_on_feature_value="2024-02-20")
    promotion = deployment.train_and_promote(LASSO, **BAD)
    assert promotion.comparison is not None
    trips = deployment.validation().trips
    unseen = trips.slice(promotion.comparison.rows_seen)
    expected = rmse(deployment.load(2).training_fit.predict(unseen), unseen)
    assert promotion.comparison.candidate_rmse == pytest.approx(expected)


def test_on_the_same_window_with_another_seed_the_training_fit_of_the_champion_is_judged(
    deployment: Deployment,
) -> None:
    deployment.train_and_promote(LASSO, random_state=1)
    promotion = deployment.train_and_promote(LASSO, random_state=2)
    assert promotion.decision in {Decision.WON, Decision.LOST}
    found = promotion.comparison
    assert found is not None
    assert (found.champion_fit, found.rows_seen) == ("training_fit", 0)
    assert found.champion_rmse == pytest.approx(champion_rmse(deployment, "training_fit", promotion))


def test_a_later_split_of_the_same_months_is_judged_by_the_training_fit(deployment: Deployment) -> None:
    deployment.train_and_promote(LASSO, **GOOD)
    deployment.window("2024-01", "2024-02", split_on_feature_value="2024-02-15")
    found = deployment.train_and_promote(LASSO, **BAD).comparison
    assert found is not None
    assert (found.champion_fit, found.rows_seen) == ("training_fit", 0)


def test_an_earlier_split_of_the_same_months_leaves_out_what_the_training_fit_has_seen(
    deployment: Deployment,
) -> None:
    deployment.window("2024-01", "2024-02", split_on_feature_value="2024-02-08")
    deployment.train_and_promote(LASSO, **GOOD)
    deployment.window("2024-01", "2024-02")
    promotion = deployment.train_and_promote(LASSO, **BAD)
    found = promotion.comparison
    assert found is not None
    assert found.champion_fit == "training_fit"
    assert 0 < found.rows_seen < found.rows
    days = deployment.validation().trips.column("pickup_datetime").to_pylist()
    assert found.rows == sum((day.month, day.day) >= (2, 8) for day in days)


def test_another_split_that_gives_the_same_final_fit_is_compared(deployment: Deployment) -> None:
    deployment.train_and_promote(LINEAR)
    deployment.window("2024-01", "2024-02", split_on_feature_value="2024-02-15")
    deployment.train_and_promote(LINEAR)
    assert deployment.champion() is not None


def test_a_champion_that_has_seen_all_trips_is_not_compared_and_stays(deployment: Deployment) -> None:
    deployment.train_and_promote(LASSO, **BAD)
    deployment.window("2024-01", split_on_feature_value="2024-01-15")
    promotion = deployment.train_and_promote(LASSO, **GOOD)
    assert promotion.decision == Decision.NOT_COMPARABLE
    assert "was trained on 2024-01, 2024-02 and has seen most of the trips" in promotion.reason
    assert (deployment.champion(), deployment.challenger()) == (1, 2)
