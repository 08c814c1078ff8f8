"""A version's digest depends on its content alone, and its pointer text reads back as it was."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxi_assets.errors import StoredError
from taxi_assets.storage.versions import StoredFile, Version, describe_files, differences

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=8,
)
SHA256 = st.text("0123456789abcdef", min_size=64, max_size=64)
FILES = st.dictionaries(
    st.text(st.characters(min_codepoint=33, exclude_categories=["Cs"]), min_size=1),
    st.builds(StoredFile, st.integers(0, 2**50), SHA256),
    min_size=1,
    max_size=5,
)
VERSIONS = st.builds(Version, FILES, st.dictionaries(st.text(), JSON_VALUES, max_size=4))


@given(VERSIONS)
def test_a_version_reads_back_as_it_was_written(version: Version) -> None:
    assert Version.from_json(version.to_json(), "there") == version


@given(VERSIONS, st.data())
def test_a_cut_off_pointer_is_damaged(version: Version, data: st.DataObject) -> None:
    text = version.to_json()
    cut = data.draw(st.integers(0, len(text) - 1))

    with pytest.raises(StoredError, match=r"^there is damaged: materialise the asset again\.$"):
        Version.from_json(text[:cut], "there")


@given(st.text() | JSON_VALUES.map(json.dumps))
def test_a_pointer_of_other_text_is_damaged(text: str) -> None:
    with pytest.raises(StoredError, match="there is damaged"):
        Version.from_json(text, "there")


@given(VERSIONS, SHA256)
def test_a_pointer_whose_digest_is_not_that_of_its_files_is_damaged(version: Version, digest: str) -> None:
    raw = json.loads(version.to_json())
    raw["digest"] = digest if digest != version.digest else "0" * 64

    with pytest.raises(StoredError, match="there is damaged"):
        Version.from_json(json.dumps(raw), "there")


@given(FILES, st.randoms())
def test_the_digest_does_not_depend_on_facts_or_on_the_order_of_files(files: dict, random) -> None:
    names = list(files)
    random.shuffle(names)

    assert Version({name: files[name] for name in names}, {"rows": 1}).digest == Version(files).digest


@given(FILES, SHA256, st.data())
def test_other_content_has_another_digest(files: dict, sha256: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(files)))
    other = sha256 if sha256 != files[name].sha256 else sha256[::-1] + "0"

    assert Version({**files, name: StoredFile(files[name].size, other)}).digest != Version(files).digest


def test_files_are_named_relative_to_the_folder(tmp_path: Path) -> None:
    (tmp_path / "matrices").mkdir()
    (tmp_path / "matrices" / "X.npy").write_bytes(b"abc")

    assert describe_files(tmp_path) == {
        "matrices/X.npy": StoredFile(3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }


def test_equal_files_have_no_differences(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")

    assert differences(tmp_path, Version(describe_files(tmp_path))) == []


def test_each_difference_is_a_line_that_names_the_file(tmp_path: Path) -> None:
    for name in ("gone", "longer", "other", "same"):
        (tmp_path / name).write_bytes(b"abc")
    version = Version(describe_files(tmp_path))
    (tmp_path / "gone").unlink()
    (tmp_path / "longer").write_bytes(b"abcd")
    (tmp_path / "other").write_bytes(b"abd")
    (tmp_path / "extra").write_bytes(b"abc")

    assert differences(tmp_path, version) == [
        "gone is missing",
        "extra does not belong there",
        "longer has 4 bytes, not 3",
        "other has other content than was stored",
    ]


def test_of_a_folder_that_is_not_there_every_file_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    version = Version(describe_files(tmp_path))

    assert differences(tmp_path / "nowhere", version) == ["a is missing"]
