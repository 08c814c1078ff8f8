"""It runs by itself, with Dagster's own daemon: months appear, processes are killed, files break, alerts arrive."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from taxi_assets.defs.vanished_runs import PROCESS_TAG
from taxi_assets_tests.defs.running import copy_home
from taxi_assets_tests.e2e.conftest import digests, statuses
from taxi_assets_tests.e2e.daemon import Deployment, cut_off, drop
from taxi_assets_tests.receivers import Mailbox, Webhook, mail_server, webhook_server

pytestmark = pytest.mark.slow

NEW, BROKEN = "2024-03", "2024-04"
POINTS = ("while_a_month_is_fetched", "before_the_champion_is_named")
"""Where run processes kill themselves. The daemon with all its processes is killed by the test in between."""


@dataclass
class Story:
    """What happened, and what was seen."""

    deployment: Deployment
    webhook: Webhook
    mailbox: Mailbox
    marks: Path
    retrained: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)


def with_long_trips(path: Path) -> None:
    """Let most trips of a file last for hours."""
    trips = pl.read_parquet(path)
    late = pl.col("lpep_dropoff_datetime") + pl.duration(hours=3 * (pl.int_range(pl.len()) % 4 > 0))
    trips.with_columns(late.alias("lpep_dropoff_datetime")).write_parquet(path)


def has_a_model_in_training(instance: dg.DagsterInstance) -> bool:
    """Whether a class is being trained and no run is just starting, which nothing but a time-out finds dead."""
    starting = instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING]))
    started = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    trained = [run for run in started if "linear" in run.tags.get("dagster/partition", "")]
    return not starting and bool(trained) and all(PROCESS_TAG in run.tags for run in started)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Two months were trained on. A third appears, while processes are killed; then one that is cut off."""
    folder = tmp_path_factory.mktemp("daemon")
    source, marks = folder / "source", folder / "marks"
    source.mkdir()
    marks.mkdir()
    for month in ("2024-01", "2024-02"):
        drop(source, month)
    with webhook_server() as webhook, mail_server() as mailbox:
        webhook.answers = [500]
        settings = {
            "TAXI_ALERT_URLS": f"{webhook.url} {mailbox.url('team@example.com')}",
            "TAXI_UI_URL": "https://dagster.example.com",
        }
        deployment = Deployment(folder / "home", source, **settings)
        story = Story(deployment, webhook, mailbox, marks)
        first = deployment.taxi("run")
        assert first.returncode == 0, first.stderr
        undisturbed = Deployment(copy_home(deployment.home, folder / "undisturbed"), source)
        deadly = {"KILL_AT": " ".join(POINTS), "KILL_MARKS": str(marks)}
        try:
            deployment.start(**deadly)
            drop(source, NEW)
            deployment.wait_until(has_a_model_in_training, "the training of a class")
            deployment.kill()
            deployment.start(**deadly)
            deployment.wait_until(lambda _: (marks / POINTS[-1]).exists(), "the promotion")
            deployment.wait_until_retrained(NEW)
            story.retrained = digests(deployment.home)
            drop(source, BROKEN, cut_off)
            deployment.wait_until_skipped("new_trip_data", f"{BROKEN} failed, and would fail again")
            drop(source, BROKEN, with_long_trips)
            deployment.wait_until(lambda _: bool(alerts_of(story, "share_kept")), "the alert of a check")
            deployment.wait_until_skipped("new_trip_data", "No new month among the 4 of the source")
            deployment.wait_until_skipped("retraining", "")
            story.after = digests(deployment.home)
        finally:
            deployment.stop()
        again = undisturbed.taxi("run", "--months", f"2024-02:{NEW}")
        assert again.returncode == 0, again.stderr
        story.expected = digests(undisturbed.home)
        yield story


def alerts_of(story: Story, text: str) -> list[dict[str, Any]]:
    """What the webhook took that has a text in it."""
    return [posted for posted in story.webhook.taken if text in json.dumps(posted)]


def times_made(story: Story, asset: str, month: str) -> int:
    """How often a month was materialised."""
    with story.deployment.opened() as instance:
        partitions = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[f"{month}-01"])
        return len(instance.fetch_materializations(partitions, limit=10).records)


def test_all_is_retrained_on_a_month_that_appears_whatever_is_killed(story: Story) -> None:
    assert sorted(mark.name for mark in story.marks.iterdir()) == sorted(POINTS)
    assert story.retrained == story.expected
    assert "RUNNING" not in statuses(story.deployment.home)
    shown = json.loads(story.deployment.taxi("champion", "show", "--json").stdout)
    assert f"2024-02, {NEW}" in {version["months"] for version in shown.values() if version}


@pytest.mark.parametrize("asset", ["raw_trips", "clean_trips"])
def test_each_month_is_ingested_once(story: Story, asset: str) -> None:
    assert [times_made(story, asset, month) for month in ("2024-01", "2024-02", NEW)] == [1, 1, 1]


def test_each_failed_run_is_told_of_on_each_channel(story: Story) -> None:
    with story.deployment.opened() as instance:
        failed = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
    blocked = [run for run in failed if alerts_of(story, f"check:{run.run_id}")]
    expected = {f"run:{run.run_id}" for run in failed if run not in blocked}
    assert len(expected) >= 4, "killed: a fetch, a training or two, a promotion; and a broken file"
    assert len(blocked) == 1
    mailed = [mail.get_content().rpartition("event: ")[2].strip() for mail in story.mailbox.mails]
    for told in (story.webhook.events(), mailed):
        assert expected == {event for event in told if event.startswith("run:")}
    (refused, *_) = story.webhook.refused
    assert refused["message"].rpartition("event: ")[2] in story.webhook.events()


def test_a_file_that_is_cut_off_gives_one_alert_and_changes_nothing(story: Story) -> None:
    (alert,) = alerts_of(story, "is not a whole parquet file")
    (run,) = (run for run in story.deployment.runs() if run.run_id in alert["message"])
    assert alert["title"] == f"ERROR: run failed: raw_trips {BROKEN}-01"
    for line in ("step: raw_trips", "asset: raw_trips", f"partition: {BROKEN}-01", f"run: {run.run_id}"):
        assert line in alert["message"].splitlines()
    assert f"link: https://dagster.example.com/runs/{run.run_id}" in alert["message"]


def test_a_month_of_which_a_blocking_check_failed_gives_one_alert_and_goes_no_further(story: Story) -> None:
    (alert,) = alerts_of(story, "share_kept")
    assert alert["title"] == f"ERROR: check share_kept failed on clean_trips {BROKEN}-01"
    for line in ("blocking: yes: nothing downstream ran", 'expected: {"blocks_below":0.5,"share_kept_at_least":0.8}'):
        assert line in alert["message"].splitlines()
    assert "actual: {" in alert["message"]
    changed = {name for name in story.after if story.after[name] != story.retrained.get(name)}
    assert {tuple(name.split("/")[:2]) for name in changed if not name.startswith(".locks")} == {
        ("raw_trips", BROKEN),
        ("clean_trips", BROKEN),
    }
