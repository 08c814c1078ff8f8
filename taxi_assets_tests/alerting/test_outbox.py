"""The outbox loses nothing, doubles nothing, and says what is wrong with its file."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from taxi_assets.alerting.alert import Alert
from taxi_assets.alerting.outbox import Backlog, Outbox
from taxi_assets.errors import SettingError
from taxi_assets_tests.alerting.events import NOON, event_ids, failed_check, filled


def sent(outbox: Outbox, channel: str) -> list[str]:
    """Sends what is due, and gives the ids."""
    ids = []
    while (waiting := outbox.next_due(channel, NOON)) is not None:
        ids.append(waiting.alert.event_id)
        outbox.mark_sent(waiting, NOON)
    return ids


def test_every_channel_gets_every_alert_in_order(outbox: Outbox) -> None:
    ids = filled(outbox, ["a", "b"], 5)
    assert outbox.backlog() == {"a": Backlog(5, 0, None), "b": Backlog(5, 0, None)}
    assert sent(outbox, "a") == sent(outbox, "b") == ids
    assert outbox.backlog() == {}


def test_an_alert_comes_out_as_it_went_in(outbox: Outbox) -> None:
    alerts = [failed_check(), Alert("e/2", "WARN", "t\n\U0001f695", {"b": "\ud800", "a": "2"})]
    outbox.add(alerts, ["a"])
    for alert in alerts:
        waiting = outbox.next_due("a", NOON)
        assert waiting is not None
        assert waiting.alert == alert
        assert list(waiting.alert.details) == list(alert.details)
        outbox.mark_sent(waiting, NOON)


def test_an_event_that_is_known_is_not_added_again(outbox: Outbox) -> None:
    ids = filled(outbox, ["a"], 3)
    alerts = [failed_check(event_id) for event_id in [*ids, "another", "another"]]
    assert outbox.add(alerts, ["a"]) == 1
    assert sent(outbox, "a") == [*ids, "another"]
    assert outbox.add(alerts, ["a"]) == 0
    assert outbox.backlog() == {}


def test_notes_are_kept(outbox: Outbox, tmp_path: Path) -> None:
    assert outbox.note("runs") is None
    outbox.add([], [], {"runs": "1", "tick:a": "2", "tick:b": "3", "ti": "4"})
    outbox.add([], [], {"runs": "5"})
    again = Outbox(tmp_path / "alerts" / "outbox.db")
    assert again.note("runs") == "5"
    assert again.notes("tick:") == {"tick:a": "2", "tick:b": "3"}


def test_looking_for_events_may_fail_and_nothing_is_stored(outbox: Outbox) -> None:
    def events() -> Iterator[Alert]:
        yield failed_check()
        raise ConnectionError("the database is gone")

    with pytest.raises(ConnectionError, match="the database is gone"):
        outbox.add(events(), ["a"], {"cursor": "1"})
    assert (outbox.backlog(), outbox.note("cursor")) == ({}, None)


@pytest.mark.parametrize("point", ["in an alert", "in the notes"])
def test_killed_while_it_adds_neither_alerts_nor_notes_are_stored(outbox: Outbox, tmp_path: Path, point: str) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from taxi_assets.alerting.alert import Alert
from taxi_assets.alerting.outbox import Outbox

class Deadly(dict):
    def __iter__(self):
        os.kill(os.getpid(), signal.SIGKILL)
    keys = items = __iter__

path, point = Path(sys.argv[1]), sys.argv[2]
details = [{}, Deadly(a="b") if point == "in an alert" else {}]
alerts = [Alert(f"e/{number}", "WARN", "t", detail) for number, detail in enumerate(details)]
Outbox(path).add(alerts, ["a", "b"], Deadly(cursor="1") if point == "in the notes" else {"cursor": "1"})
"""
    path = tmp_path / "alerts" / "outbox.db"
    assert subprocess.run([sys.executable, "-c", program, path, point]).returncode == -signal.SIGKILL
    assert (outbox.backlog(), outbox.note("cursor")) == ({}, None)
    assert outbox.add([failed_check("e/0")], ["a"], {"cursor": "1"}) == 1


def test_processes_that_open_and_fill_a_new_file_at_once_do_no_harm(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from taxi_assets.alerting.alert import Alert
from taxi_assets.alerting.outbox import Outbox
sys.stdin.readline()
outbox = Outbox(Path(sys.argv[1]))
print(sum(outbox.add([Alert(f"e/{number}", "WARN", "t")], ["a"]) for number in range(50)))
"""
    path = tmp_path / "new" / "outbox.db"
    command = [sys.executable, "-c", program, str(path)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    with ThreadPoolExecutor() as threads:
        new = [int(answer[0]) for answer in threads.map(lambda process: process.communicate("go\n"), processes)]
    assert sum(new) == 50
    assert Outbox(path).backlog() == {"a": Backlog(50, 0, None)}


def test_what_waits_for_channels_that_are_gone_is_dropped(outbox: Outbox) -> None:
    ids = filled(outbox, ["a", "b", "c"], 3)
    assert outbox.hand_over(["a"]) == 6
    assert outbox.hand_over(["a"]) == 0
    assert sent(outbox, "a") == ids
    assert outbox.backlog() == {}


@pytest.mark.parametrize("already", [0, 1])
def test_a_channel_in_place_of_others_gets_each_alert_that_waited_for_them(outbox: Outbox, already: int) -> None:
    ids = filled(outbox, ["stays", "gone", "gone too"], 3)
    assert sent(outbox, "stays") == ids
    ids += filled(outbox, ["stays", "mended"], already, first=3)
    assert outbox.hand_over(["stays", "mended"]) == 0
    assert outbox.hand_over(["stays", "mended"]) == 0
    assert sent(outbox, "mended") == ids
    assert sent(outbox, "stays") == ids[3:]
    assert outbox.backlog() == {}


def test_without_any_channel_everything_goes_on_waiting(outbox: Outbox) -> None:
    ids = filled(outbox, ["a"], 3)
    assert outbox.hand_over([]) == 0
    assert sent(outbox, "a") == ids


def test_delivered_events_are_forgotten_when_they_were_not_seen_for_long(outbox: Outbox) -> None:
    ids = filled(outbox, ["a", "b"], 2)
    sent(outbox, "a")
    waiting = outbox.next_due("b", NOON)
    assert waiting is not None
    outbox.mark_sent(waiting, NOON)
    assert outbox.forget(datetime.now(UTC) - timedelta(days=30)) == 0
    assert outbox.forget(datetime.now(UTC) + timedelta(seconds=1)) == 1
    assert sent(outbox, "b") == ids[1:]
    assert outbox.add([failed_check(event_id) for event_id in ids], ["a"]) == 1


def test_an_event_that_is_seen_again_is_not_forgotten(outbox: Outbox) -> None:
    ids = filled(outbox, ["a"], 2)
    sent(outbox, "a")
    between = datetime.now(UTC)
    outbox.add([failed_check(ids[0])], ["a"])
    assert outbox.forget(between) == 1
    assert outbox.add([failed_check(event_id) for event_id in ids], ["a"]) == 1
    assert sent(outbox, "a") == ids[1:]


def test_order_outlives_forgetting(outbox: Outbox) -> None:
    filled(outbox, ["a"], 3)
    sent(outbox, "a")
    outbox.forget(datetime.now(UTC) + timedelta(seconds=1))
    assert filled(outbox, ["a"], 3) == sent(outbox, "a") == event_ids(3)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(SettingError, match=r"^TAXI_HOME: .*outbox\.db is damaged .*move it away"):
        Outbox(path)


def test_a_file_that_is_damaged_later_is_named(outbox: Outbox, tmp_path: Path) -> None:
    filled(outbox, ["a"], 200)
    path = tmp_path / "alerts" / "outbox.db"
    content = path.read_bytes()
    path.write_bytes(content[:4096] + os.urandom(len(content) - 4096))
    with pytest.raises(SettingError, match=r"^TAXI_HOME: .*outbox\.db is damaged "):
        sent(outbox, "a")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(SettingError, match=r"^TAXI_HOME: .*outbox\.db cannot be used: "):
        Outbox(tmp_path / "home" / "outbox.db")
