"""Our errors as Dagster's failures: one clear line in the UI, and a retry only where it can help."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.execution.plan.objects import StepFailureData

from taxi_assets.errors import SourceUnavailableError, StoreUnavailableError, TaxiError, TrackingError

RETRY_POLICY = dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""For faults that pass: a disk or a network that fails for a moment."""

FAULTS_THAT_PASS = (SourceUnavailableError, StoreUnavailableError, TrackingError)

INTERRUPTED = "Interrupted."

CHECK_FAILED = "DagsterAssetCheckFailedError"
"""The error of a step whose blocking check failed."""


@contextmanager
def clear_failures() -> Iterator[None]:
    """Turn an error that a user can mend into a failure with its message, and Ctrl-C into one without retry."""
    try:
        yield
    except dg.DagsterExecutionInterruptedError as error:
        raise dg.Failure(INTERRUPTED, allow_retries=False) from error
    except TaxiError as error:
        raise dg.Failure(str(error), allow_retries=isinstance(error, FAULTS_THAT_PASS)) from error


def was_interrupted(failure: StepFailureData) -> bool:
    """Whether a step failed because somebody ended its process."""
    if failure.user_failure_data is not None:
        return failure.user_failure_data.description == INTERRUPTED
    return failure.error is not None and failure.error.cls_name == dg.DagsterExecutionInterruptedError.__name__


def is_failed_check(failure: StepFailureData) -> bool:
    """Whether a step failed because a blocking check did, and said so."""
    return failure.error is not None and failure.error.cls_name == CHECK_FAILED
