"""Metadata that Dagster's UI shows of tables."""

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    import pyarrow as pa


def column_schema(schema: "pa.Schema") -> dg.TableSchema:
    """An Arrow schema as Dagster's."""
    return dg.TableSchema(
        [
            dg.TableColumn(field.name, str(field.type), constraints=dg.TableColumnConstraints(nullable=field.nullable))
            for field in schema
        ]
    )
