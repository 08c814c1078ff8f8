"""Folders of a file system, each listed at most once."""

from collections.abc import Collection, Mapping
from typing import Any

Entries = Mapping[str, Mapping[str, Any]]
"""What the file system says of each entry of a folder, by its name."""


class FolderListing:
    """Files looked up in listings. A folder is listed only where the one above it has it.

    Args:
        fs: an fsspec file system.
        tops: the folders to begin with, as addresses that end with a slash: nothing above them is listed.
    """

    def __init__(self, fs: Any, tops: Collection[str]) -> None:
        self._fs = fs
        self._tops = {top for top in tops if not any(top != other and top.startswith(other) for other in tops)}
        self._listed: dict[str, Entries | None] = {}

    def has_folder(self, folder: str) -> bool:
        """Whether there is such a folder; its address ends with a slash."""
        return self._entries(folder) is not None

    def file(self, address: str) -> Mapping[str, Any] | None:
        """What the file system says of a file, or None where there is none."""
        end = address.rfind("/") + 1
        entry = (self._entries(address[:end]) or {}).get(address[end:])
        if entry is not None and entry.get("islink"):
            # A listing tells when the link was made; it is the file that a reader gets.
            try:
                entry = self._fs.info(address)
            except FileNotFoundError:
                return None
        return None if entry is None or entry.get("type") == "directory" else entry

    def _entries(self, folder: str) -> Entries | None:
        if folder not in self._listed:
            self._listed[folder] = self._list(folder) if self._may_exist(folder) else None
        return self._listed[folder]

    def _may_exist(self, folder: str) -> bool:
        if folder in self._tops:
            return True
        end = folder.rfind("/", 0, -1) + 1
        entry = (self._entries(folder[:end]) or {}).get(folder[end:-1])
        return entry is not None and entry.get("type") != "file"

    def _list(self, folder: str) -> Entries | None:
        try:
            entries = self._fs.ls(folder, detail=True)
        except FileNotFoundError:
            return None
        # Asked for a file, file systems list that file.
        if any(entry["name"] == self._fs._strip_protocol(folder) and entry["type"] == "file" for entry in entries):
            return None
        return {entry["name"].rpartition("/")[2]: entry for entry in entries}
