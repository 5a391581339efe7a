"""The command `pipeline doctor`."""

from __future__ import annotations

import click

from pipeline.cli import CommandContext, common, shown
from pipeline.terminal import plain

_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "wrong": ("✗", "red")}


@click.command("doctor")
@common
def command(context: CommandContext) -> int:
    """Check what is configured, reachable and permitted.

    If something is wrong, it says what to do, and the exit code is 1. It asks each service as the other commands do,
    and changes nothing.

    \b
    Examples:
      pipeline doctor
      pipeline doctor --stack infra/

    \b
    JSON: a list of {check, result (ok, warning or wrong), detail, advice}.
    """
    from pipeline import doctor

    findings = []
    for finding in doctor.examine(context.stack()):
        findings.append(finding)
        if context.output == "json":
            continue
        mark, color = _MARKS[finding.result]
        click.echo(f"{click.style(mark, fg=color)} {finding.check:<16} {plain(finding.detail)}")
        if finding.advice:
            click.echo(f"  {'':<16} → {plain(finding.advice)}")
    if context.output == "json":
        shown.print_json([vars(finding) for finding in findings])
    return int(any(finding.result == doctor.WRONG for finding in findings))
