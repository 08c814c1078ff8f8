"""A model file made to run code runs none: it is refused before skops looks at it."""

import io
import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io

from taxi_assets.errors import StoredError, UntrustedModelError
from taxi_assets.training.model_files import load_pipeline, pipeline_bytes
from taxi_assets_tests.training.conftest import ModelOf
from taxi_assets_tests.training.crafting import entries, with_estimator, with_schema, write_entries

LOCAL_HEADER = 30
"""Bytes before an entry's name in a zip file."""

EMPTY_DICT = {
    "__class__": "dict",
    "__module__": "builtins",
    "__loader__": "DictNode",
    "content": {},
    "key_types": {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": []},
}

FOREIGN = [
    ("os", "system", "FunctionNode"),
    ("builtins", "eval", "FunctionNode"),
    ("builtins", "exec", "TypeNode"),
    ("subprocess", "Popen", "ObjectNode"),
    ("sklearn.preprocessing._function_transformer", "FunctionTransformer", "ObjectNode"),
    ("sklearn.linear_model._ridge", "Ridge", "ObjectNode"),
    ("sklearn.pipeline", "Pipeline", "TypeNode"),
    ("builtins", "dict", "ObjectNode"),
    ("operator", "attrgetter", "OperatorFuncNode"),
    ("functools", "partial", "PartialNode"),
    ("builtins", "bytes", "ReduceNode"),
]


@pytest.fixture(scope="session")
def honest(model_of: ModelOf) -> bytes:
    """The bytes of a good model file."""
    return pipeline_bytes(model_of("linear_model.LinearRegression").final_fit)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the crafted file is written."""
    return tmp_path / "final_fit.skops"


class Touch:
    """An object whose pickle creates a file when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def trap(loader: str = "ObjectNode") -> dict[str, Any]:
    return {"__class__": "Trap", "__module__": "trap", "__loader__": loader, "content": EMPTY_DICT}


def test_the_trap_goes_off_for_a_loader_that_trusts_it(honest: bytes, mark: Path) -> None:
    trusted = [*skops.io.get_untrusted_types(data=honest), "trap.Trap"]
    skops.io.loads(with_estimator(honest, trap()), trusted=trusted)
    assert mark.exists()


@pytest.mark.parametrize("loader", ["ObjectNode", "TypeNode", "FunctionNode", "DictNode", "ListNode", "TreeNode"])
def test_a_class_that_is_not_ours_is_neither_imported_nor_made(
    loader: str, honest: bytes, path: Path, mark: Path
) -> None:
    path.write_bytes(with_estimator(honest, trap(loader)))
    with pytest.raises(UntrustedModelError, match=r"trap\.Trap"):
        load_pipeline(path)
    assert not mark.exists()
    assert "trap" not in sys.modules


def test_a_class_as_the_type_of_a_key_is_refused(honest: bytes, path: Path, mark: Path) -> None:
    def change(schema: dict[str, Any]) -> dict[str, Any]:
        schema["content"]["key_types"]["content"][0] = trap("TypeNode")
        return schema

    path.write_bytes(with_schema(honest, change))
    with pytest.raises(UntrustedModelError, match=r"trap\.Trap"):
        load_pipeline(path)
    assert not mark.exists()


@pytest.mark.parametrize(("module", "name", "loader"), FOREIGN)
def test_a_type_that_no_model_of_ours_has_is_refused_by_name(
    module: str, name: str, loader: str, honest: bytes, path: Path
) -> None:
    node = {"__class__": name, "__module__": module, "__loader__": loader, "content": EMPTY_DICT}
    path.write_bytes(with_estimator(honest, node))
    with pytest.raises(UntrustedModelError, match=rf"{module}\.{name} \({loader}\)"):
        load_pipeline(path)


@pytest.mark.parametrize("missing", ["__class__", "__module__", "__loader__"])
def test_a_type_that_is_only_half_named_is_refused(missing: str, honest: bytes, path: Path) -> None:
    node = {name: value for name, value in trap().items() if name != missing}
    path.write_bytes(with_estimator(honest, node))
    with pytest.raises((UntrustedModelError, StoredError)):
        load_pipeline(path)


def test_a_pickle_under_the_name_of_a_model_is_refused_unread(path: Path, mark: Path) -> None:
    path.write_bytes(pickle.dumps(Touch(mark)))
    with pytest.raises(StoredError, match=path.name):
        load_pipeline(path)
    assert not mark.exists()
    pickle.loads(path.read_bytes())
    assert mark.exists()


def test_a_pickle_in_the_place_of_an_array_is_refused_unread(honest: bytes, path: Path, mark: Path) -> None:
    array = io.BytesIO()
    np.save(array, np.array([Touch(mark)], dtype=object), allow_pickle=True)
    path.write_bytes(write_entries(entries(honest) | {"1.npy": array.getvalue()}))
    with pytest.raises(StoredError, match=path.name):
        load_pipeline(path)
    assert not mark.exists()
    np.load(io.BytesIO(array.getvalue()), allow_pickle=True)
    assert mark.exists()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_short_is_refused(share: float, honest: bytes, path: Path) -> None:
    path.write_bytes(honest[: int(len(honest) * share)])
    with pytest.raises(StoredError, match=path.name):
        load_pipeline(path)


@pytest.mark.parametrize("entry", ["schema.json", "1.npy", "2.npy"])
@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.75])
def test_a_file_with_flipped_bits_in_its_content_is_refused(
    entry: str, share: float, honest: bytes, path: Path
) -> None:
    with zipfile.ZipFile(io.BytesIO(honest)) as archive:
        info = archive.getinfo(entry)
    start = info.header_offset + LOCAL_HEADER + len(entry) + int(info.compress_size * share)
    broken = bytearray(honest)
    for position in range(start, start + 8):
        broken[position] ^= 0xFF
    path.write_bytes(bytes(broken))
    with pytest.raises(StoredError, match=path.name):
        load_pipeline(path)


@pytest.mark.parametrize("entry", ["schema.json", "1.npy", "2.npy"])
def test_a_file_that_lacks_an_entry_is_refused(entry: str, honest: bytes, path: Path) -> None:
    path.write_bytes(write_entries({name: content for name, content in entries(honest).items() if name != entry}))
    with pytest.raises(StoredError, match=path.name):
        load_pipeline(path)


@pytest.mark.parametrize("schema", [b"", b"{", b"[]", b"{}", b"null", b"7", b'"Pipeline"', b"\xff\xfe", b"[" * 100_000])
def test_a_schema_that_names_no_object_is_refused(schema: bytes, honest: bytes, path: Path) -> None:
    path.write_bytes(write_entries(entries(honest) | {"schema.json": schema}))
    with pytest.raises(StoredError, match=path.name):
        load_pipeline(path)


@pytest.mark.parametrize("change", ["protocol", "content", "key_types"])
def test_a_schema_that_lacks_a_part_is_refused(change: str, honest: bytes, path: Path) -> None:
    def drop(schema: dict[str, Any]) -> dict[str, Any]:
        (schema["content"] if change == "key_types" else schema).pop(change)
        return schema

    path.write_bytes(with_schema(honest, drop))
    with pytest.raises(StoredError, match=path.name):
        load_pipeline(path)


def test_an_object_that_is_no_pipeline_is_refused(honest: bytes, path: Path) -> None:
    path.write_bytes(with_schema(honest, lambda schema: {**EMPTY_DICT, "protocol": schema["protocol"]}))
    with pytest.raises(StoredError, match=path.name):
        load_pipeline(path)


def test_the_honest_file_is_loaded(honest: bytes, path: Path) -> None:
    path.write_bytes(honest)
    assert load_pipeline(path).steps[0][0] == "encoder"
