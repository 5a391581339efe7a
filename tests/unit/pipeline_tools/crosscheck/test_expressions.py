"""The expressions of the state machines: a break in the real file is reported at its line."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.jsonata import EvaluationError, evaluate
from local_aws.jsonata.refused_definitions import problems
from pipeline_tools.crosscheck.expressions import Scope, examine, types
from pipeline_tools.crosscheck.flow import typed
from pipeline_tools.crosscheck.sample_values import UNKNOWN
from pipeline_tools.crosscheck.template import Node
from tests.unit.pipeline_tools.crosscheck.conftest import Copy

PIPELINE = "infra/state_machines/pipeline.asl.yaml"
FAILURE = "infra/state_machines/record-failure.asl.yaml"
RUN_SQL = "infra/state_machines/run-sql.asl.yaml"


@pytest.mark.parametrize(
    ("file", "after", "old", "new", "wrong", "todo"),
    [
        (RUN_SQL, "", "$floor($random()", "$floor(($random()", "the expression is not JSONata", "correct it"),
        (PIPELINE, "", "{% $job.dataset %}", "{% $job.dataset ?? 1 %}", "not JSONata 2.0.6: The symbol", "correct it"),
        (PIPELINE, "", "$append($load.", "$eval($load.", r"\$eval is not assigned", r"\$parse reads JSON"),
        (PIPELINE, "", "$append($load.", "$add($load.", r"\$add is not assigned", "assigned are: "),
        (
            PIPELINE,
            "",
            "$substringBefore($replace($states",
            "$before($replace($states",
            r"\$before is not assigned",
            "",
        ),
        (
            PIPELINE,
            "",
            "{% $job.uris.staged %}",
            "{% job.uris.staged %}",
            "job is a field of nothing",
            r"\$job for a var",
        ),
        (PIPELINE, "", "{% $job.dataset %}", "dataset {% $job.dataset %}", "do not enclose the whole text", "begin it"),
        # A state's own Assign is not yet visible in it.
        (
            PIPELINE,
            "    Output:",
            "$states.result.Payload.job_id",
            "$job.job_id",
            r"\$job is not assigned",
            r"\$earlier",
        ),
        # What only a later state assigns.
        (PIPELINE, "RegisterJob:", "{% $job.job_id %}", "{% $python.job_id %}", r"\$python is not assigned", r"\$job"),
        # What is there in another place only.
        (PIPELINE, "", "$states.context.Execution.StartTime", "$states.result.Time", "states.result does not", "input"),
        (
            FAILURE,
            "",
            "$states.errorOutput.Cause",
            "$states.result.Cause",
            "states.result does not exist",
            "errorOutput",
        ),
        (
            FAILURE,
            "",
            "$states.errorOutput.Cause",
            "$states.errorOutput.Reason",
            "Reason does not exist",
            "Error, Cause",
        ),
        (RUN_SQL, "", "{% $states.result.Id %}", "{% $states.errorOutput.Cause %}", "errorOutput does not", "result"),
        (PIPELINE, "", "$states.context.Execution.Id ", "$states.context.Execution.Arn ", "Execution.Arn does", "Id"),
        (
            PIPELINE,
            "",
            "$states.context.State.EnteredTime,",
            "$states.context.State.Time,",
            "State.Time does",
            "Entered",
        ),
        # What the Lambda answers.
        (PIPELINE, "", "$job.uris.contract ", "$job.uris.contrat ", "job.uris.contrat does not exist", "contract"),
        (PIPELINE, "", "$load.statements ", "$load.sqls ", "load.sqls does not exist", "statements"),
        (PIPELINE, "", "$job.uris.curated)", "$job.uris.curated.route_delays)", "route_delays does not", "other_table"),
        (PIPELINE, "", "$job.parameters)", "$job.parameters.late_minutes)", "late_minutes does not", "date_parameter"),
        (FAILURE, "cancel: true", "$failure.job_id ", "$failure.id ", "failure.id does not exist", "cause"),
        # What the manifests have.
        (
            PIPELINE,
            "",
            "'rows_staged': rows_out",
            "'rows_staged': rows_staged",
            "rows_staged does not exist",
            "rows_out",
        ),
        (PIPELINE, "", "$spark.rows_out ", "$spark.rows ", "spark.rows does not exist", "rows_out"),
        (
            PIPELINE,
            "",
            "$table.rows}",
            "$table.count}",
            "table.count does not exist",
            "files, rows, uri",
        ),
        (
            PIPELINE,
            "",
            "$spark.tables, function",
            "$python.tables, function",
            "python.tables does not exist",
            "rows_in",
        ),
        # What a state machine gives to another, and a state to the next.
        (PIPELINE, "", "Output.statement_id ", "Output.statement ", "Output.statement does not exist", "records"),
        (RUN_SQL, "", "$states.input.batch ", "$states.input.sql ", "input.sql does not exist", "job_id, batch"),
        (RUN_SQL, "", "$batch.statement_name", "$batch.name", "batch.name does not exist", "statements"),
        (PIPELINE, "", "$states.input.statement_id", "$states.input.id", "input.id does not exist", "rows_loaded"),
        # What an API answers.
        (RUN_SQL, "", "$states.result.Status ", "$states.result.State ", "result.State does not exist", "Duration"),
        (PIPELINE, "", "$states.result.Id :", "$states.result.RunId :", "result.RunId does not exist", "JobRunState"),
        (FAILURE, "", "Details.Name ", "Details.State ", "Details.State does not exist", "Name, Input, InputDetails"),
    ],
)
def test_a_broken_expression_is_reported_where_it_is(
    project: Copy, file: str, after: str, old: str, new: str, wrong: str, todo: str
) -> None:
    line = project.break_(file, old, new, after=after)
    project.assert_found(file, line, wrong, todo)


def test_a_variable_that_one_path_does_not_assign_is_reported(project: Copy) -> None:
    project.break_(FAILURE, '          failed_state: "-"\n', "")
    line = project.break_(FAILURE, "failed_state: ", "failed_state: ", after="action: failure")
    wrong = r"\$failed_state is not assigned on every path"
    project.assert_found(FAILURE, line, wrong, r"assigned are: \$audit, \$dataset_of_job, \$described, \$docu")


def test_the_assignments_of_a_catch_count_for_its_edge_alone(project: Copy) -> None:
    project.break_(FAILURE, '      failed_state: "{%', '      failed: "{%')
    line = project.break_(FAILURE, "failed_state: ", "failed_state: ", after="action: failure")
    project.assert_found(FAILURE, line, r"\$failed_state is not assigned on every path", "")


@pytest.mark.parametrize(
    "expression",
    [
        "($a := 1; $f := function($x) {$x = 0 ? $a : $f($x - 1)}; $f(3))",
        "$job.tables[rows = 1 and $exists(name)].name",
        "$job.tables@$t.{'n': $t.name}",
        "$job.tables#$i[$i = 0]",
        "$exists($job.note) ? $job.note : 'none'",
        "$job.tables^(>rows).name",
        "$job ~> |tables|{'rows': 0}|",
        "$map($job.tables, function($t, $i) {$t.rows + $i})",
        "$reduce([1, 2], function($a, $b) {$a + $b})",
        "$states.input.anything.at.all",
        "$sum($job.tables.rows) & $uuid() & $hash('a', 'SHA-256')",
        "$job.tables{name: $sum(rows)}",
        "$job.(tables.rows)",
        "$job.**.rows",
    ],
)
def test_what_jsonata_offers_is_known(expression: str) -> None:
    said: list[Any] = []
    scope = Scope({"job": {"tables": [{"name": "a", "rows": 1}]}}, {"input": UNKNOWN})
    examine(expression, scope, lambda *finding: said.append(finding))
    assert said == []


@pytest.mark.parametrize(
    ("expression", "offset", "wrong"),
    [
        ("1 + $x", 5, "$x is not assigned on every path to this state"),
        ("(($a := 1); $a)", 13, "$a is not assigned on every path to this state"),
        ("$map([1], function($v) {$v}) & $v", 32, "$v is not assigned on every path to this state"),
        ("$eval('1')", 4, "$eval is not assigned on every path to this state"),
        ("$$.a", 1, "$$ is nothing here: an expression of a state has no input document"),
        ("$job.tables[row = 1]", 14, "row does not exist"),
        ("$lookup($job.table, 'a')", 17, "job.table does not exist"),
        ("$job.name.first", 14, "job.name.first does not exist"),
        ("$filter($job.tables, function($t) {$t.rows > 5})", 0, "the expression gives nothing in a sample run"),
        ("$job.name + 1", 0, "the expression fails in a sample run"),
        ("$job.name ?? 'none'", 11, 'not JSONata 2.0.6: The symbol "?" cannot be used as a unary operator'),
        ("$job.name ?: 'none'", 11, 'not JSONata 2.0.6: The symbol ":" cannot be used as a unary operator'),
        ("$f($job.name ?? 'none')", 14, 'not JSONata 2.0.6: The symbol "?" cannot be used as a unary operator'),
        ("$format($job.name)", 7, "$format is not assigned on every path to this state"),
        ("$parse('{')", 0, "the expression fails in a sample run: it threw an error during evaluation. D3137: Invalid"),
        ("$sum", 0, "the expression gives a function"),
        ("($x := 1; function($y) {$y})", 0, "the expression gives a function"),
        ("/a++/", 0, "not JSONata 2.0.6: Invalid regular expression"),
    ],
)
def test_a_mistake_is_found_at_its_place(expression: str, offset: int, wrong: str) -> None:
    said: list[tuple[int, str, str]] = []
    scope = Scope({"job": {"name": "n", "tables": [{"name": "a", "rows": 1}]}}, {"input": UNKNOWN})
    examine(expression, scope, lambda *finding: said.append(finding))
    ((at, message, todo),) = said
    assert wrong in message
    assert abs(at - offset) <= 1
    assert todo


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'a'", {"string"}),
        ("1 = 1", {"boolean"}),
        ("$x and $y", {"boolean"}),
        ("$x & $y", {"string"}),
        ("$x - 1", {"number", "string"}),  # a text where the number is not finite
        ("[$x]", {"array"}),
        ("{'a': $x}", {"object"}),
        ("null", {"null"}),
        ("$string($x)", {"string"}),
        ("$x ~> $count()", {"number"}),
        ("$x ~> $uppercase", {"string"}),
        ("($y := 1; $not($x))", {"boolean"}),
        ("$x ? 'a' : true", {"string", "boolean"}),
        ("$x ? $y : true", None),
        ("$x.y", None),
        ("$filter($x, $y)", None),
        ("[1, 2][$x]", None),
        ("$f($x)", None),
        ("function($x) {$x}", {"function"}),
    ],
)
def test_the_types_of_a_result_are_told_from_the_text(expression: str, expected: set[str] | None) -> None:
    assert types(expression) == expected


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("Condition", "{% 'yes' %}", "string"),
        ("Condition", "{% $count($job.tables) %}", "number"),
        ("Condition", "{% $job.name %}", "string"),
        ("Condition", "{% $job.flag ? 'a' : 1 %}", "number or string"),
        ("Condition", "yes", "string"),
        ("Seconds", "{% $job.name = 'n' %}", "boolean"),
        ("Items", "{% {'a': $job.flag} %}", "object"),
        ("TimeoutSeconds", "{% [1] %}", "array"),
        ("Error", "{% 1 = $job.flag %}", "boolean"),
    ],
)
def test_a_result_of_a_type_that_the_field_cannot_have_is_reported(field: str, value: str, found: str) -> None:
    said: list[str] = []
    scope = Scope({"job": {"name": "n", "flag": UNKNOWN, "tables": [1]}}, {})
    typed(field, Node(7, value), scope, lambda line, wrong, todo: said.append(f"{line}: {wrong}; {todo}"))
    (finding,) = said
    assert finding.startswith(f"7: {field} is of type {found}, which fails the state; write what gives a ")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Condition", "{% $job.flag %}"),
        ("Condition", "{% $job.flag ? true : $job.name %}"),
        ("Condition", "{% $exists($job.flag) %}"),
        ("Condition", True),
        ("Seconds", "{% $job.flag * 2 %}"),
        ("Seconds", 5),
        ("Items", "{% [1..3] %}"),
        ("Output", "{% 'anything' %}"),
    ],
)
def test_a_result_that_the_field_can_have_is_not_reported(field: str, value: Any) -> None:
    said: list[Any] = []
    scope = Scope({"job": {"name": "n", "flag": UNKNOWN}}, {})
    typed(field, Node(7, value), scope, lambda *finding: said.append(finding))
    assert said == []


# With everything known, the check says something of an expression where, and only where, a state fails with it. It says
# more of a variable that is assigned nowhere, and less of the elements that a list may have.
@pytest.mark.parametrize(
    "expression",
    [
        "$x ?? 1",
        "$x ?: 1",
        "$s & '??' & '?:'",
        "$eval('1')",
        "$x.y",
        "$o.a.b",
        "$o.a.c",
        "$missing",
        "$exists($o.zzz)",
        "$exists($o.zzz) ? $o.zzz : 1",
        "$states.input.rows[n > 1].k",
        "$states.input.rows.m",
        "$states.input.rows{k: n}",
        "$states.input.rows^(>n)[0].k",
        "$states.result",
        "$states.errorOutput",
        "phone",
        "$.phone",
        "$$.x",
        "$map($l, function($v, $i) {$v * $i})",
        "$map($l, function($v) {$w})",
        "$map($states.input.rows, function($r) {$r.n})",
        "$map($states.input.rows, function($r) {$r.zz})",
        "$filter($l, function($v) {$v > 9})",
        "$reduce($l, function($a, $b) {$a + $b})",
        "$reduce($l, function($a) {$a})",
        "($f := function($n) {$n = 0 ? 1 : $n * $f($n - 1)}; $f(5))",
        "($f := function($n) {$n = 0 ? 1 : $n * $f($n - 1)}; $f(50))",
        "(($y := 1); $y)",
        "($y := 1; $y)",
        "$l[0] / 0",
        "$x / 0 + 1",
        "$s + 1",
        "-$s",
        "$l & ''",
        "[$n]",
        "{'a': $n}",
        "{1: 2}",
        "{'a': 1, 'a': 2}",
        "$partition($l, 2)",
        "$partition($l, 0)",
        "$range(1, 3, 0)",
        "$hash($s, 'CRC')",
        "$hash($s, 'MD5')",
        "$random('a')",
        "$parse($s)",
        "$parse('{\"a\":1}').a",
        "$parse('{\"a\":1}').b",
        "$uuid(1)",
        "$substring(?, 0, 2)",
        "$substring(?, 0, 2)($s)",
        "function($x) {$x}",
        "$sum",
        "$sum($s)",
        "sum($l)",
        "$lookup($o, 'k')",
        "$lookup($o, 'z')",
        "$keys($e)",
        "$e",
        "$e[0]",
        "$count($e)",
        "$l ~> $sum",
        "$l ~> $sum ~> $string",
        "$l ~> 5",
        "$o ~> |a|{'c': 1}|",
        "$contains($s, /t.x/)",
        "$contains($s, /t++/)",
        "$match($s, /x*/)",
        "$match($s, /zz/)",
        "$split($s, '')",
        "$number($s)",
        "$toMillis('2026-01-01')",
        "$toMillis('x')",
        "$fromMillis(0)",
        "$formatNumber($x, '#0.0')",
        "$formatNumber($x, 'x')",
        "$string(function($x) {1})",
        "$type($n)",
        "$missing > 1",
        "$missing + 1",
        "$n > 1",
        "$n.a",
        "$o.*",
        "$o.**",
        "$o.%",
        "$l@$i",
        "$states.input.rows#$i.{'i': $i}",
        "$states.input.rows@$r.{'k': $r.k}",
        "$sort($l, function($a, $b) {$a < $b})",
        "$sort([$x, $s])",
        "$assert($t)",
        "$assert(false)",
        "$error('x')",
        "[1..3]",
        "[1.5..3]",
        "$l in [1]",
        "1 in $l",
        "$single($l)",
        "$single($l, function($v) {$v = 2})",
        "$states",
        "$states.context.Execution.Id",
        "$states.context.Execution.Arn",
        "$now()",
        "$millis() > 0",
        "/* only */",
        "'a' 'b'",
        "$x[",
        ")",
        '"\\q"',
        "`x`",
        "$`x`",
    ],
)
def test_the_check_and_the_endpoint_have_one_verdict(expression: str) -> None:
    variables = {
        "x": 1,
        "s": "text",
        "l": [1, 2, 3],
        "o": {"a": {"b": [1, 2]}, "k": "v"},
        "n": None,
        "e": [],
        "t": True,
    }
    states = {
        "input": {"id": "j", "rows": [{"n": 1, "k": "a"}, {"n": 2, "k": "b"}]},
        "context": {"Execution": {"Id": "arn"}},
    }
    said: list[Any] = []
    examine(expression, Scope(variables, states), lambda *finding: said.append(finding))
    definition = {
        "QueryLanguage": "JSONata",
        "States": {"S": {"Type": "Pass", "Output": f"{{%{expression}%}}"}},
    }
    failures: list[Any] = list(problems(definition))
    if not failures:
        try:
            evaluate(expression, {**variables, "states": states})
        except EvaluationError as error:
            failures.append(error)
    assert bool(said) == bool(failures), (said, failures)
