"""Faults on demand: what the local endpoint does wrong, when it is told to, so that pipelines can be tested with it.

Rules say on which occasions; each place of the endpoint where one may arise asks `Faults`. docs/faults.md is their
format, `documents` reads it. Without rules an occasion costs a look at one attribute.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Literal

from local_aws.json_types import JsonMapping, JsonObject

At = Literal["task", "request", "job_run", "statement", "event"]
When = Literal["before", "after"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Error:
    """An error of AWS. `code`: as the service names it; `status`: of HTTP, None is what the service gives with it."""

    code: str = ""
    message: str = "injected by a rule of /_local/faults"
    status: int | None = None


@dataclass(frozen=True)
class Rule:
    """One fault: where, on which occasions, and what happens then; docs/faults.md tells of each field."""

    name: str
    at: At
    when: When = "before"
    service: str | None = None
    operation: str | None = None
    match: Mapping[str, str] = field(default_factory=dict)
    skip: int = 0
    times: int = 1  # 0: every one
    error: Error | None = None
    state: str | None = None
    cut: int | None = None  # bytes
    delay: float = 0.0  # seconds
    copies: int | None = None
    kill: str | None = None

    def document(self) -> JsonObject:
        """As a document has it, without what is as by default."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        if self.error is not None:
            found["error"] = {name: value for name, value in vars(self.error).items() if value not in (None, "")}
        defaults = {"when": "before", "match": {}, "skip": 0, "times": 1, "delay": 0.0}
        return {name: value for name, value in found.items() if value is not None and value != defaults.get(name)}


@dataclass(frozen=True)
class FaultPlan:
    """All rules. `waits`: the factor on the seconds of Step Functions' retries and Wait states."""

    rules: tuple[Rule, ...] = ()
    waits: float = 1.0

    def document(self) -> JsonObject:
        """As a document has it."""
        return {"waits": self.waits, "faults": [rule.document() for rule in self.rules]}


@dataclass(frozen=True)
class Occasion:
    """Something that a rule may be for.

    Args:
        service: boto3's name of a client; empty where the work is not a call.
        operation: of that service, as its API names it.
        members: of the request, of the event, of the job run's arguments …
        names: what is known beside the members, such as `state`; they come first.
    """

    service: str = ""
    operation: str = ""
    members: JsonMapping = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def fits(self, rule: Rule) -> bool:
        """Whether a rule is for occasions such as this one."""
        if rule.service not in (None, self.service) or rule.operation not in (None, self.operation):
            return False
        return all(any(fnmatchcase(text, glob) for text in self._texts(path)) for path, glob in rule.match.items())

    def _texts(self, path: str) -> Iterator[str]:
        if path in self.names:
            yield self.names[path]
        else:
            yield from texts_at(self.members, path)


def texts_at(value: object, path: str) -> Iterator[str]:
    """The texts at a dotted path: of a list, those of each item; JSON in a text is looked into.

    The case of a name's first letter does not count: Step Functions spells `JobName` what some APIs call `jobName`.
    """
    if isinstance(value, bytes | bytearray):
        value = bytes(value).decode(errors="replace")
    if isinstance(value, str) and path:
        try:
            value = json.loads(value)
        except ValueError:
            return
    if isinstance(value, Mapping):
        if not path:
            yield json.dumps(value, default=str)
        for name, member in value.items():
            for rest in _rests(str(name), path):
                yield from texts_at(member, rest)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_at(item, path)
    elif not path:
        yield value if isinstance(value, str) else json.dumps(value, default=str)


def _rests(name: str, path: str) -> Iterator[str]:
    """What is left of a path below a member, where the path begins with its name; a name may have dots itself."""
    if not path or name[1:] != path[1 : len(name)] or name[:1].lower() != path[:1].lower():
        return
    if len(path) == len(name):
        yield ""
    elif path[len(name)] == ".":
        yield path[len(name) + 1 :]


class _Watched:
    """A rule and how often it was met."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.seen = 0
        self.met = 0

    def take(self) -> bool:
        """Count an occasion; whether it is one that the rule acts on."""
        rule = self.rule
        if rule.times and self.met >= rule.times:
            return False
        self.seen += 1
        if self.seen <= rule.skip:
            return False
        self.met += 1
        return True


class Faults:
    """The rules of an endpoint, which every place where a fault may arise asks.

    `task`, `request`, `job_run`, `statement` and `event` are empty where there is no rule for such a place: the one
    look that it costs. Thread-safe.
    """

    def __init__(self, plan: FaultPlan | None = None) -> None:
        self._lock = threading.Lock()
        self._killers: dict[str, Callable[[], None]] = {"endpoint": lambda: os.kill(os.getpid(), signal.SIGKILL)}
        self.put(plan or FaultPlan())

    def put(self, plan: FaultPlan) -> None:
        """Replace all rules; every count begins at 0."""
        watched = [_Watched(rule) for rule in plan.rules]
        with self._lock:
            self.plan, self._watched = plan, watched
            self.waits = plan.waits
            self.task, self.request, self.job_run, self.statement, self.event = (
                tuple(each for each in watched if each.rule.at == at)
                for at in ("task", "request", "job_run", "statement", "event")
            )

    def met(self) -> dict[str, int]:
        """How often each rule has acted, by its name."""
        with self._lock:
            return {each.rule.name: each.met for each in self._watched}

    def can_kill(self, what: str, kill: Callable[[], None]) -> None:
        """Tell how something is killed that rules name in `kill`."""
        self._killers[what] = kill

    def take(self, watched: Sequence[_Watched], when: When, occasion: Occasion) -> Rule | None:
        """The rule that acts on an occasion: the first one that is for it and due. What is to be killed is.

        Args:
            watched: one of this object's `task`, `request` …
            when: before the work, or after it.
            occasion: what happens.
        """
        fitting = [each for each in watched if each.rule.when == when and occasion.fits(each.rule)]
        with self._lock:
            found = next((each.rule for each in fitting if each.take()), None)
        if found is not None:
            _log.warning("fault %s: %s %s %s", found.name, when, occasion.service, occasion.operation)
        return found

    def kill(self, rule: Rule) -> None:
        """Kill what a rule says, if it is the endpoint or its database. To be called after the rule's delay."""
        if rule.kill in self._killers:
            self._killers[rule.kill]()
