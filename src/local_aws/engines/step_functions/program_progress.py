"""What the programs of an execution have come to: its own, and those of branches and iterations.

A redrive goes on from there.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local_aws.engines.step_functions.interpreter import Changes

# From the execution inwards: ("branch", its index) and ("item", its index).
Where = tuple[tuple[str, int], ...]


@dataclass
class Reached:
    """What a program has come to: the execution's own, or that of a branch or an iteration.

    `is_entered`: the history has the event of the state. `has_ended`: the program has its output.
    """

    state: str
    input: Any
    variables: Mapping[str, Any]
    is_entered: bool = True
    has_ended: bool = False
    output: Any = None


@dataclass
class ProgramProgress:
    """What the programs of a run have come to, and what those of the run before had."""

    reached: dict[Where, Reached] = field(default_factory=dict)
    before: dict[Where, Reached] = field(default_factory=dict)
    resumed: set[Where] = field(default_factory=set)

    def forget_inner(self, where: Where) -> None:
        """Forget the branches and iterations below a program."""
        for known in (self.reached, self.before):
            for inner in [found for found in known if len(found) > len(where) and found[: len(where)] == where]:
                known.pop(inner, None)


def change(changes: Changes) -> None:
    """Follow what programs come to, and begin those that were there before where they were."""
    _number_branches(changes)
    _follow_frames(changes)
    _follow_states(changes)
    _follow_items(changes)


def where_of(env: object) -> Where:
    """The place of an environment's program."""
    keys = []
    while env is not None:
        if (key := vars(env).get("place")) is not None:
            keys.append(key)
        env = vars(env).get("parent")
    return tuple(reversed(keys))


def run_of(env: Any) -> Any:
    """The run that an environment belongs to."""
    while (parent := vars(env).get("parent")) is not None:
        env = parent
    return env.run


def resume(env: Any, progress: ProgramProgress, where: Where, at: Reached) -> None:
    """Give an environment what its program had when it entered the state that it goes on with."""
    env.states.reset(at.input)
    env.variable_store._inner_scope.update(at.variables)
    if at.is_entered:
        progress.resumed.add(where)


def _number_branches(changes: Changes) -> None:
    branches = changes.interpreter.get("asl.component.state.exec.state_parallel.branches_decl", "BranchesDecl")
    init = branches.__init__

    def init_numbered(self: object, programs: list[Any]) -> None:
        init(self, programs)
        for index, program in enumerate(programs):
            program.place = ("branch", index)

    changes.replace(branches, "__init__", init_numbered)


def _follow_frames(changes: Changes) -> None:
    environment = changes.interpreter.get("asl.eval.environment", "Environment")
    program = changes.interpreter.get("asl.component.program.program", "Program")
    ended = changes.interpreter.get("asl.eval.program_state", "ProgramEnded")
    start_at = changes.interpreter.get("asl.component.common.flow.start_at", "StartAt")
    open_frame, eval_program = environment.as_inner_frame_of.__func__, program.eval

    def frame_of(cls: Any, env: Any, *args: Any, **kwargs: Any) -> Any:
        frame = open_frame(cls, env, *args, **kwargs)
        frame.parent = env
        return frame

    def eval_followed(self: Any, env: Any) -> None:
        if not env.is_frame():
            eval_program(self, env)
            return
        if (place := vars(self).get("place")) is not None:
            env.place = place
        where, followed = where_of(env), self
        progress: ProgramProgress = run_of(env).progress
        at = progress.before.pop(where, None)
        if at is not None and at.has_ended:
            progress.reached[where] = at
            env.next_state_name = self.start_at.start_at_name  # only what runs can end
            env.states.reset(at.output)
            env.set_ended()
            return
        if at is not None:
            followed = copy.copy(self)
            followed.start_at = start_at(at.state)
            resume(env, progress, where, at)
        eval_program(followed, env)
        if isinstance(env.program_state(), ended) and where in progress.reached:
            progress.reached[where].has_ended = True
            progress.reached[where].output = env.states.get_input()

    changes.replace(environment, "as_inner_frame_of", classmethod(frame_of))
    changes.replace(program, "eval", eval_followed)


def _follow_states(changes: Changes) -> None:
    state = changes.interpreter.get("asl.component.state.state", "CommonStateField")
    eval_state = state._eval_body

    def eval_followed(self: Any, env: Any) -> None:
        where, progress = where_of(env), run_of(env).progress
        if where in progress.resumed:
            progress.resumed.discard(where)
            run_of(env).left_out.add(id(env.event_history_context))
        else:
            progress.forget_inner(where)
        progress.reached[where] = _reached(env, self.name)
        eval_state(self, env)
        if env.is_running() and env.next_state_name:
            # Stopped between two states: the next one is where it goes on.
            progress.reached[where] = _reached(env, env.next_state_name, is_entered=False)

    changes.replace(state, "_eval_body", eval_followed)
    for path, kind in (
        ("asl.component.state.exec.state_map.state_map", "StateMap"),
        ("asl.component.state.exec.state_parallel.state_parallel", "StateParallel"),
    ):
        owner = changes.interpreter.get(path, kind)
        changes.replace(owner, "_eval_execution", _forgetting(owner._eval_execution))


def _forgetting(eval_execution: Any) -> Any:
    def eval_anew(self: Any, env: Any) -> None:
        # A retry begins with nothing.
        if env.states.context_object.context_object_data.get("State", {}).get("RetryCount"):
            run_of(env).progress.forget_inner(where_of(env))
        eval_execution(self, env)

    return eval_anew


def _reached(env: Any, state: str, *, is_entered: bool = True) -> Reached:
    # Neither is changed in place: each new input is a copy, each variable is set anew.
    return Reached(state, env.states._states_data["input"], dict(env.variable_store._inner_scope), is_entered)


def _follow_items(changes: Changes) -> None:
    worker = changes.interpreter.get("asl.component.state.exec.state_map.iteration.iteration_worker", "IterationWorker")
    eval_job = worker._eval_job

    def eval_followed(self: Any, env: Any, job: Any) -> None:
        env.place = ("item", job.job_index)
        where, progress = where_of(env), run_of(env).progress
        at = progress.before.get(where)
        if at is None or not at.has_ended:
            eval_job(self, env, job)
            return
        progress.reached[where] = progress.before.pop(where)
        job.job_output = at.output

    changes.replace(worker, "_eval_job", eval_followed)
    # The items of a distributed Map are executions of their own, and begin anew.
    iteration = "asl.component.state.exec.state_map.iteration"
    for path, kind in (
        (f"{iteration}.itemprocessor.distributed_item_processor_worker", "DistributedItemProcessorWorker"),
        (f"{iteration}.iterator.distributed_iterator_worker", "DistributedIteratorWorker"),
    ):
        owner = changes.interpreter.get(path, kind)
        changes.replace(owner, "_eval_job", _beginning_anew(owner._eval_job))


def _beginning_anew(eval_job: Any) -> Any:
    def eval_anew(self: Any, env: Any, job: Any) -> None:
        env.place = ("item", job.job_index)
        where, progress = where_of(env), run_of(env).progress
        progress.forget_inner(where)
        progress.before.pop(where, None)
        eval_job(self, env, job)

    return eval_anew
