"""The data flow over forms that the project's own state machines do not have."""

from __future__ import annotations

from typing import Any

from pipeline_tools.crosscheck import asl, template
from pipeline_tools.crosscheck.flow import Flow, context
from pipeline_tools.crosscheck.sample_values import UNKNOWN

ARN = "arn:aws:states:us-east-1:123456789012:execution:machine:sample"

NESTED = """
QueryLanguage: JSONata
StartAt: Prepare
States:
  Prepare: {Type: Pass, Assign: {outer: [1, 2]}, Next: Each}
  Each:
    Type: Map
    Items: "{% $outer %}"
    ItemProcessor:
      StartAt: One
      States:
        One:
          Type: Pass
          Assign: {inner: "{% $outer[0] + $states.context.Map.Item.Index %}"}
          Next: Two
        Two:
          Type: Pass
          Output: "{% $inner %}"
          End: true
    Next: Both
  Both:
    Type: Parallel
    Branches:
      - {StartAt: Left, States: {Left: {Type: Succeed, Output: "{% $outer %}"}}}
      - {StartAt: Right, States: {Right: {Type: Succeed, Output: "{% $inner %}"}}}
    Output: "{% $states.result %}"
    End: true
"""

CHOICE = """
QueryLanguage: JSONata
StartAt: Count
States:
  Count: {Type: Pass, Assign: {number: 0, seen: []}, Next: Enough}
  Enough:
    Type: Choice
    Choices:
      - Condition: "{% $number > 3 %}"
        Assign: {reason: enough}
        Next: Tell
    Assign: {number: "{% $number + 1 %}", seen: "{% $append($seen, $number) %}", other: 1}
    Default: Wait
  Wait: {Type: Wait, Seconds: "{% $other %}", Next: Enough}
  Tell: {Type: Fail, Error: Told, Cause: "{% $reason & $other %}"}
"""


def said_about(text: str) -> list[str]:
    machine, _ = template.read(text)
    said: list[str] = []

    def report(line: int, wrong: str, _todo: str) -> None:
        said.append(f"{line}: {wrong}")

    def answer(*_: Any) -> Any:
        return UNKNOWN

    asl.check(machine, report)
    Flow(context(ARN, {}), answer).run(machine, {}, report)
    return said


def test_an_inner_machine_sees_the_variables_around_it_and_keeps_its_own() -> None:
    assert said_about(NESTED) == ["25: $inner is not assigned on every path to this state"]


def test_the_structure_of_an_inner_machine_is_checked() -> None:
    assert said_about(NESTED.replace("Next: Two", "Next: Three"))[:2] == [
        "15: state One goes on to 'Three', which is not a state",
        "16: state Two is never reached from One",
    ]


def test_a_choice_assigns_for_its_rule_or_for_its_default_and_a_loop_comes_to_an_end() -> None:
    assert said_about(CHOICE) == ["15: $other is not assigned on every path to this state"]
