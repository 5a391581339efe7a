"""What halts a run whose files could be read: a bad row of a reference, no good row of the source, a broken rule."""

from __future__ import annotations

from collections.abc import Sequence

from dataset_contract.judging import message
from dataset_contract.model import DataObject, Verdict
from glue_python_job.cleaning.outcome import Counts, Outcome
from glue_python_job.errors import JobError
from glue_python_job.logs import Log

_MOST_REASONS = 10
_MOST_FILES = 5


def check_reference(item: DataObject, outcome: Outcome) -> None:
    """Refuse a reference with a row that breaks its contract.

    Raises:
        JobError: it names the first rows with file, line, column, value and reason, and how many there are.
    """
    if not outcome.counts.rejected:
        return
    more = outcome.counts.rejected - len(outcome.examples)
    told = " | ".join(outcome.examples) + (f" | and {more} more" if more > 0 else "")
    raise JobError(
        f"reference {item.name}: {outcome.counts.rejected} of {outcome.counts.rows_in} rows break the contract: "
        f"{told}; correct the files or the contract, then start the job again"
    )


def check_source(item: DataObject, outcome: Outcome) -> None:
    """Refuse a source without a good row, unless a rejectedRows rule of the contract judges that.

    Either every row was refused, or the files have content and no row.

    Raises:
        JobError: it counts the reasons, or names the files.
    """
    counts = outcome.counts
    if counts.staged or any(rule.metric == "rejectedRows" for rule in item.rules):
        return
    if counts.rejected:
        raise JobError(f"all {counts.rejected} rows were refused: {reasons(counts)}")
    filled = [file for file in outcome.sources if file.bytes]
    if filled:
        names = ", ".join(file.uri + (f" ({file.note})" if file.note else "") for file in filled[:_MOST_FILES])
        more = f" and {len(filled) - _MOST_FILES} more" if len(filled) > _MOST_FILES else ""
        raise JobError(
            f"the source has no row: {names}{more}; a rejectedRows rule in the contract lets such a run pass"
        )


def reasons(counts: Counts) -> str:
    """`id: required but empty (3), (row): too few fields (2)`, the most frequent first."""
    found = sorted(counts.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    told = ", ".join(f"{reason} ({rows})" for reason, rows in found[:_MOST_REASONS])
    return told + (f" and {len(found) - _MOST_REASONS} more reasons" if len(found) > _MOST_REASONS else "")


def check_verdicts(verdicts: Sequence[Verdict], log: Log) -> None:
    """Log each rule that is broken.

    Raises:
        JobError: rules of severity error are among them; it names each.
    """
    for verdict in verdicts:
        if not verdict.passed and not verdict.halts:
            log.warning("rule broken", rule=verdict.rule.id, what=message(verdict))
    broken = [message(verdict) for verdict in verdicts if verdict.halts]
    if broken:
        raise JobError(f"{len(broken)} {'rule is' if len(broken) == 1 else 'rules are'} broken: {'; '.join(broken)}")
