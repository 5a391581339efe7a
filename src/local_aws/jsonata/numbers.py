"""Numbers as JSONata on AWS has them: doubles, exact integers up to a long, written as JavaScript writes them."""

from __future__ import annotations

import decimal
import math
import random
from typing import Final

# From here on a whole number is a double on AWS: https://github.com/floci-io/floci/pull/2676
_LONG: Final = 2**63
_FIRST_WITH_EXPONENT: Final = decimal.Decimal("1e21")
_LEAST_WITHOUT_EXPONENT: Final = decimal.Decimal("1e-6")
# $string gives a number that is not whole 15 significant digits: https://docs.jsonata.org/string-functions#string
_DIGITS: Final = decimal.Context(prec=15, rounding=decimal.ROUND_HALF_UP)
# https://docs.oracle.com/javase/8/docs/api/java/util/Random.html
_MULTIPLIER: Final = 0x5DEECE66D
_48_BITS: Final = (1 << 48) - 1


def is_number(value: object) -> bool:
    """Whether a value is a number; a boolean is none, infinities and NaN are."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def plain(value: int | float) -> int | float:
    """A number with one form for each value: an int for a whole number within a long, a float for others."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _LONG else value
    return value if abs(value) < _LONG else as_double(value)


def as_double(value: float) -> float:
    """A number as a double; infinite if it is out of range."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def text(value: float) -> str:
    """A finite number as $string writes it: `100000000000000000000`, `1e+21`, `0.333333333333333`."""
    number = plain(value)
    if isinstance(number, int):
        return str(number)
    # repr gives the fewest digits that read back as the same double.
    digits = decimal.Decimal(repr(number))
    if not number.is_integer():
        digits = _DIGITS.create_decimal(decimal.Decimal(number))
    return _javascript(digits.normalize())


def _javascript(digits: decimal.Decimal) -> str:
    """Decimal digits and an exponent as JavaScript writes a number.

    https://tc39.es/ecma262/#sec-numeric-types-number-tostring
    """
    if not digits:
        return "0"
    if _LEAST_WITHOUT_EXPONENT <= abs(digits) < _FIRST_WITH_EXPONENT:
        return f"{digits:f}"
    sign, figures, _ = digits.as_tuple()
    head, *tail = map(str, figures)
    mantissa = head + ("." + "".join(tail) if tail else "")
    return f"{'-' if sign else ''}{mantissa}e{digits.adjusted():+d}"


def seeded(seed: int) -> float:
    """The first nextDouble() of java.util.Random.

    https://github.com/floci-io/floci/issues/2662
    """
    state = (seed ^ _MULTIPLIER) & _48_BITS
    state = (state * _MULTIPLIER + 0xB) & _48_BITS
    high = state >> 22
    state = (state * _MULTIPLIER + 0xB) & _48_BITS
    return ((high << 27) + (state >> 21)) / (1 << 53)


def unseeded() -> float:
    """A random number from 0 up to 1."""
    return random.random()
