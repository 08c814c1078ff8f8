"""What every store promises, whatever it lies on. The fixture `opening` is what `open_store` is called with."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest

from taxi_assets.errors import StoredError
from taxi_assets.storage.publish import Store, open_store
from taxi_assets.storage.versions import Version

KEY = "raw_trips/2024-01"
OLD = {"a.txt": "old a", "deep/b.txt": "old b"}
NEW = {"a.txt": "new a", "deep/b.txt": "new b", "c.txt": "new c"}

Opening = tuple[str, Path, dict[str, Any]]
Snapshot = Callable[[], dict[str, bytes | None]]


def put(store: Store, files: dict[str, str], key: str = KEY, **facts: object) -> Version:
    """Publish files with facts."""
    with store.draft(key) as draft:
        for name, text in files.items():
            path = draft.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        draft.facts.update(facts)
    return draft.published


def put_half(store: Store) -> None:
    """Fail while a version is drafted."""
    with store.draft(KEY) as draft:
        (draft.folder / "a.txt").write_text("half of")
        raise ZeroDivisionError


def texts(folder: Path, _version: Version) -> dict[str, str]:
    """Load every file of a version."""
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def put_and_die(opening: Opening, function: str) -> None:
    """Publish NEW in a process that is killed where it calls a function, for example `module:Class.method`."""
    store = open_store(*opening)
    owner, _, name = function.replace(":", ".").rpartition(".")
    setattr(resolve_name(owner), name, lambda *_args, **_options: os._exit(9))
    put(store, NEW)


def count_up(opening: Opening, times: int) -> None:
    """Read a number under a lock that other processes want too, and publish the next one."""
    store = open_store(*opening)
    for _ in range(times):
        with store.draft(KEY) as draft:
            known = store.current(KEY)
            number = known.facts["number"] + 1 if known else 1
            (draft.folder / "number.txt").write_text(str(number))
            draft.facts["number"] = number


def put_many(opening: Opening, times: int) -> None:
    """Publish versions whose two files hold the same number."""
    store = open_store(*opening)
    for number in range(1, times + 1):
        put(store, {"one.txt": str(number), "two.txt": str(number)}, number=number)


def other_process() -> ProcessPoolExecutor:
    """Processes that share nothing with this one."""
    return ProcessPoolExecutor(2, mp_context=get_context("spawn"))


class StorePromises:
    """Subclassed for each kind of store."""

    def test_what_was_published_is_read(self, store: Store) -> None:
        put(store, OLD)

        assert store.read(KEY, texts) == OLD
        assert store.read_verified(KEY, texts) == OLD

    def test_facts_are_kept_with_the_version(self, store: Store) -> None:
        published = put(store, OLD, rows=3, source="sample")

        assert store.existing(KEY) == published
        assert store.existing(KEY).facts == {"rows": 3, "source": "sample"}
        assert store.read(KEY, lambda _folder, version: version) == published

    def test_a_store_opened_again_finds_what_was_published(self, store: Store, opening: Opening) -> None:
        put(store, OLD)

        assert open_store(*opening).read_verified(KEY, texts) == OLD

    def test_keys_are_those_directly_below_the_prefix_that_have_a_version(self, store: Store) -> None:
        for key in ("raw_trips/2024-02", "raw_trips/2024-01", "raw_trips_of_old/2024-03", "xgboost_model"):
            put(store, OLD, key)
        with pytest.raises(RuntimeError), store.draft("raw_trips/2024-04"):
            raise RuntimeError

        assert store.keys("raw_trips") == ["raw_trips/2024-01", "raw_trips/2024-02"]

    def test_below_a_prefix_without_anything_there_are_no_keys(self, store: Store) -> None:
        assert store.keys("raw_trips") == []

    def test_equal_content_has_an_equal_digest(self, store: Store) -> None:
        first = put(store, OLD, "raw_trips/2024-01", made_by="one")
        second = put(store, OLD, "raw_trips/2024-02", made_by="two")
        third = put(store, NEW, "raw_trips/2024-03")

        assert first.digest == second.digest != third.digest

    def test_a_new_version_replaces_the_old_one_and_nothing_of_it_stays(
        self, store: Store, snapshot: Snapshot, no_grace: None
    ) -> None:
        put(store, NEW)
        never_had_another = snapshot()

        put(store, OLD)
        put(store, NEW)

        assert store.read_verified(KEY, texts) == NEW
        assert snapshot() == never_had_another

    def test_publishing_equal_content_again_changes_the_facts_alone(self, store: Store) -> None:
        put(store, OLD, run="one")
        put(store, OLD, run="two")

        assert store.existing(KEY).facts == {"run": "two"}
        assert store.read_verified(KEY, texts) == OLD

    def test_nothing_is_stored_before_the_first_version(self, store: Store) -> None:
        assert store.current(KEY) is None
        with pytest.raises(
            StoredError, match=rf"^{KEY} has not been made yet: materialise it first, as `taxi run` does\.$"
        ):
            store.existing(KEY)
        with pytest.raises(StoredError, match="materialise it first, as `taxi run` does"):
            store.read(KEY, texts)

    def test_a_reader_sees_the_old_version_while_the_new_one_is_drafted(self, store: Store) -> None:
        put(store, OLD)

        with store.draft(KEY) as draft:
            (draft.folder / "a.txt").write_text("new a")
            assert store.read_verified(KEY, texts) == OLD

    def test_a_reader_beside_a_writer_sees_whole_versions_and_never_an_older_one_again(
        self, store: Store, opening: Opening
    ) -> None:
        put(store, {"one.txt": "0", "two.txt": "0"}, number=0)
        seen = []

        def load(folder: Path, version: Version) -> tuple[str, str, str]:
            return (folder / "one.txt").read_text(), (folder / "two.txt").read_text(), str(version.facts["number"])

        with other_process() as pool:
            writer = pool.submit(put_many, opening, 40)
            while not writer.done():
                seen.append(store.read(KEY, load))
            writer.result()
        seen.append(store.read(KEY, load))

        assert all(one == two == fact for one, two, fact in seen)
        numbers = [int(one) for one, _, _ in seen]
        assert numbers == sorted(numbers)
        assert numbers[-1] == 40

    def test_a_draft_that_raises_leaves_the_old_version_as_it_was(
        self, store: Store, snapshot: Snapshot, drafts: Snapshot
    ) -> None:
        put(store, OLD, rows=3)
        before = snapshot()

        with pytest.raises(ZeroDivisionError):
            put_half(store)

        assert snapshot() == before
        assert drafts() == {}
        assert store.read_verified(KEY, texts) == OLD

    def test_a_first_draft_that_raises_leaves_nothing(self, store: Store, drafts: Snapshot) -> None:
        with pytest.raises(ZeroDivisionError):
            put_half(store)

        assert drafts() == {}
        assert store.current(KEY) is None

    def test_a_draft_that_raised_is_not_published(self, store: Store) -> None:
        with pytest.raises(ZeroDivisionError), store.draft(KEY) as draft:
            raise ZeroDivisionError

        with pytest.raises(RuntimeError, match="has not been published"):
            _ = draft.published

    def test_a_draft_without_files_is_refused_and_the_old_version_stays(self, store: Store) -> None:
        put(store, OLD)

        with pytest.raises(StoredError, match=rf"^{KEY}: a version without files cannot be stored\.$"):
            put(store, {})

        assert store.read_verified(KEY, texts) == OLD

    def test_processes_that_draft_the_same_key_wait_for_each_other(self, store: Store, opening: Opening) -> None:
        with other_process() as pool:
            for counted in [pool.submit(count_up, opening, 8) for _ in range(2)]:
                counted.result()

        assert store.existing(KEY).facts["number"] == 16

    def test_a_version_replaced_while_it_is_read_is_read_again(self, store: Store) -> None:
        put(store, OLD)
        asked_for = []

        def load(folder: Path, version: Version) -> dict[str, str]:
            asked_for.append(version)
            if len(asked_for) == 1:
                put(store, NEW)
                raise FileNotFoundError(None, "no such file", str(folder / "a.txt"))
            return texts(folder, version)

        assert store.read(KEY, load) == NEW
        assert len(asked_for) == 2

    def test_a_version_that_goes_on_missing_a_file_is_not_read_for_ever(self, store: Store) -> None:
        put(store, OLD)

        with pytest.raises(StoredError, match=rf"^{KEY}: .*gone\.txt is missing from the store\. Materialise it again"):
            store.read(KEY, lambda folder, _version: (folder / "gone.txt").read_text())

    def test_another_error_of_the_loader_is_passed_on(self, store: Store) -> None:
        put(store, OLD)

        with pytest.raises(ValueError, match="no number"):
            store.read(KEY, lambda _folder, _version: int("no number"))

    def test_a_file_changed_in_the_store_is_named(self, store: Store, tamper: Callable[..., None]) -> None:
        put(store, OLD)
        tamper("a.txt", b"0ld a")

        with pytest.raises(
            StoredError, match=rf"^{KEY} is damaged: a\.txt has other content than was stored\. Materialise it again\.$"
        ):
            store.read_verified(KEY, texts)

    def test_a_file_of_another_size_is_named(self, store: Store, tamper: Callable[..., None]) -> None:
        put(store, OLD)
        tamper("deep/b.txt", b"longer than it was")

        with pytest.raises(StoredError, match=r"deep/b\.txt has 18 bytes, not 5\."):
            store.read_verified(KEY, texts)

    def test_a_file_missing_in_the_store_is_named(self, store: Store, tamper: Callable[..., None]) -> None:
        put(store, OLD)
        tamper("deep/b.txt", None)

        with pytest.raises(StoredError, match=rf"^{KEY}.*deep/b\.txt.* is missing.*\. Materialise it again\.$"):
            store.read_verified(KEY, texts)

    def test_a_file_that_does_not_belong_there_is_named(self, store: Store, tamper: Callable[..., None]) -> None:
        put(store, OLD)
        tamper("stray.txt", b"who put this here?")

        with pytest.raises(StoredError, match=r"stray\.txt does not belong there"):
            store.read_verified(KEY, texts)

    @pytest.mark.parametrize(
        ("name", "content"),
        [("a.txt", b"0ld a"), ("deep/b.txt", b"longer"), ("deep/b.txt", None), ("stray.txt", b"who put this here?")],
        ids=["changed", "other size", "missing", "extra"],
    )
    def test_a_damaged_version_is_repaired_by_publishing_it_again(
        self, store: Store, tamper: Callable[..., None], snapshot: Snapshot, name: str, content: bytes | None
    ) -> None:
        put(store, OLD)
        whole = snapshot()
        tamper(name, content)
        assert snapshot() != whole

        put(store, OLD)

        assert snapshot() == whole
        assert store.read_verified(KEY, texts) == OLD

    @pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b'{"digest": "0", "files": {}, "facts": {}}', b"\xff"])
    def test_a_damaged_pointer_is_named_and_publishing_again_replaces_it(
        self, store: Store, tamper: Callable[..., None], text: bytes
    ) -> None:
        put(store, OLD)
        tamper("../current.json", text)

        for damaged in (store.current, store.existing, lambda key: store.read(key, texts)):
            with pytest.raises(StoredError, match=rf"{KEY}/current\.json is damaged: materialise the asset again\.$"):
                damaged(KEY)

        put(store, NEW)
        assert store.read_verified(KEY, texts) == NEW

    def test_leftovers_of_a_killed_writer_are_swept_by_the_next(
        self, store: Store, tamper: Callable[..., None], leftovers: list[str], snapshot: Snapshot, no_grace: None
    ) -> None:
        put(store, NEW)
        never_killed = snapshot()
        for name in leftovers:
            tamper(f"../{name}", b"half of")
        assert snapshot() != never_killed

        put(store, NEW)

        assert snapshot() == never_killed

    def test_a_writer_killed_anywhere_leaves_a_whole_version_and_the_next_one_ends_as_if_it_never_ran(
        self, store: Store, opening: Opening, snapshot: Snapshot, killed_in: str, no_grace: None
    ) -> None:
        put(store, NEW)
        never_killed = snapshot()
        put(store, OLD)

        with other_process() as pool, pytest.raises(BrokenProcessPool):
            pool.submit(put_and_die, opening, killed_in).result()

        assert store.read_verified(KEY, texts) in (OLD, NEW)
        put(store, NEW)
        assert snapshot() == never_killed
