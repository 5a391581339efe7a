"""What a run of the bench measured: as one document, as a page, and against an earlier document."""

from __future__ import annotations

import html
import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from dataset_contract.json_types import JsonMapping, JsonObject
from pipeline_tools.bench.growing import Growth
from pipeline_tools.bench.measuring import Comparison

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --paper: #fff; --ours: #0969da; --theirs: #8c959f; --bad: #cf222e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --paper: #0d1117; --ours: #58a6ff; --theirs: #6e7681; --bad: #ff7b72; }
}
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto;
  max-width: 60rem; padding: 0 1rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .3rem; }
table { border-collapse: collapse; width: 100%; }
th { font-weight: normal; text-align: left; white-space: nowrap; width: 9rem; }
td { padding: .15rem .5rem; }
td.number { text-align: right; white-space: nowrap; width: 12rem; font-variant-numeric: tabular-nums; }
.bar { background: var(--theirs); border-radius: 2px; height: .9rem; min-width: 2px; }
.ours { background: var(--ours); } .bad { color: var(--bad); } svg { height: auto; max-width: 100%; }
"""
_WIDTH, _HEIGHT, _EDGE = 420, 220, 40


def machine() -> JsonObject:
    """What the times are of."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {"cores": cores, "processor": model, "memory_bytes": memory, "python": platform.python_version()}


def document(
    comparisons: Sequence[Comparison],
    growths: Sequence[Growth],
    figures: Mapping[str, float],
    about: Mapping[str, object],
) -> JsonObject:
    """The JSON file.

    Args:
        figures: single numbers by what they are, in the unit that their name ends with.
    """
    return {
        **about,
        "machine": machine(),
        "load_average": round(os.getloadavg()[0], 2),
        "comparisons": [comparison.document() for comparison in comparisons],
        "growths": [growth.document() for growth in growths],
        "figures": dict(figures),
    }


def over_limit(found: JsonMapping) -> list[str]:
    """The comparisons whose limit is not kept, a line each."""
    lines = []
    for each in found["comparisons"]:
        first, *_, ours = each["subjects"]
        ratio = each["ratios"].get(ours["name"])
        if each["limit"] is not None and ratio is not None and ratio[1] > each["limit"]:
            lines.append(f"{each['name']}: {ratio[1]:.2f} × {first['name']}; at most {each['limit']:.2f} is the aim")
    return lines


def slower(found: JsonMapping, earlier: JsonMapping, ratio: float) -> list[str]:
    """What takes more than `ratio` times what it took in an earlier document, a line each.

    Comparisons by their ratio to the rival, which the machine's own speed does not change; figures as they are.
    """
    lines = []
    before = {each["name"]: each for each in earlier["comparisons"]}
    for each in found["comparisons"]:
        if each["name"] not in before:
            continue
        for name, (_, now, _) in each["ratios"].items():
            was = before[each["name"]]["ratios"].get(name)
            if was and now > ratio * was[1]:
                lines.append(f"{each['name']}: {name} is at {now:.2f} of the first, and was at {was[1]:.2f}")
    for name, value in found["figures"].items():
        was = earlier["figures"].get(name)
        if was and value > ratio * was:
            lines.append(f"{name}: {value:.2f}, and was {was:.2f}")
    return lines


def table(found: JsonMapping) -> str:
    """The results as Markdown, which a terminal can show too."""
    lines = ["| comparison | subject | seconds | CPU seconds | MB | × the first (lowest–highest) |"]
    lines.append("| --- | --- | --: | --: | --: | --- |")
    for each in found["comparisons"]:
        for subject in each["subjects"]:
            ratio = each["ratios"].get(subject["name"])
            said = f"{ratio[1]:.2f} ({ratio[0]:.2f}–{ratio[2]:.2f})" if ratio else ""
            lines.append(
                f"| {each['name']}, {each['work']} | {subject['name']} | {subject['seconds']:.2f} | "
                f"{subject['cpu_seconds']:.2f} | {subject['peak_bytes'] / 1e6:,.0f} | {said} |"
            )
    lines += ["", "| growth | sizes | seconds | MB | fixed start | exponent |", "| --- | --- | --- | --- | --: | --: |"]
    for each in found["growths"]:
        sizes = " · ".join(f"{size:g}" for size in each["sizes"])
        seconds = " · ".join(f"{value:.1f}" for value in each["seconds"])
        peaks = " · ".join(f"{value / 1e6:,.0f}" for value in each["peak_bytes"])
        lines.append(
            f"| {each['name']} | {sizes} {each['unit']} | {seconds} | {peaks} | {each['fixed_seconds']:.1f} s | "
            f"{each['exponent']:.2f} |"
        )
    lines += ["", "| figure | |", "| --- | --: |"]
    lines += [f"| {name} | {value:,.2f} |" for name, value in found["figures"].items()]
    return "\n".join(lines) + "\n"


def page(found: JsonMapping) -> str:
    """The document as one page that needs nothing else."""
    of = found["machine"]
    about = f"{of['cores']} cores of {of['processor']}, {of['memory_bytes'] / 1e9:.0f} GB; {found['at']}"
    parts = [_comparison(each) for each in found["comparisons"]] + [_growth(each) for each in found["growths"]]
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td class="number">{value:,.2f}</td></tr>'
        for name, value in found["figures"].items()
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>bench</title>'
        f"<style>{_STYLE}</style><main><h1>Bench</h1><p>{html.escape(about)}</p>{''.join(parts)}"
        f"<h2>Figures</h2><table>{rows}</table></main></html>\n"
    )


def _comparison(each: JsonMapping) -> str:
    longest = max(subject["seconds"] for subject in each["subjects"]) or 1.0
    rows = []
    for subject in each["subjects"]:
        ratio = each["ratios"].get(subject["name"])
        beside = f" · {ratio[1]:.2f} ×" if ratio else ""
        over = " bad" if ratio and each["limit"] and subject["name"] == "pipeline" and ratio[1] > each["limit"] else ""
        ours = " ours" if subject["name"] == "pipeline" else ""
        rows.append(
            f'<tr><th scope="row">{html.escape(subject["name"])}</th><td>'
            f'<div class="bar{ours}" style="width:{100 * subject["seconds"] / longest:.1f}%"></div></td>'
            f'<td class="number{over}">{subject["seconds"]:.2f} s{beside}</td></tr>'
        )
    aim = f", at most {each['limit']:.2f} × is the aim" if each["limit"] else ""
    return f"<h2>{html.escape(each['name'])}</h2><p>{html.escape(each['work'] + aim)}</p><table>{''.join(rows)}</table>"


def _growth(each: JsonMapping) -> str:
    across, up = max(each["sizes"]), max(each["seconds"]) or 1.0

    def place(size: float, seconds: float) -> tuple[float, float]:
        return _EDGE + size / across * (_WIDTH - _EDGE - 10), _HEIGHT - 25 - seconds / up * (_HEIGHT - 45)

    points = [place(size, seconds) for size, seconds in zip(each["sizes"], each["seconds"], strict=True)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    marks = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="var(--ours)">'
        f"<title>{size:g}: {seconds:.1f} s</title></circle>"
        f'<text x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{size:g}</text>'
        for (x, y), size, seconds in zip(points, each["sizes"], each["seconds"], strict=True)
    )
    said = f"{each['name']}: seconds over {each['unit']}, exponent {each['exponent']:.2f}"
    return (
        f"<h2>{html.escape(each['name'])}</h2><p>exponent {each['exponent']:.2f} beyond a fixed start of "
        f'{each["fixed_seconds"]:.1f} s</p><svg role="img" aria-label="{html.escape(said)}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" font-size="11" fill="currentColor">'
        f'<text x="0" y="14">{up:.1f} s</text><polyline points="{line}" fill="none" stroke="var(--ours)" '
        f'stroke-width="2"/>{marks}</svg>'
    )


def write(directory: Path, found: Mapping[str, object]) -> tuple[Path, Path]:
    """Write both files, and return their paths."""
    files = directory / "bench.json", directory / "bench.html"
    files[0].write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    files[1].write_text(page(found), encoding="utf-8")
    return files
