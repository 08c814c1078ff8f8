"""A real S3 server for the session, and what a store in a bucket of it is opened with: a plugin of pytest."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import s3fs

ACCESS_KEY = "taxi-access-key"
SECRET_KEY = "taxi-secret-key"
BUCKET = "taxi-tests"


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a SeaweedFS server with one bucket."""
    folder = tmp_path_factory.mktemp("seaweedfs")
    identity = {
        "name": "taxi",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    (folder / "data").mkdir()
    services = ("master", "volume", "filer", "s3")
    ports = free_ports(2 * len(services))
    options = [f"-{name}.port={port}" for name, port in zip(services, ports, strict=False)]
    options += [f"-{name}.port.grpc={port}" for name, port in zip(services, ports[len(services) :], strict=True)]
    endpoint = f"http://127.0.0.1:{ports[3]}"
    log_file = folder / "weed.log"
    with log_file.open("wb") as log:
        server = subprocess.Popen(
            [
                *[Path(sys.executable).with_name("weed"), "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-s3"],
                *[f"-s3.config={folder / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0"],
                *["-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.preStopSeconds=0", *options],
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for_bucket(endpoint, server, log_file)
        yield endpoint
    finally:
        # It takes 15 seconds to end by itself, and leaves its sockets behind. Nothing of it is needed any more.
        server.kill()
        server.wait()
        for port in ports:
            for path in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                path.unlink()


@pytest.fixture
def s3_options(s3_endpoint: str) -> dict[str, Any]:
    """What s3fs is called with to reach the server."""
    return {"endpoint_url": s3_endpoint, "key": ACCESS_KEY, "secret": SECRET_KEY}


@pytest.fixture
def server(s3_options: dict[str, Any]) -> s3fs.S3FileSystem:
    """The server, to look at and to change behind the store's back."""
    return s3fs.S3FileSystem(**s3_options, use_listings_cache=False)


@pytest.fixture
def s3_location(tmp_path: Path) -> str:
    """A prefix of the bucket for one test."""
    return f"s3://{BUCKET}/{tmp_path.parent.name}-{tmp_path.name}/assets"


def free_ports(number: int) -> list[int]:
    """Ports that nothing listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_for_bucket(endpoint: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Make the bucket and write to it: the server answers before its volumes are ready."""
    deadline = time.monotonic() + 60
    while True:
        try:
            s3 = s3fs.S3FileSystem(
                endpoint_url=endpoint,
                key=ACCESS_KEY,
                secret=SECRET_KEY,
                skip_instance_cache=True,
                config_kwargs={"retries": {"max_attempts": 0}},
            )
            if not s3.exists(BUCKET):
                s3.mkdir(BUCKET)
            s3.pipe_file(f"{BUCKET}/ready", b"yes")
        except Exception as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"weed does not answer:\n{log.read_text()[-3000:]}") from error
            time.sleep(0.3)
        else:
            return
