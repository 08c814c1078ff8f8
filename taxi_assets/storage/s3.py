"""A store below an `s3://` prefix, read through a local cache so that files can be memory-mapped."""

import json
import shutil
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import s3fs
from botocore.exceptions import BotoCoreError
from typing_extensions import override

from taxi_assets.errors import StoredError, StoreUnavailableError
from taxi_assets.storage.publish import POINTER, Store, file_lock, replace_text
from taxi_assets.storage.versions import Version, differences

UNPOINTED_GRACE = timedelta(hours=1)
"""How long a version that nothing points to stays: a writer on another machine may be about to point to it."""

ETAGS = "etags.json"


class S3Store(Store):
    """A store in a bucket. `scratch` is a local folder for drafts, locks and the cache."""

    def __init__(self, location: str, scratch: Path, options: dict[str, Any]) -> None:
        self.root = location.removeprefix("s3://").strip("/")
        self.scratch = scratch
        self._s3 = s3fs.S3FileSystem(**options, use_listings_cache=False)
        bucket = self.root.split("/")[0]
        try:
            self._s3.call_s3("head_bucket", Bucket=bucket)
        except (FileNotFoundError, PermissionError) as error:
            raise StoredError(
                f"{location}: there is no bucket {bucket!r}, or these credentials may not see it."
            ) from error
        except (OSError, ValueError, BotoCoreError) as error:
            raise StoreUnavailableError(
                f"{location} does not answer: {error}. Check TAXI_S3_ENDPOINT_URL and the AWS_* credentials."
            ) from error

    @override
    def current(self, key: str) -> Version | None:
        pointer = f"{self.root}/{key}/{POINTER}"
        try:
            text = self._s3.cat_file(pointer).decode(errors="replace")
        except FileNotFoundError:
            return None
        return Version.from_json(text, f"s3://{pointer}")

    @override
    def keys(self, prefix: str) -> list[str]:
        return sorted(
            f"{prefix}/{pointer.split('/')[-2]}" for pointer in self._s3.glob(f"{self.root}/{prefix}/*/{POINTER}")
        )

    @override
    def _draft_folder(self, key: str) -> Path:
        return self.scratch / "drafts" / key

    @override
    def _lock(self, key: str) -> AbstractContextManager[Any]:
        return file_lock(self.scratch / "locks", key)

    def _cache_lock(self, key: str) -> AbstractContextManager[Any]:
        return file_lock(self.scratch / "locks", f"cache/{key}")

    @override
    def _publish(self, key: str, folder: Path, version: Version) -> None:
        target = f"{self.root}/{key}/{version.folder}"
        for name in version.files:
            self._s3.put_file(str(folder / name), f"{target}/{name}")
        remote = self._remote_files(target)
        for stray in remote.keys() - version.files.keys():
            self._s3.rm_file(f"{target}/{stray}")
            del remote[stray]
        if {name: entry["size"] for name, entry in remote.items()} != _sizes(version):
            raise StoredError(f"s3://{target} is not what was uploaded: another writer is at work. Try again.")
        self._s3.pipe_file(f"{self.root}/{key}/{POINTER}", version.to_json().encode())
        cached = self.scratch / "cache" / key / version.folder
        with self._cache_lock(key):
            if self._cached_etags(cached) != _etags(remote) or differences(cached, version):
                self._fill_cache(key, version, folder, remote)
        self._sweep(key, version)

    def _sweep(self, key: str, keep: Version) -> None:
        newest = datetime.now(UTC) - UNPOINTED_GRACE
        for entry in self._s3.ls(f"{self.root}/{key}", detail=True):
            if entry["type"] != "directory" or entry["name"].endswith(keep.folder):
                continue
            if all(file["LastModified"] < newest for file in self._remote_files(entry["name"]).values()):
                self._s3.rm(entry["name"], recursive=True)

    def _remote_files(self, folder: str) -> dict[str, dict[str, Any]]:
        found = self._s3.find(folder, detail=True)
        return {name.removeprefix(f"{folder}/"): entry for name, entry in found.items()}

    @override
    def _local_folder(self, key: str, version: Version) -> Path:
        folder = self.scratch / "cache" / key / version.folder
        remote = self._remote_files(f"{self.root}/{key}/{version.folder}")
        for name in version.files:
            if name not in remote:
                raise FileNotFoundError(None, "no such file", f"s3://{self.root}/{key}/{version.folder}/{name}")
        if self._cached_etags(folder) != _etags(remote):
            with self._cache_lock(key):
                # Another process may have filled it while this one waited for the lock.
                if self._cached_etags(folder) == _etags(remote):
                    return folder
                download = folder.with_name(".download")
                shutil.rmtree(download, ignore_errors=True)
                for name in remote:
                    (download / name).parent.mkdir(parents=True, exist_ok=True)
                    self._s3.get_file(f"{self.root}/{key}/{version.folder}/{name}", str(download / name))
                self._fill_cache(key, version, download, remote)
        return folder

    def _fill_cache(self, key: str, version: Version, files: Path, remote: dict[str, dict[str, Any]]) -> None:
        """Move files into the cache, in place of all versions of the key that it holds."""
        target = self.scratch / "cache" / key / version.folder
        # Removed first: a folder that is cleared by half does not count as cached.
        target.with_name(ETAGS).unlink(missing_ok=True)
        if target.parent.is_dir():
            for path in target.parent.iterdir():
                if path != files:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        target.parent.mkdir(parents=True, exist_ok=True)
        files.rename(target)
        # Written last: without it the folder does not count as cached.
        replace_text(target.with_name(ETAGS), json.dumps({version.folder: _etags(remote)}))

    def _cached_etags(self, folder: Path) -> dict[str, str] | None:
        if not folder.is_dir():
            return None
        try:
            cached = json.loads(folder.with_name(ETAGS).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        etags: dict[str, str] | None = cached.get(folder.name)
        return etags


def _sizes(version: Version) -> dict[str, int]:
    return {name: file.size for name, file in version.files.items()}


def _etags(remote: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: entry["ETag"] for name, entry in remote.items()}
