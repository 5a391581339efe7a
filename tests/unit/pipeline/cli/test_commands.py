"""The commands as a person meets them: their help, their errors, and what they import."""

from __future__ import annotations

import ast
import dataclasses
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from pipeline import cli, costs, hints, job_logs, jobs, rerunning, stacks, watching
from pipeline.cli import cost_command, list_command, logs_command, rejected_command, start_command, watch_command
from pipeline.clients import Clients
from pipeline.errors import PipelineError, UsageError
from pipeline.stacks import Stack
from pipeline_tools.environments import ROOT

HEAVY = ("boto3", "botocore", "rich", "jinja2", "pyspark", "duckdb", "pipeline.jobs")


def commands() -> dict[str, click.Command]:
    context = click.Context(cli.pipeline)
    found = {name: cli.pipeline.get_command(context, name) for name in cli.COMMANDS}
    return {name: command for name, command in found.items() if command}


def imported_by(*commands: list[str]) -> set[str]:
    """Which of the heavy modules a fresh interpreter has imported when it has answered these commands."""
    program = (
        f"import json, sys; from pipeline.cli import run; codes = [run(each) for each in {commands!r}]; "
        f"print(json.dumps([codes, [name for name in {HEAVY} if name in sys.modules]]), file=sys.stderr)"
    )
    environment = {"PYTHONPATH": str(ROOT / "src")}
    line = [sys.executable, "-c", program]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=True)
    codes, names = json.loads(done.stderr.splitlines()[-1])
    assert set(codes) == {0}
    return set(names)


def test_help_imports_nothing_that_takes_its_time() -> None:
    assert imported_by(["--help"], *([name, "--help"] for name in cli.COMMANDS)) == set()


def test_each_command_has_help_with_an_example_and_both_outputs() -> None:
    for name, command in commands().items():
        # click makes the help option once, with the names that its first context has.
        text = command.get_help(click.Context(command, info_name=name, help_option_names=["-h", "--help"]))
        assert f"pipeline {name}" in text.partition("Examples:")[2], name
        assert "--output [table|json]" in text, name
        assert "--stack" in text, name
        assert cli.COMMANDS[name] == (command.help or "").splitlines()[0], name


def test_choices_are_those_of_the_library() -> None:
    assert list_command.STATUSES == jobs.STATUSES
    assert logs_command.STAGES == job_logs.STAGES


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["start", "flights"], "either --source or --upload"),
        (["start", "flights", "--source", "s3://a/b/", "--upload", "x"], "either --source or --upload"),
        (["start", "flights", "x.csv", "--source", "s3://a/b/"], "'x.csv' is given without --upload"),
        (["list", "--since", "soon", "--stack", "outputs.json"], "'soon' is not a moment"),
        (["list", "--stack", "nowhere"], "stack 'nowhere' is neither a file nor a directory"),
        (["datasets", "--stack", "outputs.json"], "stack 'outputs.json' has no output artifacts_bucket"),
        (["nothing"], "No such command 'nothing'; see pipeline --help"),
        (["watch"], "Missing argument 'ID'; see pipeline watch --help"),
        (["rejected", "last", "--reasons", "--limit", "0"], "accepted: one of --reasons, --limit and --export"),
        (["report", "last", "--open", "--output", "json"], "--open with --output json needs a file: give --html FILE"),
    ],
)
def test_usage_errors_are_one_line_with_exit_code_2(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    machine = "arn:aws:states:us-east-1:000000000000:stateMachine:p"
    document = {"state_machine_arn": machine, "endpoint_url": "http://127.0.0.1:9"}
    Path("outputs.json").write_text(json.dumps(document))
    assert cli.run(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err
    (line,) = told.err.splitlines()
    assert line.startswith("error: ")


def texts_of_commands() -> list[tuple[str, click.Parameter]]:
    """Each option and argument that takes a value, by its command."""
    named = [(name, param) for name, command in commands().items() for param in command.params]
    return [(name, param) for name, param in named if not getattr(param, "is_flag", False)]


def words_with(param: click.Parameter, name: str, value: str) -> list[str]:
    """A command with one value."""
    if isinstance(param, click.Option):
        return [name, f"{param.opts[-1]}={value}"]
    before = [each for each in commands()[name].params if each.param_type_name == "argument"]
    return [name, *("x" for _ in before[: before.index(param)]), value]


@pytest.mark.parametrize(
    ("name", "param"),
    [pytest.param(name, param, id=f"{name} {param.opts[0]}") for name, param in texts_of_commands()],
)
def test_no_text_is_empty_or_unreadable_before_anything_is_asked(
    name: str, param: click.Parameter, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli.CommandContext, "stack", lambda _self: pytest.fail("a deployment was looked for"))
    for value, said in (("", "it is empty; give a value"), ("x\udcff", "'x\\udcff' is not UTF-8")):
        assert cli.run(words_with(param, name, value)) == 2
        told = capsys.readouterr()
        assert told.out == ""
        (line,) = told.err.splitlines()
        hint = param.get_error_hint(click.Context(click.Command(name)))
        assert line.startswith(f"error: Invalid value for {hint}: {said}"), line
        assert line.endswith(f"; see pipeline {name} --help"), line


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999", "-1"])
def test_no_amount_is_endless_or_no_number(
    value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli.CommandContext, "stack", lambda _self: pytest.fail("a deployment was looked for"))
    amounts = [
        (name, param) for name, param in texts_of_commands() if isinstance(param.type, click.types.FloatParamType)
    ]
    assert {(name, param.opts[0]) for name, param in amounts} >= {("cost", "--budget"), ("watch", "--timeout")}
    for name, param in amounts:
        assert cli.run([*words_with(param, name, value), "last"]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert value in line, line


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIPELINE_STACK", "")
    assert cli.run(["list"]) == 2  # there is no deployment here


def test_what_aws_says_is_one_line_as_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for error in (
        ClientError({"Error": {"Code": "AccessDenied", "Message": "no\nno"}}, "ListExecutions"),
        EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
    ):

        def fails(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        monkeypatch.setattr(cli.pipeline, "main", fails)
        assert cli.run(["list"]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: ") and line.endswith("; `pipeline doctor` looks for why")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(2, "No such file or directory", "/a/b.html"), "'/a/b.html': No such file or directory"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_a_file_that_cannot_be_written_is_named(
    error: OSError, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(cli.pipeline, "main", fails)
    assert cli.run(["report"]) == 1
    assert capsys.readouterr().err == f"error: {said}\n"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_who_wants_no_color_gets_none(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    contexts: list[bool | None] = []

    @click.command()
    @click.pass_context
    def shown(context: click.Context) -> None:
        contexts.append(context.color)

    monkeypatch.setattr(cli.pipeline, "get_command", lambda *_: shown)
    for variable in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(variable, raising=False)
    cli.run(["list"])
    monkeypatch.setenv(name, value)
    cli.run(["list"])
    assert contexts == [None, False]


def test_a_job_that_has_loaded_nothing_cannot_be_replayed() -> None:
    def said(status: str, recorded: str) -> str:
        attempt = jobs.Attempt("arn", 0, status, datetime(2026, 11, 1, tzinfo=UTC))
        job = jobs.Job("the-job", (attempt,), dataset="orders", recorded=recorded)
        return rejected_command._next(job, [Path("a b.csv"), Path("c.csv")])

    replay = "pipeline start orders --replays the-job --upload 'a b.csv' c.csv"
    assert said("SUCCEEDED", "SUCCEEDED") == f"once mended: {replay}"
    assert said("RUNNING", "RUNNING") == f"once mended, and the job has succeeded: {replay}"
    assert "is FAILED, so none of its rows are loaded, and it cannot be replayed: mend its" in said("FAILED", "FAILED")


def test_costs_leave_a_reader_that_has_gone_to_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Gone())
    line = costs.CostLine("Glue", 1.0, "DPU-hours", 0.44, 0.44, "its run")
    with pytest.raises(BrokenPipeError):
        cost_command._show(costs.Cost("job", (line,), (), "us-east-1", "2026-11-01", True, 5), [])


def test_a_replay_is_not_loaded_twice_but_by_the_execution_that_loads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = "arn:aws:states:us-east-1:000000000000:stateMachine:p"
    stack = Stack(Clients(), {"state_machine_arn": machine}, Path())
    found = {"again": ("RUNNING", {jobs.arn_of_execution(stack, "mine")})}
    monkeypatch.setattr(jobs, "replayed_by", lambda _stack, _replayed: found)
    start_command._check_not_replayed(stack, "first", "mine")  # the same name is the same job
    for name in (None, "another"):
        with pytest.raises(UsageError, match=r"--replays first is replayed by job again, which is RUNNING; .*--repeat"):
            start_command._check_not_replayed(stack, "first", name)
    found.clear()
    start_command._check_not_replayed(stack, "first", None)


def test_each_hint_names_the_stack_that_was_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever says a hint, the words are made in one place; here each kind of place says one."""
    attempt = jobs.Attempt("arn", 0, "FAILED", datetime(2026, 11, 1, tzinfo=UTC), failed_state="CleanWithPython")
    job = jobs.Job("the-job", (attempt,), dataset="orders", source_uri="s3://raw/x/", recorded="FAILED")
    done = dataclasses.replace(job, attempts=(dataclasses.replace(attempt, status="SUCCEEDED"),), recorded="SUCCEEDED")
    runs = dataclasses.replace(job, attempts=(dataclasses.replace(attempt, status="RUNNING"),))
    stack = Stack(Clients("http://127.0.0.1:9"), stacks._Outputs({}, Path("x")), Path("x"))

    def said(of: Callable[[], object]) -> str:
        try:
            return str(of())
        except PipelineError as error:
            return str(error)

    def shown_on_ctrl_c() -> str:
        monkeypatch.setattr(watching, "follow", interrupt)
        watch_command.watched(cli.CommandContext(None, "table"), stack, runs, timeout_seconds=None)
        return capsys.readouterr().err

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def from_aws() -> str:
        def fails(*_: object, **__: object) -> None:
            hints.for_stack("a b.json")
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

        with monkeypatch.context() as patched:
            patched.setattr(cli.pipeline, "main", fails)
            cli.run(["list"])
        return capsys.readouterr().err

    places: dict[str, Callable[[], object]] = {
        "pipeline rerun the-job": lambda: watch_command._next(
            watching.Sight(job, "FAILED", ()), "CleanWithPython", "x"
        ),
        "pipeline start orders --replays the-job --upload m.csv": lambda: rejected_command._next(done, [Path("m.csv")]),
        "pipeline start orders --source s3://raw/x/ --repeat": lambda: rerunning.choose(done, None),
        "pipeline watch the-job": lambda: rerunning.choose(runs, None),
        "; the job goes on: pipeline watch the-job": shown_on_ctrl_c,
        "`pipeline doctor": from_aws,
        "has no output raw_bucket: `pipeline doctor": lambda: stack.outputs["raw_bucket"],
    }
    for hint, of in places.items():
        hints.for_stack("a b.json")
        assert f"{hint} --stack 'a b.json'" in said(of)
        hints.for_stack(None)
        if of is not from_aws:
            assert hint in said(of) and "--stack" not in said(of)


def test_no_command_is_advised_but_by_the_helper() -> None:
    """Words of a shell that are written into a message would leave --stack out."""
    written = re.compile(rf"pipeline ({'|'.join(cli.COMMANDS)})\b(?! --help)")
    for path in sorted((ROOT / "src" / "pipeline").rglob("*.py")):
        if path.parent.name == "report":  # its page is read elsewhere, where --stack may name nothing
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        helps = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module)]
        known: set[object] = {ast.get_docstring(node, clean=False) for node in helps}
        known |= {
            keyword.value.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            for keyword in node.keywords
            if keyword.arg == "help" and isinstance(keyword.value, ast.Constant)
        }
        texts = [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert [text for text in texts if text not in known and written.search(text)] == [], path


def test_a_stack_that_a_command_is_given_is_what_its_hints_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "outputs.json"
    machine = "arn:aws:states:us-east-1:000000000000:stateMachine:p"
    place.write_text(json.dumps({"state_machine_arn": machine, "endpoint_url": "http://127.0.0.1:9"}))
    assert cli.run(["datasets", "--stack", str(place)]) == 2
    assert f"`pipeline doctor --stack {place}` names all it lacks" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    line = [sys.executable, "-m", "pipeline", "--help"]
    environment = {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(line, env=environment, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("browser", ["no-such-browser", "false %s"])
def test_a_browser_that_cannot_be_started_is_told(browser: str, tmp_path: Path) -> None:
    program = (
        "import sys; from pipeline.cli import report_command, run; "
        "report_command._of_job = lambda *_: ('a page', {}, 'x'); sys.exit(run(['report', 'last', '--open']))"
    )
    (tmp_path / "false").symlink_to("/bin/false")
    environment = {"PYTHONPATH": str(ROOT / "src"), "BROWSER": browser, "PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    page = tmp_path / "report-x.html"
    assert (done.returncode, done.stdout) == (0, f"{page}\n")
    assert done.stderr == f"no browser could be opened; the page is {page}\n"
    assert page.read_text() == "a page"


@pytest.mark.parametrize("moment", ["import", "run"])
def test_ctrl_c_ends_without_a_traceback_from_the_first_moment(moment: str, tmp_path: Path) -> None:
    """What is imported, or run, interrupts its own process as Ctrl-C does."""
    stop = "import os, signal; os.kill(os.getpid(), signal.SIGINT)\n"
    (tmp_path / "click.py").write_text(stop)
    shadow = str(tmp_path) if moment == "import" else ""
    line = [sys.executable, "-m", "pipeline", "--help"]
    if moment == "run":
        line = [
            *(sys.executable, "-c"),
            f"from pipeline import cli, __main__\ndef run(_):\n {stop}\ncli.run = run\n__main__.main()",
        ]
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, (shadow, str(ROOT / "src"))))}
    done = subprocess.run(
        line,
        env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")
