"""Model files as an attacker would write them, from the bytes of an honest one."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

Schema = dict[str, Any]


def read_schema(data: bytes) -> Schema:
    """The schema of a model file."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema: Schema = json.loads(archive.read("schema.json"))
    return schema


def entries(data: bytes) -> dict[str, bytes]:
    """The files in a model file."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_entries(files: Mapping[str, bytes]) -> bytes:
    """A model file of these files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def with_schema(data: bytes, change: Callable[[Schema], Any]) -> bytes:
    """A model file with another schema."""
    return write_entries(entries(data) | {"schema.json": json.dumps(change(read_schema(data))).encode()})


def with_estimator(data: bytes, node: Mapping[str, Any]) -> bytes:
    """A model file with another object in the estimator's place."""

    def replace_estimator(schema: Schema) -> Schema:
        steps = schema["content"]["content"]["steps"]["content"]
        steps[-1]["content"][1] = dict(node)
        return schema

    return with_schema(data, replace_estimator)


def named_types(schema: Any) -> set[tuple[str, str]]:
    """Every type that a schema names, with how it is to be read."""
    found = set()
    if isinstance(schema, dict):
        if "__loader__" in schema:
            found.add((f"{schema['__module__']}.{schema['__class__']}", schema["__loader__"]))
        schema = list(schema.values())
    if isinstance(schema, list):
        for item in schema:
            found |= named_types(item)
    return found
