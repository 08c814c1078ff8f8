"""Where MLflow does not answer, a step fails before it trains, and says why."""

import dagster as dg
import pytest

from taxi_assets.defs.champion_model import champion_model
from taxi_assets.defs.sklearn_models import SklearnConfig, sklearn_models
from taxi_assets.storage.publish import FolderStore
from taxi_assets_tests.defs.running import LINEAR, Resources, actual, failure_of, failures, materialize, run_checks

NOBODY = "http://127.0.0.1:9"
LASSO = "linear_model.Lasso"


@pytest.fixture(autouse=True)
def nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tracking server that is down, and retries without a pause."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    for asset in (sklearn_models, champion_model):
        monkeypatch.setattr(asset.node_def, "_retry_policy", dg.RetryPolicy(max_retries=1))


def test_the_failure_names_the_address_and_the_remedy(resources: Resources) -> None:
    failure = failure_of(materialize(resources, "sklearn_models", partition=LINEAR), "sklearn_models")
    assert failure.startswith(f"MLflow at {NOBODY} does not answer as it should: ")
    assert "unset MLFLOW_TRACKING_URI to track in " in failure


def test_nothing_is_trained(resources: Resources, filled_store: FolderStore) -> None:
    before = filled_store.existing(f"sklearn_models/{LINEAR}")
    for name in (LINEAR, LASSO):
        config = {"sklearn_models": SklearnConfig(max_evaluations=3)}
        assert not materialize(resources, "sklearn_models", partition=name, config=config).success
    assert filled_store.existing(f"sklearn_models/{LINEAR}") == before
    assert filled_store.current(f"sklearn_models/{LASSO}") is None
    assert filled_store.current(f"trials/{LASSO}") is None


def test_it_is_tried_again(resources: Resources) -> None:
    result = materialize(resources, "sklearn_models", partition=LINEAR)
    retries = [event for event in result.all_events if event.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY]
    assert len(retries) == 1


def test_a_password_in_the_address_is_not_shown(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://taxi:s3cret@127.0.0.1:9")
    result = materialize(resources, "sklearn_models", partition=LINEAR)
    failure = failure_of(result, "sklearn_models")
    assert failure.startswith(f"MLflow at {NOBODY} does not answer")
    assert "s3cret" not in failure


def test_the_champion_is_not_compared(resources: Resources) -> None:
    result = materialize(resources, "champion_model")
    assert failure_of(result, "champion_model").startswith(f"MLflow at {NOBODY} does not answer")


def test_the_checks_of_the_champion_fail_and_say_why(resources: Resources) -> None:
    checks = run_checks(resources, "champion_model")
    assert set(failures(checks)) == {"champion_serves", "compared_with_champion"}
    assert all(actual(check).startswith(f"MLflow at {NOBODY} does not answer") for check in checks.values())
