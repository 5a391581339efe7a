"""A page of sections that is no longer than a comment may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline_tools.plan_review.markdown import code

# GitHub takes 65,536 characters; whoever posts the summary may put a line above it.
MOST_CHARACTERS = 60_000


@dataclass
class Section:
    """A part of the summary.

    Attributes:
        keep: how important its lines are; when the summary is too long, the least important go first.
    """

    title: str
    keep: int
    lines: list[str] = field(default_factory=list)
    cut: int = 0

    def text(self) -> str:
        """The section in Markdown."""
        note = [f"\n_… and {self.cut:,} more lines, cut since a comment has a limit._"] if self.cut else []
        return "\n".join(["", f"### {self.title}", "", *self.lines, *note, ""])


def fitting(head: Sequence[str], sections: Sequence[Section], full_plan: str) -> str:
    """Put it together, and cut the least important lines while it is too long."""
    foot = f"\n---\nThe whole plan, with every value in full: {code(full_plan)}\n"
    shown = [section for section in sections if section.lines]

    def text() -> str:
        return "\n".join(head) + "\n" + "".join(section.text() for section in shown) + foot

    for section in sorted(shown, key=lambda one: one.keep):
        excess = len(text()) - MOST_CHARACTERS
        while excess > 0 and section.lines:
            # The note that says so takes room too.
            excess -= len(section.lines.pop()) + 1 - (0 if section.cut else 80)
            section.cut += 1
        if len(text()) <= MOST_CHARACTERS:
            break
    return text()
