"""A store in a local folder keeps the promises of every store."""

import os
from pathlib import Path

import pytest

from taxi_assets.errors import StoredError
from taxi_assets.storage.publish import FolderStore, open_store
from taxi_assets_tests.storage.promises import KEY, Opening, Snapshot, StorePromises


class TestFolderStore(StorePromises):
    @pytest.fixture
    def opening(self, store: FolderStore, tmp_path: Path) -> Opening:
        return str(store.root), tmp_path / "scratch", {}

    @pytest.fixture
    def snapshot(self, store: FolderStore) -> Snapshot:
        return lambda: tree(store.root / KEY)

    @pytest.fixture
    def drafts(self, store: FolderStore) -> Snapshot:
        return lambda: {name: content for name, content in tree(store.root / KEY).items() if "draft" in name}

    @pytest.fixture
    def tamper(self, store: FolderStore):
        def change(name: str, content: bytes | None) -> None:
            path = Path(os.path.normpath(store.root / KEY / store.existing(KEY).folder / name))
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)

        return change

    @pytest.fixture
    def leftovers(self) -> list[str]:
        return [".draft/a.txt", "0123456789abcdef/a.txt", ".current.json.draft"]

    @pytest.fixture(
        params=[
            "taxi_assets.storage.publish:describe_files",
            "taxi_assets.storage.publish:Path.rename",
            "taxi_assets.storage.publish:replace_text",
            "taxi_assets.storage.publish:Path.replace",
            "taxi_assets.storage.publish:Path.iterdir",
        ]
    )
    def killed_in(self, request: pytest.FixtureRequest) -> str:
        return request.param

    @pytest.fixture
    def no_grace(self) -> None:
        """A folder is swept at once."""


def tree(folder: Path) -> dict[str, bytes | None]:
    """Every file's bytes and every folder below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")
    }


def test_a_version_folder_that_is_gone_is_named(store: FolderStore) -> None:
    with store.draft(KEY) as draft:
        (draft.folder / "a.txt").write_text("a")
    (store.root / KEY / draft.published.folder).rename(store.root / "elsewhere")

    with pytest.raises(
        StoredError, match=rf"{draft.published.folder} is missing from the store\. Materialise it again"
    ):
        store.read(KEY, lambda _folder, _version: None)


@pytest.mark.parametrize("location", ["gs://bucket/assets", "http://host/assets", "s3a://bucket", "file:///assets"])
def test_a_location_of_another_kind_is_refused(location: str, tmp_path: Path) -> None:
    with pytest.raises(StoredError) as refusal:
        open_store(location, tmp_path)

    assert str(refusal.value) == f"TAXI_STORAGE_URI={location}: use a folder or an s3://bucket/prefix."


def test_a_relative_folder_is_the_one_below_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store("assets", tmp_path / "scratch")
    monkeypatch.chdir("/")

    with store.draft(KEY) as draft:
        (draft.folder / "a.txt").write_text("a")

    assert (tmp_path / "assets" / KEY / "current.json").is_file()


def test_the_users_folder_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    with open_store("~/assets", tmp_path / "scratch").draft(KEY) as draft:
        (draft.folder / "a.txt").write_text("a")

    assert (tmp_path / "assets" / KEY / "current.json").is_file()
