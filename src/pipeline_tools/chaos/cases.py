"""What a case of chaos is: faults, what is done meanwhile, and how each attempt has to end.

A case is data. What has to hold after every case (nothing lost, twice, silent or half written) is not said here but
checked for all of them, see `checks`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from dataset_contract.json_types import JsonMapping

Rule = JsonMapping
"""A fault as local_aws.services.faults takes it. In its texts `{execution}` becomes the name of the case's first
execution and `{id}` the UUID of its job ID; `{execution2}` and `{id2}` are those of the second execution, and so on."""

Verb = Literal[
    "start", "again", "continue", "enter", "stop", "end", "recorded", "wait", "redrive", "record", "fault", "call"
]
EITHER = "SUCCEEDED or FAILED"
"""The end of a job whose load is committed or cancelled, whichever is first. Its audit row and its rows must agree."""


@dataclass(frozen=True)
class CaseStep:
    """One thing that a case does.

    start: an execution on a source of its own. again: another one on the first one's source. continue: another one of
    the first one's job ID. enter: wait until a state is entered. stop: enter it, and stop the execution. end: wait for
    the execution's end. recorded: wait for its failure recorder. wait: both, where it did not succeed. redrive: the
    execution. record: start the recorder with the event of the first attempt, as a person or a second delivery does.
    fault: put these rules in the place of those that hold. call: a function of `deeds`.
    """

    do: Verb
    number: int = 1  # of the execution, in the order of their start
    at: str = ""  # enter, stop: the state; call: the function
    input: JsonMapping = field(default_factory=dict)  # members of the execution's input besides, or instead
    rules: Sequence[Rule] = ()


@dataclass(frozen=True)
class End:
    """How an attempt has to end, and what has to be known of it.

    Attributes:
        status: of the execution.
        state: that audit.job_attempt names as the failed one; "" for one that succeeded.
        said: a regular expression that the recorded error and cause have to meet.
        told: messages about this attempt; None: one for an attempt that did not succeed.
        heard: a regular expression that `audit` in a message about the execution has to meet.
        audit: of the attempt; None: that of the execution, and "" where none can be there.
        recorder: the status of the failure recorder's execution.
    """

    status: str = "SUCCEEDED"
    state: str = ""
    said: str = ""
    told: int | None = None
    heard: str = ""
    audit: str | None = None
    recorder: str = "SUCCEEDED"

    @property
    def messages(self) -> int:
        """How many messages people get."""
        return (self.status != "SUCCEEDED") if self.told is None else self.told

    @property
    def recorded(self) -> str:
        """The status that the audit tables have."""
        return self.status if self.audit is None else self.audit


RUN = (CaseStep("start"), CaseStep("wait"))
SUCCEEDS = (End(),)


@dataclass(frozen=True)
class ChaosCase:
    """One case.

    Attributes:
        name: unique; its parts are separated by dots, from the state to the fault.
        what: a sentence for people.
        faults: the rules, each of which has to be met at least once, unless it says `"spare": True`.
        steps: what is done.
        ends: of the attempts in the order in which they end.
        jobs: by the number of the execution that began it, the status of each job in audit.job_run, or EITHER; None:
            the first job alone, which SUCCEEDED when an attempt did.
        waits: the factor on Step Functions' waits.
        alone: nothing else may run at that time.
        engines: that serve what the case needs.
    """

    name: str
    what: str
    faults: Sequence[Rule] = ()
    steps: Sequence[CaseStep] = RUN
    ends: Sequence[End] = SUCCEEDS
    jobs: Mapping[int, str] | None = None
    waits: float = 0.01
    alone: bool = False
    engines: Sequence[str] = ("ministack", "localstack")

    @property
    def expected_jobs(self) -> Mapping[int, str]:
        """How each job has to end."""
        if self.jobs is not None:
            return self.jobs
        return {1: "SUCCEEDED" if any(end.status == "SUCCEEDED" for end in self.ends) else "FAILED"}


def failed(state: str, said: str = "", **more: Any) -> tuple[End, ...]:
    """The one attempt fails in a state."""
    return (End("FAILED", state, said, **more),)


def filled(value: object, names: Mapping[str, str]) -> Any:
    """A rule with its names put in."""
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace("{" + name + "}", text)
        return value
    if isinstance(value, Mapping):
        return {key: filled(each, names) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [filled(each, names) for each in value]
    return value
