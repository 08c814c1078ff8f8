"""What one stored version is: its files by digest, and the facts known of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from taxi_assets.errors import StoredError


@dataclass(frozen=True)
class StoredFile:
    """Size in bytes and sha256 of one file."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Version:
    """One version of a thing: its files by name, and facts about it that are not its content."""

    files: Mapping[str, StoredFile]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """sha256 over the names and digests of the files: equal content has an equal digest."""
        listing = "".join(f"{name} {self.files[name].sha256}\n" for name in sorted(self.files))
        return hashlib.sha256(listing.encode()).hexdigest()

    @property
    def folder(self) -> str:
        """Name of the folder that holds the files."""
        return self.digest[:16]

    def to_json(self) -> str:
        """The text of the pointer file."""
        files = {name: {"size": file.size, "sha256": file.sha256} for name, file in self.files.items()}
        return json.dumps({"digest": self.digest, "files": files, "facts": self.facts}, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, where: str) -> "Version":
        """Read a pointer file.

        Raises:
            StoredError: the text is not that of a pointer file; `where` is named.
        """
        try:
            raw = json.loads(text)
            files = {name: StoredFile(entry["size"], entry["sha256"]) for name, entry in raw["files"].items()}
            version = cls(files, raw["facts"])
            if version.digest == raw["digest"]:
                return version
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        raise StoredError(f"{where} is damaged: materialise the asset again.")


def describe_files(folder: Path) -> dict[str, StoredFile]:
    """Size and digest of every file below a folder, by its name relative to the folder."""
    return {
        path.relative_to(folder).as_posix(): StoredFile(path.stat().st_size, file_sha256(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def file_sha256(path: Path) -> str:
    """sha256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def differences(folder: Path, version: Version) -> list[str]:
    """What makes the files in a folder differ from a version, one line each; empty where they are equal."""
    found = describe_files(folder) if folder.is_dir() else {}
    lines = [f"{name} is missing" for name in version.files if name not in found]
    lines += [f"{name} does not belong there" for name in found if name not in version.files]
    for name in sorted(found.keys() & version.files.keys()):
        if found[name].size != version.files[name].size:
            lines.append(f"{name} has {found[name].size} bytes, not {version.files[name].size}")
        elif found[name].sha256 != version.files[name].sha256:
            lines.append(f"{name} has other content than was stored")
    return lines
