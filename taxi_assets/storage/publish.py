"""How a thing gets to its place whole, and how it is read from there.

A thing is a folder of files under a key. It is written to a draft, hashed, moved to a folder named
by its digest, and then one small pointer file is replaced. A reader follows the pointer, so that it
sees the old version or the new one and never a half, also when a writer is killed at any point.

    ROOT/raw_trips/2024-01/current.json              the pointer
    ROOT/raw_trips/2024-01/3f786850e387550f/…        the version that it names

`open_store` gives a store in a folder, or below an `s3://` prefix.
"""

import os
import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock
from typing_extensions import override

from taxi_assets.errors import StoredError
from taxi_assets.storage.versions import Version, describe_files, differences

POINTER = "current.json"

T = TypeVar("T")


@dataclass
class Draft:
    """A version in the making: write files into `folder`, and put facts into `facts`."""

    folder: Path
    facts: dict[str, Any] = field(default_factory=dict)
    version: Version | None = None

    @property
    def published(self) -> Version:
        """The version that the draft became. Known once `Store.draft` was left without an error."""
        if self.version is None:
            raise RuntimeError("The draft has not been published.")
        return self.version


class Store(ABC):
    """Things under keys, each a folder of files with a digest."""

    @abstractmethod
    def current(self, key: str) -> Version | None:
        """The version that the pointer of a key names; None where nothing was stored.

        Raises:
            StoredError: the pointer file is damaged.
        """

    @abstractmethod
    def keys(self, prefix: str) -> list[str]:
        """The keys directly below a prefix that have a version, sorted."""

    @abstractmethod
    def _draft_folder(self, key: str) -> Path: ...

    @abstractmethod
    def _lock(self, key: str) -> AbstractContextManager[Any]: ...

    @abstractmethod
    def _publish(self, key: str, folder: Path, version: Version) -> None:
        """Move the files to their place, replace the pointer, sweep what nothing points to."""

    @abstractmethod
    def _local_folder(self, key: str, version: Version) -> Path:
        """A local folder with the files of a version.

        Raises:
            FileNotFoundError: the version is not there (any more).
        """

    def existing(self, key: str) -> Version:
        """The current version.

        Raises:
            StoredError: nothing is stored under the key, or its pointer is damaged.
        """
        version = self.current(key)
        if version is None:
            raise StoredError(f"{key} has not been made yet: materialise it first, as `taxi run` does.")
        return version

    @contextmanager
    def draft(self, key: str) -> Iterator[Draft]:
        """A draft that is published when the block ends, and thrown away when it raises.

        One process at a time drafts a key: another waits.
        """
        with self._lock(key):
            draft = Draft(self._draft_folder(key))
            # Whatever lies here was left by a writer that was killed: the lock is ours.
            shutil.rmtree(draft.folder, ignore_errors=True)
            draft.folder.mkdir(parents=True)
            try:
                yield draft
                version = Version(describe_files(draft.folder), dict(draft.facts))
                if not version.files:
                    raise StoredError(f"{key}: a version without files cannot be stored.")
                self._publish(key, draft.folder, version)
                draft.version = version
            finally:
                shutil.rmtree(draft.folder, ignore_errors=True)

    def read(self, key: str, load: Callable[[Path, Version], T]) -> T:
        """Call `load` with a local folder of the current version's files, and the version.

        Raises:
            StoredError: nothing is stored under the key, or files of it are missing.
        """
        while True:
            version = self.existing(key)
            try:
                return load(self._local_folder(key, version), version)
            except FileNotFoundError as error:
                # A writer may have replaced the version between the two lines above.
                if self.current(key) == version:
                    raise StoredError(
                        f"{key}: {error.filename or error} is missing from the store. Materialise it again."
                    ) from error

    def read_verified(self, key: str, load: Callable[[Path, Version], T]) -> T:
        """As `read`, but first compare every file with the digest it was stored with.

        Raises:
            StoredError: also when a file is not what was stored; the file is named.
        """

        def verify_and_load(folder: Path, version: Version) -> T:
            if lines := differences(folder, version):
                raise StoredError(f"{key} is damaged: {'; '.join(lines)}. Materialise it again.")
            return load(folder, version)

        return self.read(key, verify_and_load)


class FolderStore(Store):
    """A store in a local folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @override
    def current(self, key: str) -> Version | None:
        pointer = self.root / key / POINTER
        try:
            text = pointer.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None
        return Version.from_json(text, str(pointer))

    @override
    def keys(self, prefix: str) -> list[str]:
        return sorted(f"{prefix}/{path.parent.name}" for path in (self.root / prefix).glob(f"*/{POINTER}"))

    @override
    def _draft_folder(self, key: str) -> Path:
        return self.root / key / ".draft"

    @override
    def _lock(self, key: str) -> AbstractContextManager[Any]:
        return file_lock(self.root / ".locks", key)

    @override
    def _publish(self, key: str, folder: Path, version: Version) -> None:
        home = self.root / key
        target = home / version.folder
        if target.exists() and differences(target, version):
            shutil.rmtree(target)
        if not target.exists():
            for path in folder.rglob("*"):
                _sync(path)
            folder.rename(target)
        replace_text(home / POINTER, version.to_json())
        for path in home.iterdir():
            if path.name not in {POINTER, version.folder}:
                shutil.rmtree(path, ignore_errors=True)

    @override
    def _local_folder(self, key: str, version: Version) -> Path:
        folder = self.root / key / version.folder
        if not folder.is_dir():
            raise FileNotFoundError(None, "no such folder", str(folder))
        return folder


def open_store(location: str, scratch: Path, s3_options: Mapping[str, Any] | None = None) -> Store:
    """The store at a folder or an `s3://bucket/prefix`.

    Args:
        location: a folder, or an `s3://` address.
        scratch: a local folder for drafts and the read cache of a store on S3.
        s3_options: what s3fs is to be called with.

    Raises:
        StoredError: the location is of another kind.
    """
    if location.startswith("s3://"):
        from taxi_assets.storage.s3 import S3Store

        return S3Store(location, scratch, dict(s3_options or {}))
    if re.match(r"^\w[\w+.-]*://", location):
        raise StoredError(f"TAXI_STORAGE_URI={location}: use a folder or an s3://bucket/prefix.")
    return FolderStore(Path(location).expanduser().absolute())


def file_lock(folder: Path, key: str) -> FileLock:
    """A lock between the processes of one machine; the kernel frees it when its holder is killed."""
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{key.replace('/', '--')}.lock")


def replace_text(path: Path, text: str) -> None:
    """Replace a file's text at once: a reader sees the old text or the new."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    _sync(draft)
    draft.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
