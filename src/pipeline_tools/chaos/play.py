"""Plays the steps of a case on a rig, and keeps what became of each attempt."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from lambda_generate_param import job_id
from pipeline import executions
from pipeline.executions import ExecutionOutcome
from pipeline_tools.chaos import deeds
from pipeline_tools.chaos.cases import CaseStep, ChaosCase, Rule, filled
from pipeline_tools.chaos.rig import DATASET, Rig, milliseconds

T = TypeVar("T")
SECONDS = 240.0
_MOST_NAME_CHARACTERS = 80
_MOST_EXECUTIONS = 5


class PlayError(RuntimeError):
    """A step could not be done, or what it waits for did not come; the message says which."""


@dataclass
class StartedRun:
    """An execution that a case started."""

    number: int
    name: str
    arn: str
    job_id: str
    source_uri: str
    redrives: int = 0


@dataclass
class Attempt:
    """An execution, or a redrive of it, that has ended, and the failure recorder's executions about it."""

    run: StartedRun
    redrive: int
    outcome: ExecutionOutcome
    recorders: list[ExecutionOutcome] = field(default_factory=list)


@dataclass
class Play:
    """One case on a rig. `token` tells the executions of this run of the tool from those of others."""

    rig: Rig
    case: ChaosCase
    token: str
    runs: list[StartedRun] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)  # what a deed leaves for another one
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    _met: dict[str, int] = field(default_factory=dict)  # of rules that hold no more

    def met(self) -> dict[str, int]:
        """How often each fault was met so far."""
        now = self.rig.faults_met()
        return {name: self._met.get(name, 0) + now.get(name, 0) for name in {*self._met, *now}}

    def rules(self) -> list[Rule]:
        """The faults of the case, told apart from those of all other cases."""
        return self.named(self.case.faults)

    def named(self, rules: Any) -> list[Rule]:
        """Rules with the names of this case's executions put in; their own names begin with the case's."""
        found: list[Rule] = filled(list(rules), self.names())
        return [{**rule, "name": f"{self.case.name}#{rule.get('name', number)}"} for number, rule in enumerate(found)]

    def names(self) -> dict[str, str]:
        """What may stand in a rule's texts."""
        found: dict[str, str] = {"source": f"{DATASET}/{self._name(1)}/"}
        for number in range(1, _MOST_EXECUTIONS + 1):
            suffix = "" if number == 1 else str(number)
            name = self._name(number)
            arn = f"{self.rig.machine('pipeline').replace(':stateMachine:', ':execution:')}:{name}"
            found |= {f"execution{suffix}": name, f"id{suffix}": job_id.make(arn, 0).partition("-")[2]}
        return found

    def perform(self) -> None:
        """Do all steps.

        Raises:
            PlayError: one could not be done.
        """
        # A little earlier than all that the case starts, whose times may be rounded.
        self.began = datetime.now(UTC) - timedelta(seconds=2)
        verbs: Mapping[str, Callable[[CaseStep], None]] = {
            "start": lambda step: self._start(step, None),
            "again": lambda step: self._start(step, self.runs[0].source_uri),
            "continue": self._continue,
            "enter": lambda step: self.entered(self._run(step).arn, step.at),
            "end": self._end,
            "recorded": self._recorded,
            "wait": self._wait,
            "redrive": self._redrive,
            "stop": self._stop,
            "record": self._record,
            "fault": self._fault,
            "call": lambda step: deeds.DEEDS[step.at](self),
        }
        for step in self.case.steps:
            verbs[step.do](step)

    # Steps

    def _run(self, step: CaseStep) -> StartedRun:
        return self.runs[step.number - 1]

    def _start(self, step: CaseStep, source_uri: str | None) -> None:
        number = len(self.runs) + 1
        name = self._name(number)
        source = source_uri or self.rig.put_source(name)
        given = filled(step.input, {"nowhere": f"s3://{self.rig.outputs['raw_bucket']}/{DATASET}/{name}/nothing/"})
        document = {"dataset": DATASET, "source_uri": source, "parameters": {}, **given}
        self._begin(number, name, document, source)

    def _continue(self, step: CaseStep) -> None:
        number = len(self.runs) + 1
        job = self.runs[step.number - 1]
        self._begin(number, self._name(number), {"job_id": job.job_id, **step.input}, job.source_uri, job.job_id)

    def _begin(self, number: int, name: str, document: Mapping[str, object], source: str, job: str = "") -> None:
        client = self.rig.clients.get("stepfunctions")
        arn = executions.start(client, self.rig.machine("pipeline"), document, name=name)
        began = client.describe_execution(executionArn=arn)["startDate"]
        made = job or job_id.make(arn, milliseconds(began))
        self.runs.append(StartedRun(number, name, arn, made, source))

    def _end(self, step: CaseStep) -> None:
        run = self._run(step)
        self.attempts.append(Attempt(run, run.redrives, self.ended(run.arn)))

    def _recorded(self, step: CaseStep) -> None:
        run = self._run(step)
        for attempt in self.attempts:
            if attempt.run is run and not attempt.outcome.succeeded and not attempt.recorders:
                attempt.recorders.extend(self._recorders(run.arn, attempt.redrive))

    def _wait(self, step: CaseStep) -> None:
        self._end(step)
        self._recorded(step)

    def _recorders(self, arn: str, redrive: int) -> list[ExecutionOutcome]:
        """How the recorder's executions about an attempt ended: one may start another, which does the work."""
        self.until(
            lambda: self.rig.recorders(arn, redrive, self.began) or None,
            f"the failure of {arn} is told to the recorder",
        )
        ended: dict[str, ExecutionOutcome] = {}
        while found := [each for each in self.rig.recorders(arn, redrive, self.began) if each not in ended]:
            ended |= {each: self.ended(each) for each in found}
        return list(ended.values())

    def _redrive(self, step: CaseStep) -> None:
        run = self._run(step)
        self.rig.clients.get("stepfunctions").redrive_execution(executionArn=run.arn)
        run.redrives += 1

    def _stop(self, step: CaseStep) -> None:
        run = self._run(step)
        self.entered(run.arn, step.at)
        client = self.rig.clients.get("stepfunctions")
        client.stop_execution(executionArn=run.arn, error="Stopped", cause="stopped by a case of chaos")

    def _record(self, step: CaseStep) -> None:
        """Start the recorder again with the event that it had, as a late or second delivery does."""
        client, arn = self.rig.clients.get("stepfunctions"), self._run(step).arn
        before = self.rig.recorders(arn, 0, self.began)
        executions.start(client, self.rig.machine("record-failure"), self.rig.event_of(arn))
        # It may start another one, which does the work.
        for outcome in self._recorders(arn, 0):
            if outcome.arn not in before and not outcome.succeeded:
                raise PlayError(f"the recorder ended as {outcome.status}: {outcome.error}: {outcome.cause}")

    def _fault(self, step: CaseStep) -> None:
        self._met = self.met()
        self.rig.put_faults(self.named(step.rules), self.case.waits)

    # What they wait for

    def ended(self, arn: str) -> ExecutionOutcome:
        """An execution once it has ended."""
        client = self.rig.clients.get("stepfunctions")

        def final() -> bool | None:
            return client.describe_execution(executionArn=arn)["status"] in executions.FINAL_STATUSES or None

        try:
            self.until(final, f"{arn} has ended")
        except PlayError as error:
            raise PlayError(f"{error}; it is in {self.where(arn)}") from error
        return executions.wait(client, arn, timeout_seconds=SECONDS)

    def entered(self, arn: str, state: str) -> None:
        """Wait until a state is entered, which the execution does not leave meanwhile."""
        self.until(lambda: self.where(arn) == state or None, f"{state} is entered")

    def where(self, arn: str) -> str:
        """The state that an execution entered last, or ""."""
        client = self.rig.clients.get("stepfunctions")
        pages = client.get_paginator("get_execution_history").paginate(executionArn=arn, includeExecutionData=False)
        events = [event for page in pages for event in page["events"] if "stateEnteredEventDetails" in event]
        return str(events[-1]["stateEnteredEventDetails"]["name"]) if events else ""

    def until(self, look: Callable[[], T | None], what: str, seconds: float = SECONDS) -> T:
        """The first answer of `look` that is not None.

        Raises:
            PlayError: there was none in time.
        """
        deadline = time.monotonic() + seconds
        while (found := look()) is None:
            if time.monotonic() > deadline:
                raise PlayError(f"not within {seconds:.0f} s: {what}")
            time.sleep(0.2)
        return found

    def _name(self, number: int) -> str:
        key = hashlib.sha256(json.dumps([self.case.name, self.token, number]).encode()).hexdigest()[:10]
        plain = re.sub(r"[^0-9A-Za-z_-]", "-", self.case.name)
        return f"{plain[: _MOST_NAME_CHARACTERS - 12]}-{key}"
