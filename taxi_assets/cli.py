"""The command `taxi`. Errors are one line on stderr; `--verbose` shows where they came from."""

import json
import logging
import os
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from taxi_assets.errors import SettingError, TaxiError
from taxi_assets.settings import PROJECT_ROOT, Settings, load_settings

if TYPE_CHECKING:
    from taxi_assets.defs.main_job import Summary
    from taxi_assets.tracking.connection import Tracking

app = typer.Typer(
    help="How long will a New York taxi trip take? Ingest, train and predict.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
champion_app = typer.Typer(help="Which model serves, since when and why; and the way back.", no_args_is_help=True)
app.add_typer(champion_app, name="champion")
alerts_app = typer.Typer(help="Where alerts go.", no_args_is_help=True)
app.add_typer(alerts_app, name="alerts")
stdout = Console()
stderr = Console(stderr=True)

MAX_MILES = 1_000
"""The longest trip that a prediction is asked for: no taxi drives further."""

Verbose = Annotated[bool, typer.Option("--verbose", help="Show Dagster's log, and the traceback of an error.")]


class SelectOn(StrEnum):
    """What tuning looks at."""

    training = "training"
    validation = "validation"


@app.command()
def run(
    months: Annotated[
        str | None, typer.Option(help="2024-01:2024-02, or 2024-01,2024-02. Default: the newest two of the source.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Trips picked up before this day train, the others validate. Default: first day of the last month."
        ),
    ] = None,
    models: Annotated[str, typer.Option(help="all, or a list as xgboost,Lasso.")] = "all",
    evals: Annotated[int | None, typer.Option(min=1, help="Trials of each scikit-learn class. Default: 1.")] = None,
    xgb_evals: Annotated[int | None, typer.Option(min=1, help="Trials of XGBoost. Default: 3.")] = None,
    select_on: Annotated[
        SelectOn,
        typer.Option(
            help="What tuning looks at: part of the training rows, or, as the course did, the validation rows."
        ),
    ] = SelectOn.training,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, and nothing else, on stdout.")
    ] = False,
    verbose: Verbose = False,
) -> None:
    """Run the main job: ingest months, build the training set, train the models, compare them."""
    settings = _prepare()
    _make_instance_ready(settings)
    import dagster as dg

    from taxi_assets.defs.main_job import RunOptions, run_main_job
    from taxi_assets.defs.resources import build_resources
    from taxi_assets.trips.months import parse_months

    options = RunOptions(
        months=parse_months(months) if months else None,
        split=split,
        models=_parse_models(models),
        evaluations=evals,
        xgboost_evaluations=xgb_evals,
        select_on=select_on.value,
    )
    progress = ProgressLines()
    _log_to(progress)
    try:
        with dg.DagsterInstance.get() as instance, progress:
            log_level = "DEBUG" if verbose else "CRITICAL"
            summary = run_main_job(options, instance, build_resources(settings), progress, log_level)
    except KeyboardInterrupt:
        stderr.print("interrupted: what was stored stays, what was going on is given up")
        raise typer.Exit(130) from None
    if as_json:
        print(json.dumps(summary.to_json()))
    else:
        _print_summary(summary, select_on)
    if not summary.succeeded:
        for error in summary.errors:
            stderr.print(f"[red]error:[/red] {escape(error)}", soft_wrap=True)
        raise typer.Exit(1)


@app.command()
def predict(
    pu: Annotated[str, typer.Option(help="Pickup zone, 1 to 265.")],
    do: Annotated[str, typer.Option(help="Dropoff zone, 1 to 265.")],
    distance: Annotated[float, typer.Option(help="Distance in miles.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
    verbose: Verbose = False,
) -> None:
    """Predict how many minutes a trip takes, with the champion."""
    from taxi_assets.trips.zones import is_zone, zones

    for option, zone in (("--pu", pu), ("--do", do)):
        if not is_zone(zone):
            raise SettingError(f"{option} {zone!r} is not a zone: zones are numbered 1 to {len(zones())}.")
    if not 0 <= distance <= MAX_MILES:
        raise SettingError(f"--distance {distance} is not a distance: give miles, from 0 to {MAX_MILES:,}.")
    from taxi_assets.tracking.registry import existing_champion, load_version

    with _tracking() as tracking:
        version = existing_champion(tracking)
        champion = load_version(tracking, version)
    facts = champion.record.facts
    trip = {"PULocationID": str(int(pu)), "DOLocationID": str(int(do)), "trip_distance": distance}
    minutes = float(champion.final_fit.predict([trip])[0])
    if as_json:
        found = {
            "duration": minutes,
            "model": version.model,
            "version": version.version,
            "months": facts["months"],
        }
        print(json.dumps(found))
        return
    kind = "synthetic " if facts["synthetic"] else ""
    trained_on = f"{kind}{facts['service']} trips of {', '.join(facts['months'])}"
    stdout.print(
        f"[bold]{minutes:.2f} minutes[/bold] ({version.model}, version {version.version}, trained on {trained_on})",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def sample(
    out: Annotated[Path, typer.Option(help="Folder for the files.")],
    months: Annotated[str, typer.Option(help="2024-01, or 2024-01:2024-03.")] = "2024-01:2024-02",
    rows: Annotated[int, typer.Option(min=1, help="Trips in each month.")] = 20_000,
    service: Annotated[str, typer.Option(help="green or yellow.")] = "green",
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives other trips.")] = 42,
    verbose: Verbose = False,
) -> None:
    """Write synthetic months of trips, with the schema and the warts of real ones."""
    from taxi_assets.trips.months import parse_months
    from taxi_assets.trips.sample import write_sample_month
    from taxi_assets.trips.schema import SERVICES
    from taxi_assets.trips.source import FILE_NAME

    if service not in SERVICES:
        raise SettingError(f"--service {service!r} is unknown: it is one of {', '.join(SERVICES)}.")
    for month in parse_months(months):
        year, number = month.split("-")
        path = out / FILE_NAME.format(service=service, year=year, month=number)
        draft = path.with_name(f".{path.name}.draft")
        try:
            out.mkdir(parents=True, exist_ok=True)
            try:
                write_sample_month(draft, service, month, rows, seed)
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
        except OSError as error:
            raise SettingError(f"--out {out} cannot be written: {error.strerror or error}.") from error
        stdout.print(f"{path}  {rows:,} synthetic trips", highlight=False, soft_wrap=True)


@app.command()
def env() -> None:
    """Print what sets a shell up for Dagster's own commands: eval "$(.venv/bin/taxi env)"."""
    settings = _prepare()
    _make_instance_ready(settings)
    variables = {
        "DAGSTER_HOME": os.environ["DAGSTER_HOME"],
        "TAXI_HOME": str(settings.home),
        "TAXI_TRIPS_URI": settings.trips_uri,
        "TAXI_SERVICE": settings.service,
        "MLFLOW_TRACKING_URI": settings.mlflow_uri,
    }
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    print(f"export VIRTUAL_ENV={shlex.quote(sys.prefix)}")
    print(f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"')


@champion_app.command("show")
def champion_show(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
    verbose: Verbose = False,
) -> None:
    """Show the model that serves, and the challenger."""
    from taxi_assets.tracking.registry import existing_champion, version_at

    with _tracking() as tracking:
        found = {"champion": existing_champion(tracking), "challenger": version_at(tracking, "challenger")}
    if as_json:
        print(json.dumps({alias: vars(version) if version else None for alias, version in found.items()}))
        return
    table = Table("", "version", "model", "RMSE (min)", "trained on", "in MLflow")
    for alias, version in found.items():
        if version is not None:
            rmse = "" if version.rmse is None else f"{version.rmse:.3f}"
            url = tracking.version_url(version.version)
            table.add_row(alias, str(version.version), version.model, rmse, version.months, url)
    stdout.print(table)


@champion_app.command("history")
def champion_history(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array on stdout.")] = False,
    verbose: Verbose = False,
) -> None:
    """Show which version was champion when (UTC), and why."""
    from taxi_assets.tracking.history import moves

    with _tracking() as tracking:
        past = moves(tracking)
    if as_json:
        print(json.dumps([vars(move) | {"at": move.at and move.at.isoformat()} for move in past]))
        return
    if not past:
        stdout.print("No model has been champion yet: `taxi run` trains and compares them.")
        return
    for move in past:
        since = f"{move.at:%Y-%m-%d %H:%M:%S}" if move.at else "at an unknown time"
        stdout.print(f"{since}  [bold]version {move.version}[/bold]  {move.model}  {move.kind}", highlight=False)
        stdout.print(f"  {escape(move.reason)}", highlight=False, soft_wrap=True)


@champion_app.command("rollback")
def champion_rollback(
    to: Annotated[int | None, typer.Option(help="The version that is to serve. Default: the champion before.")] = None,
    verbose: Verbose = False,
) -> None:
    """Let an earlier champion serve again, until another model wins."""
    from taxi_assets.tracking.history import rollback

    with _tracking() as tracking:
        move = rollback(tracking, to)
    stdout.print(f"Version {move.version} ({move.model}) is champion. {escape(move.reason)}", soft_wrap=True)


@alerts_app.command("test")
def alerts_test(verbose: Verbose = False) -> None:
    """Send one alert to each channel of TAXI_ALERT_URLS, and show how that went."""
    from taxi_assets.alerting.channels import open_channels
    from taxi_assets.alerting.trial import send_trial

    urls = load_settings().alert_urls.get_secret_value()
    if not urls.strip():
        stdout.print("TAXI_ALERT_URLS is not set: alerts are only logged.", highlight=False)
        return
    outcomes = send_trial(open_channels(urls))
    for name, error in outcomes:
        if error is None:
            stdout.print(f"[green]✓[/green] {escape(name)} took it", highlight=False, soft_wrap=True)
        else:
            stderr.print(f"[red]✗[/red] {escape(error)}", highlight=False, soft_wrap=True)
    if any(error for _, error in outcomes):
        raise typer.Exit(1)


@contextmanager
def _tracking() -> Iterator["Tracking"]:
    """MLflow, with its errors made clear."""
    from taxi_assets.tracking.connection import mlflow_errors, open_tracking

    settings = _prepare()
    with mlflow_errors(settings):
        yield open_tracking(settings)


class ProgressLines:
    """Progress on stderr: a line for each run and trial, and what is running now where stderr is a terminal."""

    def __init__(self) -> None:
        self._status = stderr.status("Starting", spinner="dots")
        self._since = time.monotonic()

    def __enter__(self) -> "ProgressLines":
        self._status.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._status.stop()

    def started(self, what: str) -> None:
        """Show what is running now."""
        self._status.update(f"{what} …")
        if not stderr.is_terminal:
            stderr.print(f"… {what}", highlight=False, soft_wrap=True)

    def finished(self, what: str, detail: str, seconds: float) -> None:
        """Show what is done."""
        stderr.print(f"[green]✓[/green] {what}: {detail} [dim]({seconds:.1f} s)[/dim]", highlight=False, soft_wrap=True)

    def failed(self, what: str, error: str) -> None:
        """Show what failed, and why."""
        stderr.print(f"[red]✗[/red] {what}: {escape(error)}", highlight=False, soft_wrap=True)

    def note(self, message: str) -> None:
        """Show a line of the log."""
        stderr.print(f"  [dim]{escape(message)}[/dim]", highlight=False, soft_wrap=True)


class _LogLines(logging.Handler):
    def __init__(self, progress: ProgressLines) -> None:
        super().__init__(logging.INFO)
        self.progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        self.progress.note(record.getMessage())


def _log_to(progress: ProgressLines) -> None:
    logger = logging.getLogger("taxi_assets")
    logger.setLevel(logging.INFO)
    logger.addHandler(_LogLines(progress))
    logger.propagate = False


def _prepare() -> Settings:
    """The settings, with the environment set so that Dagster finds the same instance."""
    from taxi_assets.storage.home import claim_home
    from taxi_assets.trips.schema import service_named

    settings = load_settings()
    service_named(settings.service)
    claim_home(settings)
    dagster_home = Path(os.environ.setdefault("DAGSTER_HOME", str(PROJECT_ROOT)))
    if not dagster_home.is_absolute() or not dagster_home.is_dir():
        raise SettingError(f"DAGSTER_HOME={dagster_home} is not the absolute path of a folder: mend it, or unset it.")
    os.environ["TAXI_HOME"] = str(settings.home)
    return settings


def _make_instance_ready(settings: Settings) -> None:
    """Make what Dagster keeps its state in, where it is not there yet."""
    from taxi_assets.storage.home import is_instance_ready

    # Importing Dagster takes seconds.
    if is_instance_ready(settings.home, os.environ["DAGSTER_HOME"]):
        return
    from taxi_assets.defs.instance import open_ready

    with open_ready(settings.home, os.environ["DAGSTER_HOME"]):
        pass


def _parse_models(text: str) -> list[str]:
    from taxi_assets.training.search_spaces import MODEL_NAMES

    if text == "all":
        return list(MODEL_NAMES)
    chosen = []
    for part in text.split(","):
        name = part.strip()
        match = [known for known in MODEL_NAMES if name.lower() in _names_of(known)]
        if not match:
            raise SettingError(f"--models {name!r} is unknown: it is all, or some of {', '.join(MODEL_NAMES)}.")
        chosen += match
    return [name for name in MODEL_NAMES if name in chosen]


def _names_of(model: str) -> set[str]:
    """What a model may be called on the command line: in full, or shorter."""
    return {name.lower() for name in (model, model.rpartition(".")[2], model.removesuffix("_model"))}


def _print_summary(summary: "Summary", select_on: SelectOn) -> None:
    kind = "synthetic trips" if summary.synthetic else f"trips from {summary.source}"
    stdout.print(f"\n{kind}, {', '.join(summary.months)}", style="bold", highlight=False, soft_wrap=True)
    shapes = Table("matrix", "rows", "columns")
    for name, shape in summary.shapes.items():
        if shape is not None:
            shapes.add_row(name, f"{shape[0]:,}", f"{shape[1]:,}")
    if shapes.row_count:
        stdout.print(shapes)
    if summary.models:
        best = summary.best
        table = Table("model", "RMSE (min)", "MAE (min)", "seconds")
        for model in sorted(summary.models, key=lambda model: model.rmse):
            style = "bold green" if model is best else None
            row = (model.name, f"{model.rmse:.3f}", f"{model.mae:.3f}", f"{model.seconds:.1f}")
            table.add_row(*row, style=style)
        stdout.print(table)
        if select_on is SelectOn.validation:
            stdout.print(
                "Tuned on the validation rows that it is judged on (--select-on validation): too good to be true."
            )
    if summary.champion is not None:
        stdout.print(
            f"[bold]Champion:[/bold] {escape(summary.champion.reason)}",
            highlight=False,
            soft_wrap=True,
        )
    warned = [failure for failure in summary.check_failures if failure.severity == "WARN"]
    failed = len(summary.check_failures) - len(warned)
    stdout.print(f"Checks: {summary.checks_passed} passed, {len(warned)} warned, {failed} failed", highlight=False)
    for failure in warned:
        stdout.print(f"  [yellow]warning[/yellow] {escape(failure.sentence())}", highlight=False, soft_wrap=True)
    stdout.print(f"{summary.seconds:.0f} s in all", highlight=False)


def main() -> NoReturn:
    """Run the command; an error that a user can mend is one line, and exit code 1."""
    try:
        app()
    except TaxiError as error:
        if "--verbose" in sys.argv:
            raise
        stderr.print(f"[red]error:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(1)
    sys.exit(0)
