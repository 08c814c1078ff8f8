"""What `taxi run` does: one materialisation after the other against the Dagster instance.

Each month, then the training set with XGBoost, then each scikit-learn class, then the champion is a run of its
own, as if it had been launched in the UI, where all of them stand afterwards. What fails stops what needs it:
a month that fails stops the training, but not the other months.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import dagster as dg

from taxi_assets.addresses import shown
from taxi_assets.defs.build import ASSETS, CHECKS
from taxi_assets.defs.failures import is_failed_check, was_interrupted
from taxi_assets.defs.mlflow_resource import MlflowResource
from taxi_assets.defs.partitions import partition_of
from taxi_assets.defs.resources import StorageResource, TripsResource
from taxi_assets.defs.retraining import alone
from taxi_assets.defs.sklearn_models import SklearnConfig
from taxi_assets.defs.training_set import TrainingSetConfig
from taxi_assets.defs.vanished_runs import fail_vanished_runs, free_abandoned_places, process_tags
from taxi_assets.defs.xgboost_model import XGBoostConfig
from taxi_assets.errors import SettingError
from taxi_assets.settings import load_settings
from taxi_assets.storage.locations import XGBOOST_MODEL
from taxi_assets.training.search_spaces import MODEL_NAMES, SELECT_ON, SKLEARN_CLASSES
from taxi_assets.trips.months import DEFAULT_MONTHS
from taxi_assets.trips.source import last_full_month


@dataclass(frozen=True)
class RunOptions:
    """What to run. None takes the default of the asset.

    Attributes:
        months: `YYYY-MM` each; None for the newest two of the source.
        split: the split value; None for the first day of the newest month.
        models: names out of `MODEL_NAMES`.
        evaluations: trials of each scikit-learn class.
        xgboost_evaluations: trials of XGBoost.
        select_on: what tuning looks at, `training` or `validation`.
    """

    months: Sequence[str] | None = None
    split: str | None = None
    models: Sequence[str] = MODEL_NAMES
    evaluations: int | None = None
    xgboost_evaluations: int | None = None
    select_on: str = "training"


@dataclass(frozen=True)
class CheckFailure:
    """A check that failed, with what it expected and found."""

    asset: str
    partition: str | None
    check: str
    severity: str
    expected: Any
    actual: Any
    description: str

    def sentence(self) -> str:
        """The failure in one line."""
        where = f"{self.asset} {self.partition}" if self.partition else self.asset
        return f"{where}: check {self.check} failed. {self.description}"


@dataclass(frozen=True)
class ModelResult:
    """A trained model: RMSE and MAE in minutes on the validation rows, seconds of tuning and fitting."""

    name: str
    rmse: float
    mae: float
    seconds: float
    mlflow_run_id: str


@dataclass(frozen=True)
class Champion:
    """The model that serves: its version in the registry, its RMSE in minutes where it could be judged, and why."""

    name: str
    version: int
    rmse: float | None
    reason: str


@dataclass
class Summary:
    """What a run of the main job made."""

    months: list[str]
    source: str
    synthetic: bool
    shapes: dict[str, list[int] | None] = field(default_factory=lambda: {"X": None, "X_train": None, "X_val": None})
    checks_passed: int = 0
    check_failures: list[CheckFailure] = field(default_factory=list)
    models: list[ModelResult] = field(default_factory=list)
    champion: Champion | None = None
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def succeeded(self) -> bool:
        """Whether every run and every blocking check passed."""
        return not self.errors

    @property
    def best(self) -> ModelResult | None:
        """The model with the least RMSE."""
        judged = [model for model in self.models if math.isfinite(model.rmse)]
        return min(judged, key=lambda model: model.rmse, default=None)

    def to_json(self) -> dict[str, Any]:
        """The object that `taxi run --json` prints."""
        warned = sum(failure.severity == "WARN" for failure in self.check_failures)
        champion = self.champion
        return {
            "months": self.months,
            "source": self.source,
            "synthetic": self.synthetic,
            "shapes": self.shapes,
            "checks": {
                "passed": self.checks_passed,
                "warned": warned,
                "failed": len(self.check_failures) - warned,
                "failures": [vars(failure) for failure in self.check_failures],
            },
            "models": [vars(model) for model in self.models],
            "champion": vars(champion) if champion else None,
            "errors": self.errors,
            "seconds": self.seconds,
        }


class Progress(Protocol):
    """Who is told how far the job is."""

    def started(self, what: str) -> None:
        """A run began."""

    def finished(self, what: str, detail: str, seconds: float) -> None:
        """A run succeeded."""

    def failed(self, what: str, error: str) -> None:
        """A run failed, for this reason."""


def run_main_job(
    options: RunOptions,
    instance: dg.DagsterInstance,
    resources: Mapping[str, Any],
    progress: Progress,
    log_level: str = "CRITICAL",
) -> Summary:
    """Run the main job.

    Args:
        options: what to run.
        instance: where the runs are recorded.
        resources: as `build_resources` gives them.
        progress: is told of every run.
        log_level: what Dagster prints of its log to stderr.

    Raises:
        SettingError: an option is impossible; nothing has been run then.
        SourceUnavailableError: the source does not say which months it has.
        TrackingError: MLflow does not answer; nothing has been run then.
        KeyboardInterrupt: the user ended it; the run that was going on is recorded as failed.
    """
    start = time.monotonic()
    _require_possible(options)
    trips: TripsResource = resources["trips"]
    storage: StorageResource = resources["storage"]
    storage.open()
    mlflow: MlflowResource = resources["mlflow"]
    mlflow.tracking()
    home = load_settings().home
    fail_vanished_runs(instance, home)
    free_abandoned_places(instance)
    months = list(options.months or _newest_months(trips))
    partitions = [partition_of(month) for month in months]
    runner = _Runner(instance, resources, progress, log_level, Summary(months, shown(trips.uri), trips.synthetic))
    with alone(home, lambda: progress.started("waiting for what goes on in this home to end")):
        for month, partition in zip(months, partitions, strict=True):
            runner.run(f"trips of {month}", ["raw_trips", "clean_trips"], partition)
        if runner.summary.succeeded:
            _train(runner, options)
    runner.summary.seconds = time.monotonic() - start
    return runner.summary


def _require_possible(options: RunOptions) -> None:
    if unknown := [name for name in options.models if name not in MODEL_NAMES]:
        raise SettingError(f"models={unknown} are unknown: they are some of {', '.join(MODEL_NAMES)}.")
    if options.select_on not in SELECT_ON:
        raise SettingError(f"select_on={options.select_on!r} is unknown: it is {' or '.join(SELECT_ON)}.")
    for name, value in (("evaluations", options.evaluations), ("xgboost_evaluations", options.xgboost_evaluations)):
        if value is not None and value < 1:
            raise SettingError(f"{name}={value}: at least 1 is needed.")
    if options.months and len(set(options.months)) == 1 and options.split is None:
        raise SettingError("One month needs --split, a day within it, to train and to validate: or name two months.")
    if options.split is not None:
        try:
            datetime.fromisoformat(options.split)
        except ValueError as error:
            raise SettingError(f"split={options.split!r} is not a date: write it as 2024-02-01.") from error


def _newest_months(trips: TripsResource) -> list[str]:
    first = load_settings().first_month
    months = list(trips.open().published(first, last_full_month()))
    if len(months) < DEFAULT_MONTHS:
        raise SettingError(
            f"TAXI_TRIPS_URI={shown(trips.uri)} has {len(months)} months of {trips.service} trips since {first}, "
            f"and {DEFAULT_MONTHS} are needed. Is it the right place? TAXI_FIRST_MONTH sets the first month."
        )
    return months[-DEFAULT_MONTHS:]


def _train(runner: "_Runner", options: RunOptions) -> None:
    shared: dict[str, Any] = {"select_on": options.select_on}
    config: dict[str, dg.Config] = {
        "training_set": TrainingSetConfig(months=runner.summary.months, split_on_feature_value=options.split)
    }
    if XGBOOST_MODEL in options.models:
        config[XGBOOST_MODEL] = XGBoostConfig(**shared | _given(max_evaluations=options.xgboost_evaluations))
    outcome = runner.run(" and ".join(config), list(config), config=config)
    if not outcome.is_sound("training_set"):
        return
    for name in options.models:
        if name in SKLEARN_CLASSES:
            sklearn = SklearnConfig(**shared | _given(max_evaluations=options.evaluations))
            runner.run(name, ["sklearn_models"], name, {"sklearn_models": sklearn})
    if runner.summary.models:
        runner.run("champion", ["champion_model"])


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


@dataclass(frozen=True)
class _Outcome:
    """What one run materialised, by asset, and the assets of which a blocking check failed."""

    metadata: Mapping[str, Mapping[str, Any]]
    blocked: frozenset[str]

    def is_sound(self, asset: str) -> bool:
        return asset in self.metadata and asset not in self.blocked


class _Runner:
    """Runs materialisations and gathers what they made."""

    def __init__(
        self,
        instance: dg.DagsterInstance,
        resources: Mapping[str, Any],
        progress: Progress,
        log_level: str,
        summary: Summary,
    ) -> None:
        self.instance = instance
        self.resources = resources
        self.progress = progress
        self.log_level = log_level
        self.summary = summary

    def run(
        self,
        what: str,
        assets: list[str],
        partition: str | None = None,
        config: Mapping[str, dg.Config] | None = None,
    ) -> _Outcome:
        """Materialise assets in one run, with their checks; failures go to the summary."""
        self.progress.started(what)
        start = time.monotonic()
        run_config = dg.RunConfig(
            ops=dict(config or {}), loggers={"console": {"config": {"log_level": self.log_level}}}
        )
        result = dg.materialize(
            [*ASSETS, *CHECKS],
            run_config=run_config,
            instance=self.instance,
            resources=self.resources,
            partition_key=partition,
            raise_on_error=False,
            selection=dg.AssetSelection.assets(*assets),
            tags={"taxi/started_by": "taxi run", **process_tags(load_settings().home)},
        )
        outcome = self._gather(result)
        errors = self._errors(result, what)
        self.summary.errors += errors
        if errors:
            self.progress.failed(what, "; ".join(errors))
        else:
            self.progress.finished(what, _describe(outcome), time.monotonic() - start)
        return outcome

    def _gather(self, result: dg.ExecuteInProcessResult) -> _Outcome:
        metadata: dict[str, dict[str, Any]] = {}
        for event in result.get_asset_materialization_events():
            materialization = event.step_materialization_data.materialization
            assert materialization.asset_key is not None
            name = materialization.asset_key.to_user_string()
            values: dict[str, Any] = {label: value.value for label, value in materialization.metadata.items()}
            metadata[name] = values
            if name == "training_set":
                for matrix in self.summary.shapes:
                    self.summary.shapes[matrix] = [values[f"{matrix}_rows"], values[f"{matrix}_columns"]]
            if "rmse" in values:
                model = materialization.partition or name
                self.summary.models.append(
                    ModelResult(model, values["rmse"], values["mae"], values["seconds"], values["mlflow_run_id"])
                )
            if name == "champion_model":
                self.summary.champion = Champion(
                    values["champion"], values["version"], values.get("champion_rmse"), values["reason"]
                )
        blocked = set()
        for evaluation in result.get_asset_check_evaluations():
            if evaluation.passed:
                self.summary.checks_passed += 1
                continue
            asset = evaluation.asset_key.to_user_string()
            failure = CheckFailure(
                asset,
                evaluation.partition,
                evaluation.check_name,
                evaluation.severity.value,
                evaluation.metadata["expected"].value,
                evaluation.metadata["actual"].value,
                evaluation.description or "",
            )
            self.summary.check_failures.append(failure)
            if evaluation.blocking and evaluation.severity is dg.AssetCheckSeverity.ERROR:
                blocked.add(asset)
                self.summary.errors.append(failure.sentence())
        return _Outcome(metadata, frozenset(blocked))

    def _errors(self, result: dg.ExecuteInProcessResult, what: str) -> list[str]:
        """Why steps failed, one line each; what a check found is told by the check already.

        Raises:
            KeyboardInterrupt: the user ended the job while a step ran.
        """
        errors = []
        for event in result.get_step_failure_events():
            data = event.step_failure_data
            if was_interrupted(data):
                raise KeyboardInterrupt
            if data.user_failure_data is not None:
                errors.append(data.user_failure_data.description or what)
            elif data.error is not None and not is_failed_check(data):
                cause = data.error.cause or data.error
                errors.append(f"{event.step_key}: {cause.message.strip()}")
        return errors


def _describe(outcome: _Outcome) -> str:
    for name, values in reversed(list(outcome.metadata.items())):
        if "rmse" in values:
            return f"RMSE {values['rmse']:.3f} min"
        if "decision" in values:
            return f"{values['champion']}, version {values['version']}"
        if "dagster/row_count" in values:
            return f"{values['dagster/row_count']:,} rows of {name}"
    return ""
