"""What is changed in an interpreter, in the order that the changes need."""

from __future__ import annotations

from local_aws.engines.step_functions import (
    copies,
    definitions,
    errors,
    events,
    expressions,
    mends,
    progress,
    redrive,
    runs,
    task_faults,
    tasks,
    waits,
)
from local_aws.engines.step_functions.events import Emit, Note
from local_aws.engines.step_functions.interpreter import Changes, Interpreter
from local_aws.engines.step_functions.tasks import ClientFor, Permit
from local_aws.services.faults.rules import Faults


def apply(
    interpreter: Interpreter,
    *,
    emit: Emit,
    note: Note,
    faults: Faults,
    client_for: ClientFor | None = None,
    permit: Permit | None = None,
) -> Changes:
    """Change an interpreter of this process, once.

    Args:
        interpreter: the one to change.
        emit: sends an entry of PutEvents, which tells the status of an execution.
        note: is told of an execution that begins or ends.
        faults: are asked at each task, and for how long waits are.
        client_for: gives the client of a region and service that acts with a state's credentials; None keeps the
            interpreter's own.
        permit: asked before a task starts what it will wait for; None permits all.

    Returns:
        What was changed; its `undo` makes another `apply` possible.
    """
    changes = Changes(interpreter)
    tasks.change(changes, client_for, permit)
    expressions.change(changes)
    definitions.change(changes)
    copies.change(changes)
    errors.change(changes)
    mends.change(changes)
    waits.change(changes, faults)
    publish = events.publisher(interpreter, emit, note)
    runs.change(changes, publish)
    progress.change(changes)
    redrive.change(changes, publish)
    task_faults.change(changes, faults)
    return changes
