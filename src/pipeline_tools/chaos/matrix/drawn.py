"""Cases that are drawn at random: pairs of faults, and walks from failure to failure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from pipeline_tools.chaos.cases import RUN, SUCCEEDS, CaseStep, ChaosCase, End, Rule, failed
from pipeline_tools.chaos.matrix.lives import DENIED_IN
from pipeline_tools.chaos.matrix.tasks import ENDS_HERE


def pairs(cases: Sequence[ChaosCase], count: int, chance: random.Random) -> Iterator[ChaosCase]:
    """Random pairs of faults of the given cases: one that passes, and any other one, which decides how it ends."""
    single = [case for case in cases if case.steps == RUN and case.faults and not case.alone]
    passing = [case for case in single if _passes(case)]
    for number in range(count):
        first, second = chance.choice(passing), chance.choice(single)
        chosen = [("first", _one(first, chance))]
        chosen += (
            [("second", _one(second, chance))] if _passes(second) else [("second", each) for each in second.faults]
        )
        # The one may keep the other from being met.
        rules = [{**rule, "name": f"{side}-{rule['name']}", "spare": True} for side, rule in chosen]
        ends, jobs = (SUCCEEDS, None) if _passes(second) else (second.ends, second.jobs)
        what = f"a fault of {first.name}, and {second.name}"
        yield ChaosCase(f"pair.{number:03d}", what, rules, ends=ends, jobs=jobs)


def _passes(case: ChaosCase) -> bool:
    return case.name.endswith(".passes")


def _one(case: ChaosCase, chance: random.Random) -> Rule:
    """One of the faults of a case, each of which passes by itself; not the one that only ends the case."""
    return chance.choice([rule for rule in case.faults if not rule["name"].startswith(ENDS_HERE)])


def walks(count: int, chance: random.Random) -> Iterator[ChaosCase]:
    """Random jobs that fail in up to three states, and are redriven or continued by another execution after each."""
    states = list(DENIED_IN)
    for number in range(count):
        chosen = sorted(chance.sample(states, chance.randint(1, 3)), key=states.index)
        rules: list[Rule] = []
        steps, execution, told = [CaseStep("start"), CaseStep("wait")], 1, [chosen[0]]
        ends: list[End] = []
        for position, state in enumerate(chosen):
            name = "{execution}" if execution == 1 else f"{{execution{execution}}}"
            match = {"state": state, "execution": name}
            rules.append({**DENIED_IN[state], "name": f"{position}-denied", "match": match})
            ends += failed(state, "chaos")
            if chance.random() < 0.3:
                steps.append(CaseStep("record"))
            # Before GenerateJobId nothing is there to continue, and after the load nothing is left.
            if state in ("GenerateJobId", "WriteLoadManifest") or chance.random() < 0.5:
                steps += [CaseStep("redrive", execution), CaseStep("wait", execution)]
                told.append("redriven")
            else:
                execution += 1
                steps += [CaseStep("continue"), CaseStep("wait", execution)]
                told.append("continued")
            told += chosen[position + 1 : position + 2]
        what = f"fails in {', '.join(told)}"
        yield ChaosCase(f"walk.{number:03d}", what, rules, steps, (*ends, End()), {1: "SUCCEEDED"})
