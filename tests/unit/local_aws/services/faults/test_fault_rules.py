"""Rules: which occasions they are for, how often they act, and how their documents are read."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from local_aws.services.faults import documents
from local_aws.services.faults.documents import FaultsError, read, read_file, read_json
from local_aws.services.faults.fault_rules import Error, FaultPlan, Faults, Occasion, Rule, texts_at
from local_aws.services.faults.requests import administer

X = Error("X")
CALL = Occasion("glue", "StartJobRun", {"JobName": "clean-spark"}, {"state": "Clean"})


def taken(faults: Faults, count: int) -> list[bool]:
    return [faults.take(faults.task, "before", CALL) is not None for _ in range(count)]


@pytest.mark.parametrize(
    ("skip", "times", "expected"),
    [
        (0, 1, [True, False, False, False]),
        (1, 1, [False, True, False, False]),
        (0, 2, [True, True, False, False]),
        (2, 0, [False, False, True, True]),
        (0, 0, [True, True, True, True]),
    ],
)
def test_occasions_are_skipped_and_counted(skip: int, times: int, expected: list[bool]) -> None:
    faults = Faults(FaultPlan((Rule("r", "task", skip=skip, times=times, error=X),)))
    assert taken(faults, 4) == expected
    assert faults.met() == {"r": sum(expected)}


def test_the_first_rule_that_is_due_takes_the_occasion() -> None:
    faults = Faults(FaultPlan((Rule("a", "task", times=2, error=X), Rule("b", "task", skip=1, error=X))))
    found = [faults.take(faults.task, "before", CALL) for _ in range(5)]
    assert [rule.name if rule else None for rule in found] == ["a", "a", None, "b", None]


def test_new_rules_are_counted_anew() -> None:
    plan = FaultPlan((Rule("r", "task", error=X),))
    faults = Faults(plan)
    assert taken(faults, 2) == [True, False]
    faults.put(plan)
    assert taken(faults, 2) == [True, False]


def test_no_occasion_is_counted_twice() -> None:
    faults = Faults(FaultPlan((Rule("r", "task", times=200, error=X),)))
    begin = threading.Barrier(4)
    found: list[int] = []

    def take() -> None:
        begin.wait()
        found.append(sum(taken(faults, 100)))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(found) == 200


@pytest.mark.parametrize(
    ("fields", "fits"),
    [
        ({}, True),
        ({"service": "glue"}, True),
        ({"service": "s3"}, False),
        ({"service": "glue", "operation": "GetJobRun"}, False),
        ({"match": {"JobName": "*-spark"}}, True),
        ({"match": {"jobName": "clean-?park"}}, True),
        ({"match": {"JOBNAME": "*"}}, False),
        ({"match": {"JobName": "spark"}}, False),
        ({"match": {"JobName": "*", "Arguments": "*"}}, False),
        ({"match": {"state": "Clean"}}, True),
    ],
)
def test_an_occasion_fits(fields: dict[str, Any], fits: bool) -> None:
    assert CALL.fits(Rule("r", "task", **fields)) is fits


@pytest.mark.parametrize(
    ("value", "path", "texts"),
    [
        ({"a": {"b": "c"}}, "a.b", ["c"]),
        ({"a.b": "c", "a": {"b": "d"}}, "a.b", ["c", "d"]),
        ({"Sqls": ["SELECT 1", "COMMIT"]}, "sqls", ["SELECT 1", "COMMIT"]),
        ({"a": [{"b": 1}, {"b": True}, {"b": None}]}, "a.b", ["1", "true", "null"]),
        ({"Payload": b'{"action": "start"}'}, "payload.action", ["start"]),
        ({"Input": '{"a": {"b": 1.5}}'}, "input.a.b", ["1.5"]),
        ({"a": {"b": 1}}, "a", ['{"b": 1}']),
        ({"a": "no JSON"}, "a.b", []),
        ({"ab": "c"}, "a", []),
        ({}, "a", []),
    ],
)
def test_texts_at_a_path(value: Any, path: str, texts: list[str]) -> None:
    assert list(texts_at(value, path)) == texts


def rule(**fields: Any) -> dict[str, Any]:
    return {"faults": [{"name": "r", "at": "request", "error": {"code": "X"}, **fields}]}


WHOLE = {
    "waits": 0.05,
    "faults": [
        {
            "name": "a",
            "at": "task",
            "when": "after",
            "service": "glue",
            "operation": "StartJobRun",
            "match": {"JobName": "*-spark", "state": "C*"},
            "skip": 1,
            "times": 0,
            "delay": 2.5,
            "error": {"code": "ThrottlingException", "message": "Rate exceeded", "status": 400},
        },
        {"name": "b", "at": "request", "when": "after", "cut": 100},
        {"name": "c", "at": "job_run", "match": {"job": "*"}, "state": "ERROR"},
        {"name": "d", "at": "job_run", "kill": "run", "delay": 1.0},
        {"name": "e", "at": "statement", "state": "forgotten", "match": {"sql": "*COPY*"}},
        {"name": "f", "at": "event", "copies": 0, "match": {"detail.status": "FAILED"}},
        {"name": "g", "at": "task", "kill": "endpoint"},
    ],
}


def test_a_document_is_read_and_written() -> None:
    plan = read(WHOLE)
    assert plan.document() == WHOLE
    assert read(plan.document()) == plan


def test_defaults() -> None:
    assert read({}) == FaultPlan()
    assert read(rule()).rules[0] == Rule("r", "request", error=X)
    assert read({"faults": [{"name": "r", "at": "request", "cut": 1}]}).rules[0].when == "after"
    assert read({"faults": [{"name": "r", "at": "request", "cut": 0}]}).rules[0].when == "before"
    failed = read({"faults": [{"name": "r", "at": "statement", "error": {"message": "1023 …"}}]}).rules[0]
    assert (failed.state, failed.error) == ("FAILED", Error(message="1023 …"))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "the document is missing; accepted: a mapping with waits, faults"),
        ([], "the document is [];"),
        ({"fault": []}, "the document is 'fault'; accepted: the fields waits, faults"),
        ({"waits": "1"}, "waits is '1'; accepted: a number from 0 to 10"),
        ({"waits": float("nan")}, "waits is nan;"),
        ({"waits": -1}, "waits is -1;"),
        ({"faults": {}}, "faults is {}; accepted: a list of rules"),
        ({"faults": [1]}, "faults[0] is 1;"),
        ({"faults": [{}]}, "faults[0].name is missing; accepted: a text"),
        ({"faults": [rule()["faults"][0]] * 2}, "faults[1].name is 'r'; accepted: a name that no other rule has"),
        (rule(at="tusk"), "faults[0] (r).at is 'tusk'; accepted: task, request, job_run, statement, event"),
        (rule(time=1), "faults[0] (r) is 'time'; accepted: the fields of a rule at request name, at,"),
        (rule(copies=2), "faults[0] (r) is 'copies'; accepted: the fields of a rule at request"),
        ({"faults": [{"name": "r", "at": "event", "when": "after", "copies": 2}]}, "(r) is 'when'; accepted"),
        ({"faults": [{"name": "r", "at": "request"}]}, "(r) does nothing; accepted: one of error, cut, delay, kill"),
        (rule(when="while"), "(r).when is 'while'; accepted: before, after"),
        (rule(service="gleu"), "(r).service is 'gleu'; accepted: boto3's name of a client, such as glue"),
        (rule(operation="GetJob"), "(r).operation is 'GetJob'; accepted: an operation beside its service"),
        (rule(service="glue", operation="StartJobRunn"), "an operation of glue, such as StartJobRun"),
        (rule(match=["x"]), "(r).match is ['x'];"),
        (rule(match={"x": 1}), "(r).match.x is 1; accepted: a pattern"),
        (rule(service="glue", operation="StartJobRun", match={"Job": "*"}), "(r).match is 'Job'; accepted: JobName"),
        (rule(service="glue", operation="StartJobRun", match={"state": "*"}), "(r).match is 'state'; accepted: "),
        (
            {"faults": [{"name": "r", "at": "job_run", "state": "ERROR", "match": {"JobName": "*"}}]},
            "accepted: job, run",
        ),
        (rule(skip=-1), "(r).skip is -1; accepted: a whole number from 0"),
        (rule(times=True), "(r).times is True;"),
        (rule(times=1.5), "(r).times is 1.5;"),
        (rule(delay="2"), "(r).delay is '2'; accepted: a number from 0 to 86400"),
        (rule(error={}), "(r).error.code is missing; accepted: the code of an error"),
        (rule(error={"code": "A.B"}), "(r).error.code is 'A.B';"),
        (rule(error={"code": "X", "status": 200}), "(r).error.status is 200; accepted: 400 to 599"),
        (rule(error={"code": "X", "text": ""}), "(r).error is 'text'; accepted: the fields code, message, status"),
        (rule(error={"code": "X", "message": 1}), "(r).error.message is 1;"),
        (rule(cut=1), "(r).cut is 1; accepted: either cut or error"),
        ({"faults": [{"name": "r", "at": "request", "cut": 1, "when": "before"}]}, "before the work there is no body"),
        ({"faults": [{"name": "r", "at": "job_run", "state": "RUNNING"}]}, "accepted: STOPPED, SUCCEEDED, FAILED"),
        ({"faults": [{"name": "r", "at": "job_run", "error": {"code": "X"}}]}, "accepted: the fields message"),
        ({"faults": [{"name": "r", "at": "statement", "state": "lost"}]}, "accepted: ABORTED, FAILED, forgotten"),
        ({"faults": [{"name": "r", "at": "task", "kill": "run"}]}, "(r).kill is 'run'; accepted: endpoint, database"),
        ({"faults": [{"name": "r", "at": "job_run", "kill": "run", "when": "after"}]}, "(r).when is 'after'"),
        ({"faults": [{"name": "r", "at": "event", "copies": 101}]}, "(r).copies is 101;"),
    ],
)
def test_a_bad_document_is_refused_by_name(document: Any, said: str) -> None:
    with pytest.raises(FaultsError) as refused:
        read(document)
    assert said in str(refused.value)


def test_a_file_is_yaml_or_json(tmp_path: Any) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text("waits: 0.5\nfaults:\n  - {name: r, at: request, error: {code: X}}\n")
    assert read_file(file) == FaultPlan((Rule("r", "request", error=X),), 0.5)
    file.write_text(json.dumps(rule()))
    assert read_file(file) == FaultPlan((Rule("r", "request", error=X),))
    file.write_text("faults: [")
    with pytest.raises(FaultsError, match=r"faults\.yaml cannot be read"):
        read_file(file)
    with pytest.raises(FaultsError, match=r"nothing cannot be read"):
        read_file(tmp_path / "nothing")
    file.write_text("waits: x")
    with pytest.raises(FaultsError, match=r"faults\.yaml: waits is 'x'"):
        read_file(file)


def test_a_body_is_json() -> None:
    assert read_json(json.dumps(rule()).encode()).rules[0].name == "r"
    for body in (b"", b"{", b"\xff", b"[" * 100_000):
        with pytest.raises(FaultsError, match="the body is not JSON"):
            read_json(body)


def test_the_admin_call_puts_tells_and_takes_away() -> None:
    faults = Faults()
    assert administer(faults, "PUT", json.dumps(rule()).encode())[0] == 200
    assert faults.request
    status, _, body = administer(faults, "GET", b"")
    assert (status, json.loads(body)) == (
        200,
        {"waits": 1.0, **FaultPlan((Rule("r", "request", error=X),)).document(), "met": {"r": 0}},
    )
    status, _, body = administer(faults, "PUT", b'{"faults": 1}')
    assert (status, json.loads(body)["message"]) == (400, "faults is 1; accepted: a list of rules")
    assert faults.request
    assert administer(faults, "PATCH", b"")[0] == 405
    assert administer(faults, "DELETE", b"")[0] == 200
    assert not faults.request


def test_the_endpoint_is_killed_with_no_time_to_end() -> None:
    program = (
        "import atexit; from local_aws.services.faults.fault_rules import Faults, Rule\n"
        "atexit.register(print, 'ended', flush=True)\n"
        "Faults().kill(Rule('r', 'task', kill='endpoint'))"
    )
    source = str(Path(documents.__file__).parents[3])
    done = subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": source}, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")
