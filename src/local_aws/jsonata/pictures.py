"""$formatNumber and rounding, as the reference implementation reads the specification.

https://www.w3.org/TR/xpath-functions-31/#formatting-numbers
"""

from __future__ import annotations

import decimal
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from jsonata.jexception import JException

from aws_facts import jsonata as facts
from local_aws.jsonata import numbers
from local_aws.jsonata.errors import BoundExceededError

_DEFAULTS: Final = {
    "decimal-separator": ".",
    "grouping-separator": ",",
    "exponent-separator": "e",
    "infinity": "Infinity",
    "minus-sign": "-",
    "NaN": "NaN",
    "percent": "%",
    "per-mille": "\u2030",
    "zero-digit": "0",
    "digit": "#",
    "pattern-separator": ";",
}
_EXACT: Final = decimal.Context(prec=800)
_FIRST_WITH_EXPONENT: Final = 1e21  # of toFixed, for which such a number has no decimal places


def rounded(value: float, precision: int) -> float:
    """To the nearest, a half to the even one, at a decimal place: $round."""
    digits = decimal.Decimal(value) if isinstance(value, int) else decimal.Decimal(repr(value))
    step = decimal.Decimal(1).scaleb(-precision, _EXACT)
    if digits and digits.adjusted() - step.adjusted() < -1:
        return 0
    near = digits.quantize(step, decimal.ROUND_HALF_EVEN, _EXACT)
    return int(near) if isinstance(value, int) and precision <= 0 else float(near)


def formatted(value: float, picture: str, options: Mapping[str, object] | None = None) -> str:
    """A number in the picture's form.

    Raises:
        JException: the picture breaks a rule (D3080 to D3093).
    """
    words = {**_DEFAULTS, **{name: str(word) for name, word in (options or {}).items()}}
    pictures = picture.split(words["pattern-separator"])
    if len(pictures) > 2:
        raise JException("D3080", -1)
    parts = [_Part.read(each, words) for each in pictures]
    for part in parts:
        part.check()
    negative = not value >= 0
    part = parts[-1] if negative else parts[0]
    sign = words["minus-sign"] if negative and len(parts) == 1 else ""
    return sign + part.prefix + part.written(value) + part.suffix


@dataclass(frozen=True)
class _Part:
    """One sub-picture, with the characters that have a meaning in it."""

    picture: str
    words: Mapping[str, str]
    digits: str
    prefix: str
    suffix: str
    active: str
    mantissa: str
    exponent: str | None
    whole: str
    fraction: str

    @classmethod
    def read(cls, picture: str, words: Mapping[str, str]) -> _Part:
        zero = ord(words["zero-digit"][0])
        digits = "".join(map(chr, range(zero, zero + 10)))
        signs = {*digits, *(words[name] for name in ("decimal-separator", "grouping-separator", "digit"))}
        signs.add(words["pattern-separator"])
        places = [at for at, character in enumerate(picture) if character in signs]
        prefix = picture[: places[0]] if places else ""
        suffix = picture[places[-1] + 1 :] if places else ""
        active = picture[len(prefix) : len(picture) - len(suffix)]
        at = picture.find(words["exponent-separator"], len(prefix))
        if at == -1 or at > len(picture) - len(suffix):
            mantissa, exponent = active, None
        else:
            mantissa, exponent = active[:at], active[at + 1 :]
        point = mantissa.find(words["decimal-separator"])
        whole = mantissa if point == -1 else mantissa[:point]
        fraction = suffix if point == -1 else mantissa[point + 1 :]
        return cls(picture, words, digits, prefix, suffix, active, mantissa, exponent, whole, fraction)

    def count(self, text: str, optional: bool = False) -> int:
        wanted = self.digits + (self.words["digit"] if optional else "")
        return sum(character in wanted for character in text)

    def check(self) -> None:
        """The rules in their order; of several that are broken the last is reported."""
        point, group, digit = (self.words[name] for name in ("decimal-separator", "grouping-separator", "digit"))
        percent, mille = self.words["percent"], self.words["per-mille"]
        at = self.picture.find(point)
        beside = self.picture[max(at - 1, 0) : at] + self.picture[at + 1 : at + 2] if at != -1 else ""
        known = {*self.digits, point, group, digit, self.words["exponent-separator"], self.words["pattern-separator"]}
        first, last = self.whole.find(digit), self.fraction.rfind(digit)
        exponent = self.exponent
        broken = {
            "D3081": self.picture.count(point) > 1,
            "D3082": self.picture.count(percent) > 1,
            "D3083": self.picture.count(mille) > 1,
            "D3084": percent in self.picture and mille in self.picture,
            "D3085": not self.count(self.mantissa, optional=True),
            "D3086": any(character not in known for character in self.active),
            "D3087": group in beside,
            "D3088": at == -1 and self.whole.endswith(group),
            "D3089": group * 2 in self.picture,
            "D3090": first != -1 and self.count(self.whole[:first]) > 0,
            "D3091": last != -1 and self.count(self.fraction[last:]) > 0,
            "D3092": bool(exponent) and (percent in self.picture or mille in self.picture),
            "D3093": exponent is not None and (not exponent or self.count(exponent) < len(exponent)),
        }
        codes = [code for code, is_broken in broken.items() if is_broken]
        if codes:
            raise JException(codes[-1], -1)

    def written(self, value: float) -> str:
        point, zero = self.words["decimal-separator"], self.words["zero-digit"]
        least_whole, least, most = self._sizes()
        scaled = value * (
            100 if self.words["percent"] in self.picture else 1000 if self.words["per-mille"] in self.picture else 1
        )
        power = 0
        if self.exponent is not None:
            scaled, power = self._scaled(scaled)
        text = self._digits(rounded(scaled, most) if math.isfinite(scaled) else scaled, most)
        whole, _, fraction = text.partition(".")
        whole = whole.lstrip(zero).rjust(least_whole, zero)
        fraction = fraction.rstrip(zero).ljust(least, zero)
        result = self._grouped(whole)
        if point in self.picture and fraction:
            result += point + self._grouped_fraction(fraction)
        if self.exponent is not None:
            sign = self.words["minus-sign"] if power < 0 else ""
            result += self.words["exponent-separator"] + sign + self._digits(power, 0).rjust(len(self.exponent), zero)
        return result

    def _sizes(self) -> tuple[int, int, int]:
        """The fewest digits of the whole, the fewest and the most of the fraction."""
        whole, least = self.count(self.whole), self.count(self.fraction)
        most = self.count(self.fraction, optional=True)
        if not whole and not most:
            if self.exponent is not None:
                least = most = 1
            else:
                whole = 1
        if self.exponent is not None and not whole and self.words["digit"] in self.whole:
            whole = 1
        if not whole and not least:
            least = 1
        return whole, least, most

    def _scaled(self, value: float) -> tuple[float, int]:
        if not value > 0:
            raise BoundExceededError(facts.TIME_EXCEEDED)  # the reference never ends for zero and below
        size, power = self.count(self.whole), 0
        while value < 10.0 ** (size - 1):
            value *= 10
            power -= 1
        while value > 10.0**size:
            value /= 10
            power += 1
        return value, power

    def _digits(self, value: float, places: int) -> str:
        if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity"
        if abs(value) >= _FIRST_WITH_EXPONENT:
            return numbers.text(abs(value))
        step = decimal.Decimal(1).scaleb(-places, _EXACT)
        text = f"{abs(decimal.Decimal(value)).quantize(step, decimal.ROUND_HALF_UP, _EXACT):f}"
        return "".join(self.digits[int(each)] if each.isdigit() else each for each in text)

    def _places(self, text: str, *, left: bool) -> list[int]:
        group, found = self.words["grouping-separator"], []
        at = text.find(group)
        while at != -1:
            found.append(self.count(text[:at] if left else text[at:], optional=True))
            at = self.whole.find(group, at + 1)
        return found

    def _grouped(self, whole: str) -> str:
        group, places = self.words["grouping-separator"], self._places(self.whole, left=False)
        size = math.gcd(*places)
        if places and all(size * index in places for index in range(1, len(places) + 1)):
            places = list(range(size, len(whole), size))
        for place in sorted(places):
            added = whole.count(group) * len(group)
            at = len(whole) - place - added
            if at < 0:
                continue
            whole = whole[:at] + group + whole[at:]
        return whole

    def _grouped_fraction(self, fraction: str) -> str:
        group = self.words["grouping-separator"]
        for place in self._places(self.fraction, left=True):
            fraction = fraction[:place] + group + fraction[place:]
        return fraction
