"""A run that the definitions' executor executes carries the process it is executed in."""

from pathlib import Path

import dagster as dg

from taxi_assets.defs.build import build_defs
from taxi_assets.defs.process_executor import process_executor
from taxi_assets.defs.vanished_runs import HOME_TAG, PROCESS_TAG, process_tags
from taxi_assets.settings import load_settings
from taxi_assets_tests.defs.running import resources_in


def ingest_months() -> dg.JobDefinition:
    """The job of that name, in TAXI_HOME."""
    return build_defs(resource_overrides=resources_in(load_settings().home)).resolve_job_def("ingest_months")


@dg.op(out=dg.Out(bool))
def is_noted(context: dg.OpExecutionContext) -> bool:
    run = context.instance.get_run_by_id(context.run_id)
    assert run is not None
    return process_tags(load_settings().home).items() <= run.tags.items()


@dg.op(retry_policy=dg.RetryPolicy(max_retries=1))
def fails_once(context: dg.OpExecutionContext, noted: bool) -> bool:
    if context.retry_number == 0:
        raise ValueError("The first time it fails.")
    return noted


@dg.job(executor_def=process_executor)
def looks_at_its_run() -> None:
    fails_once(is_noted())


def test_a_run_of_a_job_of_ours_is_noted(ready: Path, ready_instance: dg.DagsterInstance) -> None:
    partition = {"dagster/partition": "2024-01-01"}
    with dg.execute_job(dg.reconstructable(ingest_months), ready_instance, tags=partition) as result:
        assert result.success
    run = ready_instance.get_run_by_id(result.run_id)
    assert run is not None
    assert {name: run.tags[name] for name in (PROCESS_TAG, HOME_TAG)} == process_tags(ready)
    assert run.tags["dagster/partition"] == "2024-01-01"


def test_it_is_noted_before_the_first_step_and_steps_are_tried_again(
    ready: Path, ready_instance: dg.DagsterInstance
) -> None:
    with dg.execute_job(dg.reconstructable(looks_at_its_run), ready_instance) as result:
        assert result.success
        assert result.output_for_node("fails_once") is True


def test_all_jobs_have_this_executor() -> None:
    defs = build_defs()
    assert {defs.resolve_job_def(name).executor_def for name in ("ingest_months", "retrain")} == {process_executor}
