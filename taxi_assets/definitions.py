"""What Dagster loads."""

from taxi_assets.defs.build import build_defs

defs = build_defs()
