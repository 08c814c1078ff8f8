"""What a user can mend fails once with one clear line; what may pass by itself is tried again."""

from pathlib import Path

import dagster as dg
import pytest

from taxi_assets.defs.build import ASSETS
from taxi_assets.defs.failures import RETRY_POLICY, clear_failures
from taxi_assets.errors import (
    MonthNotFoundError,
    SettingError,
    SourceUnavailableError,
    StoredError,
    StoreUnavailableError,
    TaxiError,
    TrackingError,
    TripFileError,
    UntrustedModelError,
)
from taxi_assets_tests.defs.running import failure_of, materialize, resources_in

LASTING = [MonthNotFoundError, SettingError, StoredError, TripFileError, UntrustedModelError]
PASSING = [SourceUnavailableError, StoreUnavailableError, TrackingError]


def attempts_at(error: Exception) -> int:
    """How often an asset is tried that always fails with an error."""
    attempts = []

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=RETRY_POLICY.max_retries))
    def failing() -> None:
        attempts.append(1)
        with clear_failures():
            raise error

    assert not dg.materialize([failing], raise_on_error=False).success
    return len(attempts)


@pytest.mark.parametrize("error", LASTING)
def test_an_error_that_lasts_is_not_tried_again(error: type[TaxiError]) -> None:
    assert attempts_at(error("It lasts.")) == 1


@pytest.mark.parametrize("error", PASSING)
def test_a_server_that_does_not_answer_is_tried_again(error: type[TaxiError]) -> None:
    assert attempts_at(error("Nobody is there.")) == 3


def test_a_failing_disk_is_tried_again() -> None:
    assert attempts_at(OSError("The disk is ill.")) == 3


@pytest.mark.parametrize("error", [*LASTING, *PASSING])
def test_the_failure_says_what_the_error_said(error: type[TaxiError]) -> None:
    with pytest.raises(dg.Failure) as caught, clear_failures():
        raise error("What is wrong.")
    assert caught.value.description == "What is wrong."
    assert isinstance(caught.value.__cause__, error)


def test_a_fault_of_ours_passes_unchanged() -> None:
    with pytest.raises(ZeroDivisionError), clear_failures():
        1 / 0  # noqa: B018


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.key.to_user_string())
def test_every_asset_is_tried_again_after_a_pause(asset: dg.AssetsDefinition) -> None:
    policy = asset.node_def.retry_policy
    assert policy is not None
    assert policy.max_retries >= 1
    assert policy.delay


@pytest.mark.parametrize(
    ("asset", "partition", "message"),
    [
        ("raw_trips", "2024-03-01", "2024-03: the sample source has 2024-01 to 2024-02"),
        ("clean_trips", "2024-01-01", "raw_trips/2024-01 has not been made yet"),
        ("training_set", None, "A training set takes 2 clean months, and none are stored"),
        ("xgboost_model", None, "training_set has not been made yet"),
        ("sklearn_models", "linear_model.Lasso", "training_set has not been made yet"),
        ("champion_model", None, "training_set has not been made yet"),
    ],
)
def test_an_asset_that_lacks_its_input_fails_once_and_clearly(
    asset: str, partition: str | None, message: str, empty_home: Path
) -> None:
    result = materialize(resources_in(empty_home), asset, partition=partition)
    assert message in failure_of(result, asset)
    assert not [event for event in result.all_events if event.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY]
