"""The metrics are scikit-learn's."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.dummy import DummyRegressor
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from taxi_assets.training.evaluation import Metrics, Vector, evaluate, evaluate_mean_predictor


def minutes(count: int, low: float, high: float) -> st.SearchStrategy[Vector]:
    return arrays(np.float64, count, elements=st.floats(low, high, allow_nan=False))


TRUTH_AND_PREDICTIONS = st.integers(2, 40).flatmap(
    lambda count: st.tuples(minutes(count, 1, 60), minutes(count, -50, 200))
)


def sklearn_metrics(truth: Vector, predictions: Vector) -> Metrics:
    return Metrics(
        root_mean_squared_error(truth, predictions),
        mean_absolute_error(truth, predictions),
        r2_score(truth, predictions),
    )


@given(TRUTH_AND_PREDICTIONS)
def test_metrics_equal_those_of_scikit_learn(case: tuple[Vector, Vector]) -> None:
    truth, predictions = case
    assume(np.ptp(truth) > 1e-3)
    expected = sklearn_metrics(truth, predictions).to_dict()
    assert evaluate(truth, predictions).to_dict() == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("predicted", [5.0, 6.0])
def test_metrics_of_equal_true_values_are_those_of_scikit_learn(predicted: float) -> None:
    truth, predictions = np.full(4, 5.0), np.full(4, predicted)
    assert evaluate(truth, predictions) == sklearn_metrics(truth, predictions)


def test_metrics_of_predictions_that_are_not_numbers_are_not_numbers() -> None:
    metrics = evaluate(np.array([1.0, 2.0]), np.array([1.0, np.nan]))
    assert all(np.isnan(value) for value in metrics.to_dict().values())


@given(minutes(7, 1, 60), minutes(5, 1, 60))
def test_mean_predictor_is_judged_with_the_mean_of_the_training_targets(y_train: Vector, y_val: Vector) -> None:
    assume(np.ptp(y_val) > 1e-3)
    dummy = DummyRegressor(strategy="mean").fit(np.zeros((7, 1)), y_train)
    expected = sklearn_metrics(y_val, dummy.predict(np.zeros((5, 1)))).to_dict()
    assert evaluate_mean_predictor(y_train, y_val).to_dict() == pytest.approx(expected, rel=1e-9, abs=1e-9)
