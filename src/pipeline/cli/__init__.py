"""The command `pipeline`. Each command is a module of its own, imported when it is asked for.

Results go to stdout, progress to stderr. Exit codes: 0 succeeded, 1 the job failed or a hop is missing, 2 usage,
3 unknown job, 4 timed out, 130 interrupted.
"""

from __future__ import annotations

import importlib
import math
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from pipeline import hints
from pipeline.errors import PipelineError
from pipeline.terminal import plain
from pipeline.texts import is_utf8

if TYPE_CHECKING:
    from pipeline.stacks import Stack

INTERRUPTED = 130
# name → what its help begins with; the command is the function `command` of the module pipeline.cli.<name>_command.
COMMANDS: dict[str, str] = {
    "start": "Start a job, and print its ID.",
    "watch": "Follow a job until it has ended.",
    "list": "List jobs, newest first.",
    "trace": "Follow a job through every service, and check each hop.",
    "report": "Write one HTML page about a job, or about the jobs of a dataset.",
    "logs": "Print the log lines of a job.",
    "stop": "Stop a running job.",
    "rerun": "Continue a failed or stopped job.",
    "rejected": "Show the rejected rows of a job, or export them for mending.",
    "cost": "Show what a job cost: its measured use times AWS's list prices.",
    "datasets": "Show the datasets of the deployment.",
    "doctor": "Check what is configured, reachable and permitted.",
}


@dataclass
class CommandContext:
    """What all commands share.

    Attributes:
        stack_name: of --stack.
        output: json or table.
    """

    stack_name: str | None
    output: str

    def stack(self) -> Stack:
        """The deployment; looked for when a command first needs it.

        Raises:
            StackNotFoundError: there is none.
        """
        from pipeline import stacks

        return stacks.find(self.stack_name)


class _Commands(click.Group):
    """Knows its commands by name, and imports one when it is run or its own help is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = importlib.import_module(f"pipeline.cli.{cmd_name}_command").command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if command and not ctx.resilient_parsing:  # a shell that completes has words that are not whole
            _refuse_unreadable(command, click.Context(command, parent=ctx, info_name=name), rest)
        return name, command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if COMMANDS:
            with formatter.section("Commands"):
                formatter.write_dl(list(COMMANDS.items()))


def _refuse_unreadable(command: click.Command, context: click.Context, words: list[str]) -> None:
    """Refuse a text of any option or argument that is empty or not UTF-8, before a type makes something else of it.

    An empty one is most often a variable of a shell that is not set. Taken as none, it would ask for something else:
    click makes the current directory of an empty path.
    """
    given, _, _ = command.make_parser(context).parse_args(list(words))
    if given.get("help"):
        return
    for param in command.params:
        value = given.get(param.name or "")
        for text in value if isinstance(value, list | tuple) else (value,):
            if text == "":
                raise click.BadParameter("it is empty; give a value, or leave it out", context, param)
            if isinstance(text, str) and not is_utf8(text):
                raise click.BadParameter(f"{text!r} is not UTF-8", context, param)


class Amount(click.FloatRange):
    """A number from 0 up. Of `nan` nothing is true, so it would pass any limit, and `inf` is none."""

    def __init__(self) -> None:
        super().__init__(min=0)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number that a text is."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


def common(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options --stack and --output, and a Context as its first argument."""

    @click.option("--stack", metavar="PLACE", help="Outputs file or Terraform directory of the deployment.")
    @click.option(
        "--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="How results look."
    )
    @click.pass_context
    def wrapped(ctx: click.Context, /, stack: str | None, output: str, **options: object) -> Any:
        hints.for_stack(stack)
        return ctx.invoke(function, CommandContext(stack, output), **options)

    wrapped.__name__, wrapped.__doc__ = function.__name__, function.__doc__
    wrapped.__click_params__ = [*getattr(function, "__click_params__", []), *wrapped.__click_params__]  # type: ignore[attr-defined]
    return wrapped


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="traceable-data-pipeline", message="%(version)s")
def pipeline() -> None:
    """Start jobs of a deployed pipeline, follow them through every service, and show what became of them.

    ID is a job ID, an unambiguous prefix of one, an execution's ARN or name, or `last`. --stack or PIPELINE_STACK names
    the deployment; the default is a running `./noxw -s local`, or else Terraform in infra/.

    \b
    Exit codes: 0 succeeded, 1 the job failed or a hop is missing, 2 usage, 3 unknown job,
    4 timed out, 130 interrupted.
    """


def _said_by_aws(error: Exception) -> str | None:
    """What AWS, its SDK or the warehouse says, as one line; None of any other error."""
    # An error of a module can only come where it was imported.
    botocore, redshift = sys.modules.get("botocore.exceptions"), sys.modules.get("pipeline.redshift")
    known = (botocore.ClientError, botocore.BotoCoreError) if botocore else ()
    known += (redshift.QueryError,) if redshift else ()
    return " ".join(str(error).split()) if isinstance(error, known) else None


def _said_by_click(error: click.ClickException) -> str:
    """What is wrong with the words of a command, as one line, and where it says what is accepted."""
    said = " ".join(error.format_message().split()).rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{said}; see {context.command_path} --help" if context else said


def run(arguments: list[str]) -> int:
    """Run a command and return its exit code, one of this module's docstring; an error is one line."""
    try:
        return _run(arguments)
    finally:
        hints.for_stack(None)


def _run(arguments: list[str]) -> int:
    stdout = sys.stdout
    # https://no-color.org; click knows terminals alone, and rich knows both of these.
    colorless = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    try:
        code = pipeline.main(arguments, prog_name="pipeline", standalone_mode=False, color=False if colorless else None)
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        click.echo(f"error: {plain(_said_by_click(error))}", err=True)
        return error.exit_code
    except PipelineError as error:
        click.echo(f"error: {plain(str(error))}", err=True)
        return error.exit_code
    except SystemExit:
        # click replaces stdout and ends so where whoever read it has seen enough: that is no error.
        if sys.stdout is stdout:
            raise
        return 0
    except OSError as error:  # a file that cannot be read or written, a disk that is full
        named = f"{str(error.filename)!r}: " if error.filename is not None else ""
        click.echo(f"error: {plain(f'{named}{error.strerror or error}')}", err=True)
        return 1
    except Exception as error:  # what AWS raises is known by its look: its classes would import all of botocore
        if not (said := _said_by_aws(error)):
            raise
        click.echo(f"error: {plain(said)}; `{hints.command('doctor')}` looks for why", err=True)
        return 1
    return code if isinstance(code, int) else 0
