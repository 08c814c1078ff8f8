"""A code location that is loaded in a moment."""

import dagster as dg


@dg.op
def small_step() -> None: ...


@dg.job
def small_job() -> None:
    small_step()


defs = dg.Definitions(jobs=[small_job])
