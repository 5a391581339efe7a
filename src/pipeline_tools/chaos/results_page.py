"""What a run of chaos found: a table for a terminal, JSON, and a page that needs nothing else."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from dataset_contract.json_types import JsonMapping, JsonObject
from pipeline_tools.chaos.matrix import part
from pipeline_tools.chaos.runner import CaseResult

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #ff7b72; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h2 { margin: 2rem 0 .5rem; font-size: 1.1rem; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
td:nth-child(4) { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
code { font-size: .9em; } .good { color: var(--good); } .bad { color: var(--bad); }
pre { margin: .3rem 0; white-space: pre-wrap; }
"""


def document(results: Sequence[CaseResult], about: Mapping[str, object]) -> JsonObject:
    """The JSON file. `about`: engine, seed, seconds and what else the run was made with."""
    passed = sum(result.passed for result in results)
    return {
        **about,
        "cases": len(results),
        "passed": passed,
        "failed": len(results) - passed,
        "results": [result.document() for result in sorted(results, key=lambda each: each.case.name)],
    }


def table(results: Sequence[CaseResult]) -> str:
    """A line per group of cases, and every case that failed with what was expected and found."""
    groups: dict[str, list[CaseResult]] = {}
    for result in results:
        groups.setdefault(part(result.case.name), []).append(result)
    width = max(map(len, groups), default=0)
    lines = []
    for name, found in sorted(groups.items()):
        passed, slowest = sum(each.passed for each in found), max(each.seconds for each in found)
        mark = "✓" if passed == len(found) else "✗"
        lines.append(f"  {mark} {name:<{width}}  {passed:>3} of {len(found):>3}   slowest {slowest:5.1f} s")
    for result in results:
        if not result.passed:
            lines += ["", f"✗ {result.case.name}: {result.case.what}"]
            lines += [f"    {finding}" for finding in result.findings]
    return "\n".join(lines)


def page(found: JsonMapping) -> str:
    """The document as a page."""
    rows, last = [], ""
    for each in found["results"]:
        if part(each["name"]) != last:
            last = part(each["name"])
            rows.append(f'</table><h2 id="{html.escape(last)}">{html.escape(last)}</h2><table>')
        verdict = '<span class="good">✓</span>' if each["passed"] else '<span class="bad">✗</span>'
        said = "".join(
            f'<pre class="bad">{html.escape(one["what"])}: expected {html.escape(one["expected"])}, '
            f"found {html.escape(one['found'])}</pre>"
            for one in each["findings"]
        )
        rows.append(
            f"<tr><td>{verdict}</td><td><code>{html.escape(each['name'])}</code></td>"
            f"<td>{html.escape(each['what'])}{said}</td><td>{each['seconds']:.1f} s</td></tr>"
        )
    head = f"{found['passed']} of {found['cases']} cases passed on {found['engine']}, in {found['seconds']:.0f} s"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>chaos</title>'
        f"<style>{_STYLE}</style><h1>Chaos</h1><p>{html.escape(head)}; seed {html.escape(str(found['seed']))}.</p>"
        f"<table>{''.join(rows)}</table></html>\n"
    )


def write(directory: Path, found: Mapping[str, object]) -> tuple[Path, Path]:
    """Write both files, and return their paths."""
    files = directory / "chaos.json", directory / "chaos.html"
    files[0].write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    files[1].write_text(page(found), encoding="utf-8")
    return files
