"""`pipeline cost`: what a job cost, by its measured use and the list prices."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from pipeline.cli import Amount, CommandContext, common, completion, shown

if TYPE_CHECKING:
    from rich.table import Table

    from pipeline.costs import Cost, Shape


_WIDTH = 200


@click.command()
@click.argument("job", metavar="ID", shell_complete=completion.job_ids)
@click.option("--budget", type=Amount(), metavar="X", help="Exit with 1 if the job cost more US dollars.")
@click.option("--shapes", is_flag=True, help="Also show what the Glue runs would cost in other sizes.")
@common
def command(context: CommandContext, job: str, budget: float | None, shapes: bool) -> int:
    """Show what a job cost: its measured use times AWS's list prices.

    All attempts count, with their retries and the recording of failures. It names what could not be measured. On a
    local stack it shows what the same use would cost on AWS. ID is a job ID, a prefix of one, an execution's ARN or
    name, or `last`.

    \b
    Examples:
      pipeline cost last
      pipeline cost 20261101T060000 --budget 0.50
      pipeline cost last --shapes

    \b
    JSON: job_id, lines: [{what, quantity, unit, price, amount, measured}], total, rows, per_million_rows,
    currency, prices: {region, as_of}, local, not_measured; with --shapes also shapes:
    [{job, size, as_long, shared, used}].
    """
    from pipeline import costs, jobs

    stack = context.stack()
    found = jobs.find(stack, job)
    cost = costs.of_job(stack, found)
    sizes = costs.shapes(stack, found) if shapes else []
    if context.output == "json":
        document = costs.document(cost) | ({"shapes": [vars(shape) for shape in sizes]} if shapes else {})
        click.echo(json.dumps(document, indent=2))
    else:
        _show(cost, sizes)
    if budget is not None and cost.total > budget:
        click.echo(f"error: job {cost.job_id} cost ${cost.total:.4f}, which is above ${budget:g}", err=True)
        return 1
    return 0


def _show(cost: Cost, sizes: Sequence[Shape]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("what", "quantity", "unit", "$", "measured by"):
        table.add_column(heading, justify="right" if heading in ("quantity", "$") else "left", overflow="fold")
    for line in cost.lines:
        table.add_row(
            Text(line.what), f"{line.quantity:,.6g}", line.unit, f"{line.amount:.6f}", Text(line.measured, "dim")
        )
    click.echo(_drawn(table), nl=False)
    as_if = "as if on AWS, by the use measured here" if cost.local else "measured use × list prices"
    click.echo(f"\ntotal ${cost.total:.4f} ({as_if}; prices of {cost.region}, {cost.as_of})")
    if cost.per_million_rows is not None:
        click.echo(f"${cost.per_million_rows:,.2f} per million rows, by {cost.rows:,} rows")
    for gap in cost.gaps:
        click.echo(f"- {gap}")
    if sizes:
        table = Table(box=None, pad_edge=False)
        for heading in ("Glue job", "size", "$ if as long", "$ if work parts evenly"):
            table.add_column(heading, justify="right" if heading.startswith("$") else "left")
        for shape in sizes:
            used = "  ← this run" if shape.used else ""
            table.add_row(shape.job, f"{shape.size}{used}", f"{shape.as_long:.6f}", f"{shape.shared:.6f}")
        click.echo(f"\n{_drawn(table)}", nl=False)


def _drawn(table: Table) -> str:
    """A table as text for click: rich by itself ends the program where a reader has seen enough."""
    from rich.console import Console

    # Where nobody looks, as in a file, a line is as long as it has to be.
    text, is_seen = io.StringIO(), shown.on_terminal()
    Console(file=text, force_terminal=is_seen, width=None if is_seen else _WIDTH).print(table)
    return text.getvalue()
