"""Real places that alerts go to, and an outbox."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from taxi_assets.alerting.outbox import Outbox
from taxi_assets_tests.receivers import Mailbox, Webhook, mail_server, webhook_server


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with webhook_server() as webhook:
        yield webhook


@pytest.fixture
def second_webhook() -> Iterator[Webhook]:
    with webhook_server() as webhook:
        yield webhook


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as mailbox:
        yield mailbox


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "alerts" / "outbox.db")
