from __future__ import annotations

import pytest

from pipeline_tools.bench.growing import Growth
from pipeline_tools.bench.measuring import Sample

SIZES = (1.0, 10.0, 100.0)


@pytest.mark.parametrize(("exponent", "fixed"), [(1.0, 0.0), (1.0, 3.0)])
def test_a_fixed_start_does_not_flatten_the_exponent(exponent: float, fixed: float) -> None:
    samples = tuple(Sample(fixed + 0.5 * size**exponent, 0.0, 0) for size in SIZES)
    found = Growth("x", "rows", SIZES, samples)
    assert found.exponent == pytest.approx(exponent)
    assert found.fixed_seconds == pytest.approx(fixed)


def test_what_grows_as_the_square_is_seen() -> None:
    samples = tuple(Sample(0.01 * size**2, 0.0, 0) for size in SIZES)
    assert Growth("x", "rows", SIZES, samples).exponent == pytest.approx(2.0)
