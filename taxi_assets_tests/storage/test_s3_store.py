"""A store on a real S3 server keeps the promises of every store, and reads through a local cache."""

import posixpath
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import s3fs

from taxi_assets.defs.resources import build_resources
from taxi_assets.defs.s3_storage import S3StorageResource
from taxi_assets.errors import SettingError, StoredError
from taxi_assets.storage import s3
from taxi_assets.storage.publish import Store, open_store
from taxi_assets.storage.s3 import S3Store
from taxi_assets_tests.s3_server import ACCESS_KEY, BUCKET, SECRET_KEY
from taxi_assets_tests.storage.promises import KEY, NEW, OLD, Opening, Snapshot, StorePromises, put, texts

FAIL_FAST = {"config_kwargs": {"retries": {"max_attempts": 0}, "connect_timeout": 5, "read_timeout": 5}}


@pytest.fixture
def opening(s3_location: str, s3_options: dict[str, Any], tmp_path: Path, downloads: list[str]) -> Opening:
    return s3_location, tmp_path / "scratch", s3_options


@pytest.fixture
def store(opening: Opening) -> Store:
    return open_store(*opening)


@pytest.fixture
def elsewhere(opening: Opening, tmp_path: Path) -> Store:
    """The same store as another machine sees it, with a cold cache."""
    return open_store(opening[0], tmp_path / "elsewhere", opening[2])


@pytest.fixture
def snapshot(server: s3fs.S3FileSystem, s3_location: str) -> Snapshot:
    root = s3_location.removeprefix("s3://")
    return lambda: {name.removeprefix(root): server.cat_file(name) for name in server.find(root)}


@pytest.fixture
def tamper(server: s3fs.S3FileSystem, s3_location: str, store: Store):
    def change(name: str, content: bytes | None) -> None:
        path = posixpath.normpath(f"{s3_location.removeprefix('s3://')}/{KEY}/{store.existing(KEY).folder}/{name}")
        if content is None:
            server.rm_file(path)
        else:
            server.pipe_file(path, content)

    return change


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nothing points to is swept at once, whatever the fraction of the second."""
    monkeypatch.setattr(s3, "UNPOINTED_GRACE", timedelta(hours=-1))


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The objects that were downloaded, in turn."""
    seen = []
    get_file = s3fs.S3FileSystem._get_file

    async def spy(self: s3fs.S3FileSystem, remote: str, *args: Any, **options: Any) -> None:
        seen.append(remote)
        await get_file(self, remote, *args, **options)

    monkeypatch.setattr(s3fs.S3FileSystem, "_get_file", spy)
    s3fs.S3FileSystem.clear_instance_cache()
    return seen


class TestS3Store(StorePromises):
    @pytest.fixture
    def drafts(self, tmp_path: Path) -> Snapshot:
        folder = tmp_path / "scratch" / "drafts"
        return lambda: {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    @pytest.fixture
    def leftovers(self) -> list[str]:
        return ["0123456789abcdef/a.txt", "0123456789abcdef/deep/b.txt"]

    @pytest.fixture(
        params=[
            "taxi_assets.storage.publish:describe_files",
            "taxi_assets.storage.s3:S3Store._remote_files",
            "taxi_assets.storage.s3:S3Store._fill_cache",
            "taxi_assets.storage.s3:replace_text",
            "taxi_assets.storage.s3:S3Store._sweep",
        ]
    )
    def killed_in(self, request: pytest.FixtureRequest) -> str:
        return request.param


def test_the_second_read_downloads_nothing(store: Store, elsewhere: Store, downloads: list[str]) -> None:
    put(store, OLD)
    assert elsewhere.read(KEY, texts) == OLD
    assert len(downloads) == len(OLD)

    assert elsewhere.read(KEY, texts) == OLD
    assert elsewhere.read_verified(KEY, texts) == OLD

    assert len(downloads) == len(OLD)


def test_the_writer_reads_what_it_wrote_without_a_download(store: Store, downloads: list[str]) -> None:
    put(store, OLD)

    assert store.read_verified(KEY, texts) == OLD
    assert downloads == []


def test_a_new_version_is_downloaded_and_takes_the_old_ones_place_in_the_cache(
    store: Store, elsewhere: Store, tmp_path: Path
) -> None:
    put(store, OLD)
    elsewhere.read(KEY, texts)
    put(store, NEW)

    assert elsewhere.read_verified(KEY, texts) == NEW
    cached = [path.read_text() for path in (tmp_path / "elsewhere").rglob("*.txt")]
    assert sorted(cached) == sorted(NEW.values())


def test_a_stale_draft_of_a_killed_writer_is_no_part_of_the_next_version(store: Store, tmp_path: Path) -> None:
    draft = tmp_path / "scratch" / "drafts" / KEY
    draft.mkdir(parents=True)
    (draft / "stale.txt").write_text("half of")

    put(store, OLD)

    assert store.read_verified(KEY, texts) == OLD
    assert not draft.exists()


def test_files_can_be_memory_mapped_and_stay_readable_when_they_are_replaced(store: Store, elsewhere: Store) -> None:
    with store.draft(KEY) as draft:
        np.save(draft.folder / "X.npy", np.arange(1000))

    X = elsewhere.read(KEY, lambda folder, _version: np.load(folder / "X.npy", mmap_mode="r"))
    put(store, NEW)
    elsewhere.read(KEY, texts)

    assert isinstance(X, np.memmap)
    assert X.sum() == 499_500


def test_a_cache_that_was_emptied_by_half_is_filled_again(store: Store, tmp_path: Path) -> None:
    version = put(store, OLD)
    shutil.rmtree(tmp_path / "scratch" / "cache" / KEY / version.folder)

    assert store.read_verified(KEY, texts) == OLD


def test_a_reader_killed_while_it_clears_the_cache_does_not_hinder_the_next(
    store: Store, tamper: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = put(store, OLD)
    rmtree = shutil.rmtree
    cached = tmp_path / "scratch" / "cache" / KEY / version.folder

    def killed_halfway(path: Path, *args: Any, **options: Any) -> None:
        if path == cached:
            (cached / "a.txt").unlink()
            raise SystemExit
        rmtree(path, *args, **options)

    tamper("a.txt", b"0ld a")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed_halfway)
        with pytest.raises(SystemExit):
            store.read(KEY, texts)
    tamper("a.txt", b"old a")

    assert store.read_verified(KEY, texts) == OLD


def test_two_readers_of_a_cold_cache_download_it_once(
    store: Store, opening: Opening, tmp_path: Path, downloads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, OLD)
    first, second = (open_store(opening[0], tmp_path / "elsewhere", opening[2]) for _ in range(2))
    assert isinstance(first, S3Store)
    assert isinstance(second, S3Store)
    first_downloads, second_found_nothing = threading.Event(), threading.Event()
    cached_etags = second._cached_etags

    def look(folder: Path) -> dict[str, str] | None:
        etags = cached_etags(folder)
        second_found_nothing.set()
        return etags

    def wait_for_the_second(key: str, version: Any, files: Path, *rest: Any) -> None:
        first_downloads.set()
        assert second_found_nothing.wait(30)
        fill_cache(key, version, files, *rest)

    fill_cache = first._fill_cache
    monkeypatch.setattr(second, "_cached_etags", look)
    monkeypatch.setattr(first, "_fill_cache", wait_for_the_second)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(first.read, KEY, texts)
        assert first_downloads.wait(30)
        two = pool.submit(second.read, KEY, texts)
        assert one.result() == OLD
        assert two.result() == OLD
    assert len(downloads) == len(OLD)


def test_an_object_changed_on_the_server_is_noticed_though_it_was_cached(store: Store, tamper: Any) -> None:
    put(store, OLD)
    assert store.read_verified(KEY, texts) == OLD
    tamper("a.txt", b"0ld a")

    with pytest.raises(StoredError, match=r"a\.txt has other content than was stored"):
        store.read_verified(KEY, texts)


def test_an_unpointed_version_younger_than_an_hour_stays(store: Store, snapshot: Snapshot) -> None:
    old = put(store, OLD)
    put(store, NEW)

    assert snapshot()[f"/{KEY}/{old.folder}/a.txt"] == b"old a"


def test_an_unpointed_version_older_than_the_grace_is_swept(store: Store, snapshot: Snapshot, no_grace: None) -> None:
    old = put(store, OLD)
    put(store, NEW)

    assert not [name for name in snapshot() if old.folder in name]


def test_a_sweep_leaves_other_keys_alone(store: Store, no_grace: None) -> None:
    put(store, OLD, "raw_trips/2024-02")
    put(store, OLD)
    put(store, NEW)

    assert store.read_verified("raw_trips/2024-02", texts) == OLD


def test_a_missing_bucket_is_named(s3_options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(StoredError, match=r"^s3://no-such-bucket/assets: there is no bucket 'no-such-bucket'"):
        open_store("s3://no-such-bucket/assets", tmp_path, s3_options)


@pytest.mark.parametrize("wrong", [{"key": "no-such-key"}, {"secret": "wrong"}])
def test_wrong_credentials_are_a_clear_line(opening: Opening, wrong: dict[str, str]) -> None:
    location, scratch, options = opening

    with pytest.raises(StoredError, match=r"credentials") as refusal:
        open_store(location, scratch, options | wrong)

    assert str(refusal.value).startswith(location)
    assert "\n" not in str(refusal.value)


def test_a_dead_endpoint_is_said_not_to_answer(tmp_path: Path) -> None:
    options = {"endpoint_url": "http://127.0.0.1:1", "key": ACCESS_KEY, "secret": SECRET_KEY, **FAIL_FAST}

    with pytest.raises(StoredError, match=r"^s3://taxi-tests/assets does not answer: .*127\.0\.0\.1:1.*ENDPOINT_URL"):
        open_store(f"s3://{BUCKET}/assets", tmp_path, options)


@pytest.fixture
def s3_settings(s3_endpoint: str, s3_location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "TAXI_STORAGE_URI": s3_location,
        "TAXI_S3_ENDPOINT_URL": s3_endpoint,
        "TAXI_S3_REGION": "us-east-1",
        "TAXI_HOME": str(tmp_path / "home"),
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    s3fs.S3FileSystem.clear_instance_cache()


def test_the_resource_opens_the_store_that_the_settings_name(
    s3_settings: None, server: s3fs.S3FileSystem, s3_location: str
) -> None:
    resource = build_resources()["storage"]
    assert isinstance(resource, S3StorageResource)

    store = resource.open()
    put(store, OLD)

    assert isinstance(store, S3Store)
    assert store.read_verified(KEY, texts) == OLD
    assert server.exists(f"{s3_location}/{KEY}/current.json")


def test_two_homes_share_a_bucket(s3_settings: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(build_resources()["storage"].open(), OLD)
    monkeypatch.setenv("TAXI_HOME", str(tmp_path / "other-home"))

    assert build_resources()["storage"].open().read_verified(KEY, texts) == OLD


def test_a_bucket_of_another_source_is_refused(
    s3_settings: None, s3_location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_resources()["storage"].open()
    monkeypatch.setenv("TAXI_HOME", str(tmp_path / "other-home"))
    monkeypatch.setenv("TAXI_TRIPS_URI", "tlc")

    with pytest.raises(SettingError, match=rf"^TAXI_STORAGE_URI={s3_location} holds "):
        build_resources()["storage"].open()


def test_the_resource_without_the_right_credentials_is_a_clear_line(
    s3_settings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    s3fs.S3FileSystem.clear_instance_cache()

    with pytest.raises(StoredError, match="credentials"):
        build_resources()["storage"].open()
