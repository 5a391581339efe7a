"""Plays cases: some at a time where their faults can be told apart, else one by one."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

from dataset_contract.json_types import JsonObject
from pipeline_tools.chaos.cases import ChaosCase
from pipeline_tools.chaos.invariants import Ledger, Violation, check
from pipeline_tools.chaos.play import Play, PlayError
from pipeline_tools.chaos.rig import Rig, RigError

_AT_ONCE = 3


@dataclass(frozen=True)
class CaseResult:
    """What became of a case.

    Attributes:
        seconds: from its first step to the end of its checks.
    """

    case: ChaosCase
    seconds: float
    findings: Sequence[Violation]
    met: dict[str, int] = field(default_factory=dict)
    attempts: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def document(self) -> JsonObject:
        """As the JSON file has it."""
        findings = [{"what": each.what, "expected": each.expected, "found": each.found} for each in self.findings]
        return {
            "name": self.case.name,
            "what": self.case.what,
            "passed": self.passed,
            "seconds": round(self.seconds, 2),
            "attempts": list(self.attempts),
            "faults_met": self.met,
            "findings": findings,
        }


def play_all(rig: Rig, cases: Iterable[ChaosCase], token: str, tell: Callable[[CaseResult], None]) -> list[CaseResult]:
    """Play all cases and return their results in the order of their ends; `tell` is called with each."""
    ledger, results = Ledger(), []

    def done(result: CaseResult) -> None:
        results.append(result)
        tell(result)

    together = [case for case in cases if not case.alone]
    for waits, group in itertools.groupby(sorted(together, key=lambda case: -case.waits), lambda case: case.waits):
        plays = [Play(rig, case, token) for case in group]
        rig.put_faults([rule for play in plays for rule in play.rules()], waits)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for ended in as_completed([pool.submit(_play, play, ledger) for play in plays]):
                done(ended.result())
    for case in (case for case in cases if case.alone):
        play = Play(rig, case, token)
        rig.put_faults(play.rules(), case.waits)
        done(_play(play, ledger))
    rig.clear_faults()
    return results


def _play(play: Play, ledger: Ledger) -> CaseResult:
    began = time.monotonic()
    findings: list[Violation] = []
    met: dict[str, int] = {}
    try:
        play.perform()
        met = {name: count for name, count in play.met().items() if name.startswith(f"{play.case.name}#")}
        findings = check(play, ledger, met)
    except Exception as error:  # a case that breaks is a case that failed, and the others go on
        said = str(error) if isinstance(error, (PlayError, RigError)) else f"{type(error).__name__}: {error}"
        findings = [Violation("the steps", "to be done", f"{said} ({_so_far(play)})")]
    return CaseResult(play.case, time.monotonic() - began, findings, met, _ends(play))


def _ends(play: Play) -> list[str]:
    return [" ".join(filter(None, (each.outcome.status, each.outcome.error))) for each in play.attempts]


def _so_far(play: Play) -> str:
    said = [f"{each.outcome.status}: {each.outcome.error}: {each.outcome.cause}"[:300] for each in play.attempts]
    return f"attempts that ended: {'; '.join(said) or 'none'}"
