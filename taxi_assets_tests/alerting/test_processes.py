"""Real processes that deliver: killed, and at once."""

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from taxi_assets.alerting.channels import open_channels
from taxi_assets.alerting.outbox import Outbox
from taxi_assets_tests.alerting.events import filled
from taxi_assets_tests.receivers import Webhook


@pytest.fixture
def command(tmp_path: Path, webhook: Webhook) -> list[str]:
    return [
        sys.executable,
        "-m",
        "taxi_assets_tests.alerting.deliver",
        str(tmp_path / "alerts" / "outbox.db"),
        webhook.url,
    ]


@pytest.fixture
def ids(outbox: Outbox, webhook: Webhook) -> list[str]:
    return filled(outbox, [channel.name for channel in open_channels(webhook.url)], 60)


@pytest.mark.parametrize(("point", "repeated"), [("after", 1), ("before", 0)])
def test_killed_only_what_was_sent_and_not_noted_is_sent_again(
    command: list[str], ids: list[str], outbox: Outbox, webhook: Webhook, point: str, repeated: int
) -> None:
    killed = subprocess.run([*command, point, ids[20]])
    assert killed.returncode == -signal.SIGKILL
    assert webhook.events() == ids[: 20 + repeated]

    subprocess.run(command, check=True)

    assert Counter(webhook.events()) == Counter(ids) + Counter(ids[20 : 20 + repeated])
    assert outbox.backlog() == {}


def test_two_processes_at_once_send_nothing_twice(
    command: list[str], ids: list[str], outbox: Outbox, webhook: Webhook
) -> None:
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert webhook.events() == ids
    assert outbox.backlog() == {}


def test_a_process_goes_on_where_another_is_killed(
    command: list[str], ids: list[str], outbox: Outbox, webhook: Webhook
) -> None:
    killed = subprocess.Popen([*command, "before", ids[30]])
    other = subprocess.Popen(command)
    assert other.wait() == 0
    assert killed.wait() in (-signal.SIGKILL, 0)
    assert webhook.events() == ids
