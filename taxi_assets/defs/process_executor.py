"""The executor of all runs: every step in the process of the run, which is noted on the run."""

from collections.abc import Iterator
from typing import Any, cast

import dagster as dg
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode
from typing_extensions import override

from taxi_assets.defs.vanished_runs import note_process
from taxi_assets.settings import load_settings


class NotedExecutor(dg.Executor):
    """Another executor, in a process that can be found dead."""

    def __init__(self, inner: dg.Executor) -> None:
        self._inner = inner

    @property
    @override
    def retries(self) -> RetryMode:
        return self._inner.retries

    @override
    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        note_process(plan_context.instance, plan_context.run_id, load_settings().home)
        yield from self._inner.execute(plan_context, execution_plan)


def _create(context: dg.InitExecutorContext) -> dg.Executor:
    create = dg.in_process_executor.executor_creation_fn
    assert create is not None
    return NotedExecutor(create(context))


process_executor = dg.ExecutorDefinition(
    name="in_process",
    config_schema=cast("Any", dg.in_process_executor.config_schema),
    executor_creation_fn=_create,
    # A process for each step would cost ten seconds of imports, and each run has a process of its own anyway.
    description="Runs the steps in the process of the run.",
)
