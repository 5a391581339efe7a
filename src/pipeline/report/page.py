"""Render the templates. Every value is escaped; a name that a template lacks is an error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.moments import duration

_UNITS = ("bytes", "KB", "MB", "GB", "TB")


def render(template: str, shown: Mapping[str, object], **more: object) -> str:
    """The page as text: one HTML file that loads nothing."""
    environment = Environment(
        loader=PackageLoader("pipeline.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "moment": moment, "duration": duration, "size": size, "dollars": dollars}
    return environment.get_template(template).render(shown=shown, **more)


def number(value: float | None) -> str:
    """12,345, or – where nobody knows."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def moment(value: str | datetime | None) -> str:
    """2026-01-31 12:00:00, in UTC."""
    if value is None:
        return "–"
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def size(value: float | None) -> str:
    """1.5 MB: decimal units."""
    if value is None:
        return "–"
    power, left = 0, float(value)
    while left >= 1000 and power < len(_UNITS) - 1:
        left, power = left / 1000, power + 1
    return f"{left:.0f} {_UNITS[power]}" if power == 0 or left >= 100 else f"{left:.1f} {_UNITS[power]}"


def dollars(value: float | None) -> str:
    """$0.0123: four decimals below a dollar."""
    if value is None:
        return "–"
    return f"${value:,.2f}" if value >= 1 else f"${value:.4f}"
