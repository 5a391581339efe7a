"""How cost grows with the size of the work."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dataset_contract.json_types import JsonObject
from pipeline_tools.bench.measuring import Sample


@dataclass(frozen=True)
class Growth:
    """Runs of the same work in several sizes, the smallest first.

    Attributes:
        unit: what `sizes` count.
    """

    name: str
    unit: str
    sizes: tuple[float, ...]
    samples: tuple[Sample, ...]

    @property
    def exponent(self) -> float:
        """The slope of seconds over size, both as logarithms, by least squares: 1 is linear.

        What a run costs whatever its size flattens the slope, so it is of the time beyond the fixed start.
        """
        fixed = self.fixed_seconds
        points = [
            (math.log(size), math.log(max(sample.seconds - fixed, 1e-3)))
            for size, sample in zip(self.sizes, self.samples, strict=True)
        ]
        return _slope(points)

    @property
    def fixed_seconds(self) -> float:
        """What a run of nothing would take, by the line through the two smallest sizes; 0 at least."""
        (one, two), (first, second) = self.sizes[:2], self.samples[:2]
        return max(0.0, first.seconds - (second.seconds - first.seconds) / (two - one) * one)

    def document(self) -> JsonObject:
        """As the JSON file has it."""
        return {
            "name": self.name,
            "unit": self.unit,
            "sizes": list(self.sizes),
            "seconds": [sample.seconds for sample in self.samples],
            "cpu_seconds": [sample.cpu for sample in self.samples],
            "peak_bytes": [sample.peak for sample in self.samples],
            "fixed_seconds": self.fixed_seconds,
            "exponent": self.exponent,
        }


def _slope(points: Sequence[tuple[float, float]]) -> float:
    across = sum(x for x, _ in points) / len(points)
    along = sum(y for _, y in points) / len(points)
    spread = sum((x - across) ** 2 for x, _ in points)
    return sum((x - across) * (y - along) for x, y in points) / spread if spread else math.nan
