"""It runs by itself, with Dagster's own daemon: a month appears, processes are killed, files are broken, alerts arrive."""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from taxi_assets.defs.vanished_runs import PROCESS_TAG, VANISHED_TAG
from taxi_assets.trips.sample import write_sample_month
from taxi_assets_tests.conftest import ROWS
from taxi_assets_tests.defs.running import copy_home
from taxi_assets_tests.e2e.conftest import digests, run_command, statuses
from taxi_assets_tests.e2e.daemon import Deployment
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
    before: dict[str, str] = field(default_factory=dict)
    retrained: dict[str, str] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)


def drop(source: Path, month: str, bytes_kept: int | None = None) -> None:
    """Let a month's file appear in a folder, as a copy does: at once, or cut off."""
    path = source / f"green_tripdata_{month}.parquet"
    draft = path.with_suffix(".draft")
    write_sample_month(draft, "green", month, ROWS, seed=1)
    if bytes_kept is not None:
        draft.write_bytes(draft.read_bytes()[:bytes_kept])
    draft.replace(path)


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
    with webhook_server() as webhook, mail_server() as mailbox, pytest.MonkeyPatch.context():
        webhook.answers = [500]
        deployment = Deployment(
            folder / "home",
            source,
            TAXI_ALERT_URLS=f"{webhook.url} {mailbox.url('team@example.com')}",
            TAXI_UI_URL="https://dagster.example.com",
        )
        story = Story(deployment, webhook, mailbox, marks)
        first = deployment.taxi("run")
        assert first.returncode == 0, first.stderr
        story.before = digests(deployment.home)
        undisturbed = Deployment(copy_home(deployment.home, folder / "undisturbed"), source)
        try:
            deployment.start(KILL_AT=" ".join(POINTS), KILL_MARKS=str(marks))
            drop(source, NEW)
            deployment.wait_until(has_a_model_in_training, "the training of a class")
            deployment.kill()
            deployment.start(KILL_AT=" ".join(POINTS), KILL_MARKS=str(marks))
            deployment.wait_until(lambda _: (marks / POINTS[-1]).exists(), "the promotion")
            deployment.wait_until_retrained()
            story.retrained = digests(deployment.home)
            drop(source, BROKEN, 10_000)
            deployment.wait_until(lambda _: alerts_of(story, BROKEN) and alerts_of(story, BROKEN), "an alert")
            time.sleep(10)
        finally:
            deployment.stop()
        again = undisturbed.taxi("run", "--months", f"2024-02:{NEW}")
        assert again.returncode == 0, again.stderr
        story.expected = digests(undisturbed.home)
        yield story


def alerts_of(story: Story, text: str) -> list[dict[str, Any]]:
    """What the webhook took that has a text in it."""
    return [posted for posted in story.webhook.taken if text in json.dumps(posted)]


def test_the_champion_is_retrained_on_a_month_that_appears_whatever_is_killed(story: Story) -> None:
    assert sorted(mark.name for mark in story.marks.iterdir()) == sorted(POINTS)
    assert story.retrained == story.expected
    assert "RUNNING" not in statuses(story.deployment.home)
    shown = json.loads(story.deployment.taxi("champion", "show", "--json").stdout)
    assert shown["champion"]["months"] == f"2024-02, {NEW}"
