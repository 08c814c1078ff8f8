"""The factory of all asset checks. A check reads what is stored, not a value that was handed over."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from taxi_assets.defs.failures import RETRY_POLICY
from taxi_assets.defs.resources import StorageResource
from taxi_assets.errors import StoreUnavailableError, TaxiError
from taxi_assets.storage.publish import Store
from taxi_assets.storage.versions import Version

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


@dataclass(frozen=True)
class Stored:
    """The stored thing that a check judges, compared with its digest already."""

    folder: Path
    version: Version
    store: Store
    context: dg.AssetCheckExecutionContext


@dataclass(frozen=True)
class Verdict:
    """What a check found: values of text, numbers, or JSON."""

    passed: bool
    expected: Any
    actual: Any
    severity: dg.AssetCheckSeverity | None = None


def stored_check(
    asset: dg.AssetsDefinition,
    name: str,
    *,
    key: Callable[[dg.AssetCheckExecutionContext], str],
    judge: Callable[[Stored], Verdict],
    description: str,
    blocking: bool = False,
    severity: dg.AssetCheckSeverity = ERROR,
) -> dg.AssetChecksDefinition:
    """A check of what is stored for an asset, or for one partition of it.

    Args:
        asset: what is checked; the check is partitioned as it is.
        name: the check's name.
        key: where the store has it.
        judge: looks at the stored files.
        description: what is expected, for the UI.
        blocking: whether nothing downstream may run when the check fails.
        severity: of a failure, unless the verdict names another.
    """

    def check(context: dg.AssetCheckExecutionContext, storage: StorageResource) -> dg.AssetCheckResult:
        def judge_stored(folder: Path, version: Version) -> Verdict:
            return judge(Stored(folder, version, store, context))

        import polars as pl
        import pyarrow as pa

        try:
            store = storage.open()
            verdict = store.read_verified(key(context), judge_stored)
        except (StoreUnavailableError, ConnectionError, TimeoutError) as error:
            # No verdict: it would stand until the asset is made again.
            raise dg.Failure(f"The check could not be made: {error}") from error
        except (TaxiError, OSError, pa.ArrowException, pl.exceptions.PolarsError) as error:
            verdict = Verdict(False, "stored whole and readable", str(error), ERROR)
        return check_result(context, name, verdict, severity)

    with warnings.catch_warnings():
        # Partitioned checks are a preview. The lock pins the version that they were tried with.
        warnings.filterwarnings("ignore", "Specifying a partitions_def", dg.PreviewWarning)
        return dg.asset_check(
            asset=asset,
            name=name,
            description=description,
            blocking=blocking,
            retry_policy=RETRY_POLICY,
            partitions_def=asset.partitions_def,
        )(check)


def check_result(
    context: dg.AssetCheckExecutionContext, name: str, verdict: Verdict, severity: dg.AssetCheckSeverity = ERROR
) -> dg.AssetCheckResult:
    """A verdict as Dagster's result; a failure is logged too."""
    description = f"Expected {_text(verdict.expected)}; found {_text(verdict.actual).removesuffix('.')}."
    if not verdict.passed:
        context.log.warning(f"Check {name} failed. {description}")
    return dg.AssetCheckResult(
        passed=verdict.passed,
        severity=verdict.severity or severity,
        description=description,
        metadata={
            "expected": _metadata(verdict.expected),
            "actual": _metadata(verdict.actual),
            **_numbers(verdict.actual),
        },
    )


def _numbers(actual: Any) -> dict[str, float]:
    """What the UI can plot over time: it draws numbers that stand alone."""
    if not isinstance(actual, Mapping):
        return {}
    return {name: value for name, value in actual.items() if isinstance(value, (int, float))}


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
    if isinstance(value, (tuple, list)):
        return " × ".join(map(_text, value))
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}" if isinstance(value, float) else str(value)


def _metadata(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dg.MetadataValue.json(
            {name: list(item) if isinstance(item, tuple) else item for name, item in value.items()}
        )
    return value
