"""The same on PostgreSQL: `taxi run`, the daemon, a backfill, the automation, and the alerts of their runs."""

from pathlib import Path

import dagster as dg
import pytest
import yaml

from taxi_assets.defs.made_of import CLEAN_TRIPS, TRAINING_SET
from taxi_assets.settings import PROJECT_ROOT
from taxi_assets_tests.e2e.conftest import run_command
from taxi_assets_tests.e2e.daemon import Deployment, cut_off, drop
from taxi_assets_tests.postgres_server import PostgresServer
from taxi_assets_tests.receivers import webhook_server

pytestmark = pytest.mark.slow


def describe_instance(folder: Path, postgres_url: str) -> Path:
    """A folder with our dagster.yaml, but for the storage."""
    folder.mkdir()
    described = yaml.safe_load((PROJECT_ROOT / "dagster.yaml").read_text())
    described["storage"] = {"postgres": {"postgres_url": postgres_url}}
    (folder / "dagster.yaml").write_text(yaml.safe_dump(described))
    return folder


def is_trained_on(instance: dg.DagsterInstance, month: str) -> bool:
    """Whether the training set is made of a month."""
    event = instance.get_latest_materialization_event(TRAINING_SET)
    if event is None or event.asset_materialization is None:
        return False
    return month in str(event.asset_materialization.metadata["months"].value)


def test_runs_of_every_kind_are_seen_and_told_of(
    tmp_path: Path, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAXI_HOME", str(tmp_path / "home"))
    dagster_home = describe_instance(tmp_path / "dagster", postgres_server.new_database())
    source = tmp_path / "source"
    source.mkdir()
    for month in ("2023-12", "2024-02"):
        drop(source, month)
    drop(source, "2024-03", cut_off)
    with webhook_server() as webhook:
        settings = {"DAGSTER_HOME": str(dagster_home), "TAXI_ALERT_URLS": webhook.url}
        deployment = Deployment(tmp_path / "home", source, **settings)
        failed = deployment.taxi("run")
        assert "2024-03" in failed.stderr
        assert failed.returncode == 1
        deployment.start("-w", "workspace.yaml")
        try:
            deployment.wait_until(lambda _: len(webhook.taken) >= 2, "the alerts of `taxi run` and of the sensor's run")
            drop(source, "2024-03")
            backfill = ("dagster", "job", "backfill", "-w", "workspace.yaml", "--job", "ingest_months", "--noprompt")
            asked = run_command(*backfill, "--from", "2023-12-01", "--to", "2023-12-01", **deployment.settings)
            assert asked.returncode == 0, asked.stderr
            deployment.wait_until(
                lambda instance: "2023-12-01" in instance.get_materialized_partitions(CLEAN_TRIPS), "the backfill"
            )
            deployment.wait_until(lambda instance: is_trained_on(instance, "2024-03"), "a run of the automation")
        finally:
            deployment.stop()
    starters = sorted(line for post in webhook.taken for line in post["message"].splitlines() if "started by" in line)
    assert starters == ["started by: sensor new_trip_data", "started by: taxi run"]
    assert all(post["title"] == "ERROR: run failed: raw_trips 2024-03-01" for post in webhook.taken)
