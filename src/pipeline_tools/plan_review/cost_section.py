"""What a deployment costs, as a line and as tables."""

from __future__ import annotations

from pipeline.prices import Prices
from pipeline_tools.plan_review import markdown
from pipeline_tools.plan_review.cost import Estimate
from pipeline_tools.plan_review.markdown import code
from pipeline_tools.plan_review.page import Section


def head_line(before: Estimate, after: Estimate, listed: Prices) -> str:
    """The costs of a month and of a run, in one line."""
    month = _change_of(_dollars(before.month), _dollars(after.month))
    run = _change_of(_dollars(before.run, True), _dollars(after.run, True))
    return f"Cost, estimated: {month} per month and {run} per run (list prices in {listed.region}; not a quote)"


def cost_section(before: Estimate, after: Estimate, listed: Prices, region: str | None) -> Section:
    """The part of the summary about costs."""
    section = Section("Cost", 3)
    for heading, per_run in (("per month", False), ("per run", True)):
        old = {item.label: item for item in before.items if item.per_run is per_run}
        new = {item.label: item for item in after.items if item.per_run is per_run}
        section.lines += [f"| {heading} | before | after | how |", "|---|--:|--:|---|"]
        for label in {**new, **old}:
            one, other = old.get(label), new.get(label)
            basis = next(item.basis for item in (other, one) if item)
            amounts = " | ".join(_dollars(item.dollars if item else 0, per_run) for item in (one, other))
            section.lines.append(f"| {markdown.cell(label)} | {amounts} | {markdown.cell(basis)} |")
        totals = [sum(item.dollars for item in side.values()) for side in (old, new)]
        sums = " | ".join(f"**{_dollars(total, per_run)}**" for total in totals)
        section.lines += [f"| **sum** | {sums} | |", ""]
    runs = listed.assumed("runs_per_month")
    months = [_dollars(side.month + runs * side.run) for side in (before, after)]
    section.lines.append(f"With {runs:.0f} runs per month: {months[0]} → {months[1]}.")
    section.lines += [f"- not counted: {code(gap)}" for gap in after.gaps]
    sentences = [
        f"List prices in {listed.region}, read up to {listed.as_of}, without tax, free tiers and discounts;",
        "not a quote. What is called assumed is a guess; it, the prices and their sources are in",
        f"{code('src/pipeline/prices.toml')}.",
        "Not counted: requests to S3, KMS and Secrets Manager, stored logs, snapshots, traces, SNS, SQS, EventBridge,",
        "data transfer. Taken not from a page of AWS, but from what refers to it:",
        f"{', '.join(map(code, listed.second_hand))}.",
    ]
    section.lines += ["", " ".join(sentences)]
    if region and region != listed.region:
        section.lines.append(f"\n⚠ The deployment is in {code(region)}, where prices may differ.")
    return section


def _change_of(before: str, after: str) -> str:
    return after if before == after else f"{before} → {after}"


def _dollars(amount: float, small: bool = False) -> str:
    digits = 4 if small else 2
    least = 10.0**-digits
    return f"<${least}" if 0 < amount < least else f"${amount:,.{digits}f}"
