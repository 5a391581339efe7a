"""What a shell completes. Nothing is said where the deployment cannot be asked: a prompt is no place for errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from pipeline.stacks import Stack

_RECENT = 20


def datasets(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names of the deployed datasets."""

    def names(stack: Stack) -> Iterable[tuple[str, str]]:
        from pipeline import deployed_contracts

        return ((name, "") for name in deployed_contracts.names(stack))

    return _asked(ctx, names, incomplete)


def job_ids(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """`last`, and the IDs of the newest jobs with what they are."""

    def recent(stack: Stack) -> Iterable[tuple[str, str]]:
        from pipeline import jobs

        yield "last", "the newest job"
        for job in jobs.listed(stack, limit=_RECENT):
            yield job.job_id, f"{job.status} {job.dataset or ''}".strip()

    return _asked(ctx, recent, incomplete)


def _asked(
    ctx: click.Context, ask: Callable[[Stack], Iterable[tuple[str, str]]], incomplete: str
) -> list[CompletionItem]:
    from pipeline import stacks

    try:
        found = list(ask(stacks.find(ctx.params.get("stack"))))
    except Exception:  # a shell asks while a person types: whatever is wrong, nothing to offer is the best answer
        return []
    return [CompletionItem(value, help=help_ or None) for value, help_ in found if value.startswith(incomplete)]
