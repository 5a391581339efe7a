"""What is changed in an interpreter, in the order that the changes need."""

from __future__ import annotations

from local_aws.endings import Endings
from local_aws.engines.step_functions import (
    copies,
    definitions,
    errors,
    execution_runs,
    expressions,
    history_events,
    mends,
    program_progress,
    redrive,
    task_faults,
    tasks,
    waits,
)
from local_aws.engines.step_functions.history_events import Emit, Note
from local_aws.engines.step_functions.interpreter import Changes, Interpreter
from local_aws.engines.step_functions.tasks import ClientFor, Permit
from local_aws.services.faults.fault_rules import Faults


def apply(
    interpreter: Interpreter,
    *,
    emit: Emit,
    note: Note,
    faults: Faults,
    endings: Endings | None = None,
    client_for: ClientFor | None = None,
    permit: Permit | None = None,
) -> Changes:
    """Change an interpreter of this process, once.

    Args:
        interpreter: the one to change.
        emit: sends an entry of PutEvents, which tells the status of an execution.
        note: is told of an execution that begins or ends.
        faults: are asked at each task, and for how long waits are.
        endings: is told of each execution that ends, and tells of what tasks wait for; None: only looks tell.
        client_for: gives the client of a region and service that acts with a state's credentials; None keeps the
            interpreter's own.
        permit: asked before a task starts what it will wait for; None permits all.

    Returns:
        What was changed; its `undo` makes another `apply` possible.
    """
    changes = Changes(interpreter)
    known = endings or Endings()

    def noted(execution: str, is_running: bool) -> None:
        note(execution, is_running)
        if not is_running:
            known.tell(execution)

    tasks.change(changes, client_for, permit, known)
    expressions.change(changes)
    definitions.change(changes)
    copies.change(changes)
    errors.change(changes)
    mends.change(changes)
    waits.change(changes, faults)
    publish = history_events.publisher(interpreter, emit, noted)
    execution_runs.change(changes, publish)
    program_progress.change(changes)
    redrive.change(changes, publish)
    task_faults.change(changes, faults)
    return changes
