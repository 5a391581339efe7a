"""Cases that are drawn at random: pairs of faults, and walks from failure to failure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from pipeline_tools.chaos.cases import RUN, SUCCEEDS, Case, End, Rule, Step, failed
from pipeline_tools.chaos.matrix.lives import DENIED_IN


def pairs(cases: Sequence[Case], count: int, chance: random.Random) -> Iterator[Case]:
    """So many pairs of the faults of given cases: one that passes, and any other one, which decides how it ends."""
    single = [case for case in cases if case.steps == RUN and case.faults and not case.alone]
    passing = [case for case in single if case.ends == SUCCEEDS]
    for number in range(count):
        first, second = chance.choice(passing), chance.choice(single)
        # The one may keep the other from being met.
        rules = [
            {**rule, "name": f"{side}-{rule['name']}", "spare": True}
            for side, case in (("first", first), ("second", second))
            for rule in case.faults
        ]
        what = f"{first.name} and {second.name}"
        yield Case(f"pair.{number:03d}", what, rules, ends=second.ends, jobs=second.jobs)


def walks(count: int, chance: random.Random) -> Iterator[Case]:
    """So many jobs that fail in up to three states, and after each are redriven, or continued by another execution."""
    states = list(DENIED_IN)
    for number in range(count):
        chosen = sorted(chance.sample(states, chance.randint(1, 3)), key=states.index)
        rules: list[Rule] = []
        steps, execution, told = [Step("start"), Step("wait")], 1, [chosen[0]]
        ends: list[End] = []
        for position, state in enumerate(chosen):
            name = "{execution}" if execution == 1 else f"{{execution{execution}}}"
            match = {"state": state, "execution": name}
            rules.append({**DENIED_IN[state], "name": f"{position}-denied", "match": match})
            ends += failed(state, "chaos")
            if chance.random() < 0.3:
                steps.append(Step("record"))
            # Before GenerateJobId nothing is there to continue, and after the load nothing is left.
            if state in ("GenerateJobId", "WriteLoadManifest") or chance.random() < 0.5:
                steps += [Step("redrive", execution), Step("wait", execution)]
                told.append("redriven")
            else:
                execution += 1
                steps += [Step("continue"), Step("wait", execution)]
                told.append("continued")
            told += chosen[position + 1 : position + 2]
        what = f"fails in {', '.join(told)}"
        yield Case(f"walk.{number:03d}", what, rules, steps, (*ends, End()), {1: "SUCCEEDED"})
