"""Alerts until they are sent, and how far those who look for events have looked: one SQLite file."""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from filelock import FileLock

from taxi_assets.alerting.alert import Alert
from taxi_assets.errors import SettingError

SECONDS_TO_WAIT = 30
"""For another process that writes: it does so for milliseconds."""

TABLES = """
CREATE TABLE IF NOT EXISTS alerts (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE,
    alert TEXT NOT NULL,
    seen_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    channel TEXT NOT NULL,
    number INTEGER NOT NULL REFERENCES alerts ON DELETE CASCADE,
    sent_at REAL,
    failures INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (channel, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS waiting ON deliveries (channel, failures, number) WHERE sent_at IS NULL;
CREATE INDEX IF NOT EXISTS of_alert ON deliveries (number);
CREATE TABLE IF NOT EXISTS channels (
    channel TEXT PRIMARY KEY,
    failures_in_a_row INTEGER NOT NULL,
    due_at REAL NOT NULL,
    reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
# The times are seconds since 1970.


@dataclass(frozen=True)
class Waiting:
    """An alert that a channel is to get.

    Attributes:
        channel: its name.
        number: the alerts' order.
        alert: what to send.
        failures: how often that failed.
        failures_in_a_row: of the channel, whatever the alert, since it last took one.
    """

    channel: str
    number: int
    alert: Alert
    failures: int
    failures_in_a_row: int


@dataclass(frozen=True)
class Backlog:
    """What a channel has yet to get.

    Attributes:
        waiting: alerts that are not sent.
        failing: those among them that the channel did not take when they were tried.
        reason: why the channel did not take the last one that was tried; nothing if it took it.
    """

    waiting: int
    failing: int
    reason: str | None


class Outbox:
    """Several processes may use one file at once. Every call is one transaction, or one look.

    Args:
        path: the file, on a disk of this machine; it and its folder are made where they are missing.

    Raises:
        SettingError: the file is damaged, or its folder cannot be written. Every method raises it too.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Two processes that change the mode of one new file at once can fail over it.
            with FileLock(self._beside("tables")), self._look() as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(TABLES)
        except OSError as error:
            raise SettingError(f"TAXI_HOME: {path} cannot be used: {error.strerror or error}.") from error

    def add(self, alerts: Iterable[Alert], channels: Sequence[str], notes: Mapping[str, str] | None = None) -> int:
        """Store the alerts whose event is not known yet, for each channel, and the notes: all of it or nothing.

        Returns:
            How many alerts were new.
        """
        # Events are read before: nobody waits for it, and it may take long.
        found = list(alerts)
        now = time.time()
        new = 0
        with self._transaction() as connection:
            for alert in found:
                known = connection.execute(
                    "UPDATE alerts SET seen_at = ? WHERE event_id = ?", (now, alert.event_id)
                ).rowcount
                if not known:
                    number = connection.execute(
                        "INSERT INTO alerts (event_id, alert, seen_at) VALUES (?, ?, ?)",
                        (alert.event_id, _to_json(alert), now),
                    ).lastrowid
                    connection.executemany(
                        "INSERT INTO deliveries (channel, number) VALUES (?, ?)",
                        [(channel, number) for channel in channels],
                    )
                    new += 1
            connection.executemany("REPLACE INTO notes VALUES (?, ?)", (notes or {}).items())
        return new

    def note(self, name: str) -> str | None:
        """What was last noted under a name."""
        return self.notes(name).get(name)

    def notes(self, prefix: str) -> dict[str, str]:
        """What was last noted under each name that begins so."""
        with self._look() as connection:
            rows = connection.execute(
                "SELECT name, value FROM notes WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name", (prefix,)
            )
            return dict(rows.fetchall())

    def next_due(self, channel: str, now: datetime) -> Waiting | None:
        """The alert to send to a channel next; nothing where all are sent or have to wait.

        Alerts that were not tried yet come first, in order: one that is refused again and again stops no others.
        """
        with self._look() as connection:
            row = connection.execute(
                """
                SELECT number, alert, failures, coalesce(failures_in_a_row, 0)
                FROM deliveries JOIN alerts USING (number) LEFT JOIN channels USING (channel)
                WHERE channel = ?1 AND sent_at IS NULL
                    AND deliveries.due_at <= ?2 AND coalesce(channels.due_at, 0) <= ?2
                ORDER BY failures, number LIMIT 1
                """,
                (channel, now.timestamp()),
            ).fetchone()
        if row is None:
            return None
        number, text, failures, in_a_row = row
        return Waiting(channel, number, _from_json(text), failures, in_a_row)

    def mark_sent(self, waiting: Waiting, now: datetime) -> None:
        """Note that a channel took an alert. What it did not take while it was down is due again."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE deliveries SET sent_at = ? WHERE channel = ? AND number = ?",
                (now.timestamp(), waiting.channel, waiting.number),
            )
            connection.execute(
                """
                UPDATE deliveries SET due_at = 0 WHERE channel = ?1 AND sent_at IS NULL
                    AND EXISTS (SELECT 1 FROM channels WHERE channel = ?1 AND due_at > 0)
                """,
                (waiting.channel,),
            )
            connection.execute("DELETE FROM channels WHERE channel = ?", (waiting.channel,))

    def mark_failed(self, waiting: Waiting, reason: str, due: datetime, channel_due: datetime | None) -> None:
        """Note that a channel did not take an alert.

        Args:
            waiting: the alert.
            reason: why, without secrets.
            due: when to try this alert again.
            channel_due: when to try the channel again; nothing for at once.
        """
        with self._transaction() as connection:
            connection.execute(
                "UPDATE deliveries SET failures = failures + 1, due_at = ? WHERE channel = ? AND number = ?",
                (due.timestamp(), waiting.channel, waiting.number),
            )
            connection.execute(
                """
                INSERT INTO channels VALUES (?1, 1, ?2, ?3) ON CONFLICT (channel)
                DO UPDATE SET failures_in_a_row = failures_in_a_row + 1, due_at = ?2, reason = ?3
                """,
                (waiting.channel, channel_due.timestamp() if channel_due else 0, reason),
            )

    def backlog(self) -> dict[str, Backlog]:
        """What each channel has yet to get, by its name; without those that have all."""
        with self._look() as connection:
            rows = connection.execute(
                """
                SELECT channel, count(*), sum(failures > 0), reason
                FROM deliveries LEFT JOIN channels USING (channel) WHERE sent_at IS NULL GROUP BY channel
                """
            ).fetchall()
        return {channel: Backlog(*counts) for channel, *counts in rows}

    def hand_over(self, channels: Sequence[str]) -> int:
        """Give what waits for other channels to those of these that are newer; where none is, give it up.

        An address that was mended is another channel. A channel that was there before had the same alerts itself.

        Args:
            channels: all that there are. Where there is none, everything goes on waiting.

        Returns:
            How many deliveries were given up.
        """
        if not channels:
            return 0
        others = f"channel NOT IN ({', '.join('?' * len(channels))})"
        with self._transaction() as connection:
            waiting = [
                number
                for (number,) in connection.execute(
                    f"SELECT number FROM deliveries WHERE sent_at IS NULL AND {others}",  # noqa: S608  # question marks
                    channels,
                )
            ]
            taken_over: set[int] = set()
            for channel in channels:
                (first,) = connection.execute(
                    "SELECT min(number) FROM deliveries WHERE channel = ?", (channel,)
                ).fetchone()
                older = {number for number in waiting if first is None or number < first}
                connection.executemany(
                    "INSERT INTO deliveries (channel, number) VALUES (?, ?)", [(channel, number) for number in older]
                )
                taken_over |= older
            connection.execute(f"DELETE FROM channels WHERE {others}", channels)  # noqa: S608
            connection.execute(f"DELETE FROM deliveries WHERE sent_at IS NULL AND {others}", channels)  # noqa: S608
        return sum(number not in taken_over for number in waiting)

    def forget(self, before: datetime) -> int:
        """Forget the events that were last seen before a time, and whose alerts are delivered.

        An event that is seen again after that alerts again.

        Returns:
            How many those were.
        """
        with self._transaction() as connection:
            return connection.execute(
                """
                DELETE FROM alerts WHERE seen_at < ? AND NOT EXISTS (
                    SELECT 1 FROM deliveries WHERE deliveries.number = alerts.number AND sent_at IS NULL
                )
                """,
                (before.timestamp(),),
            ).rowcount

    def delivery_lock(self, channel: str) -> FileLock:
        """Who holds it delivers to a channel; others do not wait for it.

        The kernel frees it when its process ends, however that ends.
        """
        return FileLock(self._beside(sha256(channel.encode()).hexdigest()[:16]), timeout=0)

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """While the file is open, other calls do not tidy it up each time, which takes longer than they do."""
        with self._look() as connection:
            connection.execute("SELECT count(*) FROM channels").fetchone()
            yield

    def _beside(self, name: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{name}.lock")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._look() as connection:
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                yield connection

    @contextmanager
    def _look(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self._path, timeout=SECONDS_TO_WAIT, isolation_level=None)
            try:
                connection.execute("PRAGMA foreign_keys = ON")
                yield connection
            finally:
                connection.close()
        except sqlite3.OperationalError as error:
            raise SettingError(f"TAXI_HOME: {self._path} cannot be used: {error}.") from error
        except sqlite3.DatabaseError as error:
            raise SettingError(
                f"TAXI_HOME: {self._path} is damaged ({error}): move it away to begin anew. "
                "Alerts that were not sent are in it."
            ) from error


def _to_json(alert: Alert) -> str:
    stored = {**vars(alert), "details": dict(alert.details), "at": alert.at and alert.at.isoformat()}
    return json.dumps(stored)


def _from_json(text: str) -> Alert:
    stored = json.loads(text)
    at = stored.pop("at")
    return Alert(**stored, at=datetime.fromisoformat(at) if at else None)
