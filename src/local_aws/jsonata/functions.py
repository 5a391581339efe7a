"""The functions of the language that are not the library's, or not as it has them, and those that AWS adds.

What the library answers as the reference implementation does is taken from there.
https://docs.jsonata.org/string-functions and its other pages of functions
"""

from __future__ import annotations

import datetime
import decimal
import hashlib
import json
import math
import random
import re
import urllib.parse
import uuid
from collections.abc import Callable, Iterable
from typing import Any, Final

from jsonata import Jsonata
from jsonata.datetimeutils import DateTimeUtils
from jsonata.functions import Functions
from jsonata.jexception import JException
from jsonata.parser import Parser
from jsonata.regex_engine import RegexFlags
from jsonata.signature import Signature
from jsonata.utils import Utils

from aws_facts import jsonata as facts
from local_aws.jsonata import numbers, pictures, regexes
from local_aws.jsonata.errors import BoundExceededError

NULL: Final = Utils.NULL_VALUE
_HASHES: Final = {name: name.replace("-", "").lower() for name in facts.HASH_ALGORITHMS}
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_DECIMAL_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([Ee][-+]?[0-9]+)?")
_OTHER_BASES: Final = re.compile(r"0[xX][0-9A-Fa-f]+|0[oO][0-7]+|0[bB][01]+")
_SPACES: Final = re.compile("[ \t\n\r]+")
_TIMESTAMP: Final = re.compile(
    r"(\d{4})(?:-([01]\d))?(?:-([0-3]\d))?(?:T([0-2]\d):([0-5]\d):([0-5]\d))?(?:\.(\d+))?"
    r"(?:Z|([+-])([0-2]\d):?([0-5]\d))?"
)
# What decodeURI leaves: https://tc39.es/ecma262/#sec-decodeuri-encodeduri
_KEPT_ESCAPES: Final = re.compile(r"%(?=23|24|26|2[bBcCfF]|3[aAbBdDfF]|40)")
# By the words that the library raises them with.
_UNCODED: Final = {
    "Formatting or parsing an integer as a sequence": "D3130",
    "In a decimal digit pattern": "D3131",
    "Unknown component specifier": "D3132",
    'The "name" modifier': "D3133",
    "The 'name' modifier": "D3133",
    "The timezone integer format": "D3134",
    "No matching closing bracket": "D3135",
    "The date/time picture string is missing": "D3136",
}


class StrictSignature(Signature):  # type: ignore[misc]
    """For the library null fits every parameter, as an argument that is not there does."""

    def get_symbol(self, value: object) -> str:
        """The letter of a value's type in signatures."""
        if value is NULL:
            return "l"
        return "f" if isinstance(value, Function) else str(super().get_symbol(value))


class Function(Jsonata.JFunction):  # type: ignore[misc]
    """A function that expressions call: `implementation` takes the running program and the arguments.

    `arity` is how many arguments a function such as $map gives it.
    """

    def __init__(self, name: str, signature: str | None, arity: int, implementation: Callable[..., Any]) -> None:
        self.function_name = name
        self.signature = StrictSignature(signature, name) if signature else None
        self.arity = arity
        self.result = (signature or "").rstrip(">").rpartition(":")[2]  # the symbol of its type
        self._implementation = implementation

    def get_number_of_args(self) -> int:
        """How many arguments the function takes."""
        return self.arity if self.signature is None else int(self.signature.get_number_of_args())

    def run(self, program: object, arguments: list[Any]) -> Any:
        """Call the function."""
        try:
            result = self._implementation(program, *arguments)
        except (JException, BoundExceededError):
            raise
        except (RuntimeError, KeyError) as error:
            raise _coded(error) from error
        return numbers.plain(result) if numbers.is_number(result) else result


class Regex(Function):
    """A regular expression: a function that gives the first match from a place on, and what gives the next."""

    def __init__(self, pattern: str, flags: RegexFlags) -> None:
        super().__init__("", None, 2, self._matched)
        try:
            self._pattern = regexes.compiled(pattern, flags.case_insensitive, flags.multiline)
        except ValueError as error:
            raise JException(f"Invalid regular expression: /{pattern}/: {error}", 0) from error

    def _matched(self, _program: object, subject: Any = None, start: Any = 0, *_more: object) -> Any:
        found = self._pattern.search(str(subject), int(start or 0))
        if found is None:
            return None
        return {
            "match": found.group(),
            "start": found.start(),
            "end": found.end(),
            "groups": [NULL if group is None else group for group in found.groups()],
            "next": Function("", None, 0, lambda program, *_: self._after(program, str(subject), found)),
        }

    def _after(self, program: object, subject: str, found: re.Match[str]) -> Any:
        if found.end() >= len(subject):
            return None
        following = self._matched(program, subject, found.end())
        if following is not None and not following["match"]:
            raise JException("D1004", -1, self._pattern.pattern)
        return following


def _coded(error: Exception) -> JException:
    words = str(error.args[0]) if error.args else ""
    for beginning, code in _UNCODED.items():
        if words.startswith(beginning):
            return JException(code, -1, words)
    return JException("D3132", -1, words) if isinstance(error, KeyError) else JException(words, -1)


def is_function(value: object) -> bool:
    """Whether a value is a function of JSONata."""
    return isinstance(value, Function) or (isinstance(value, Parser.Symbol) and bool(value._jsonata_lambda))


def truth(value: object) -> bool:
    """The value as a condition: a function that no call wraps is an object with members for 2.0.6."""
    if isinstance(value, bool | str):
        return bool(value)
    if isinstance(value, list):
        return any(map(truth, value))
    if Utils.is_numeric(value):
        return bool(value)
    if isinstance(value, dict):
        return bool(value)
    return is_function(value) and not isinstance(value, Regex)


def _boolean(value: object) -> bool | None:
    return None if value is None else not is_function(value) and truth(value)


def text(value: Any, prettify: bool | None = None) -> str | None:
    """$string: the value as JSON, a text as it is, a function as nothing."""
    if value is None or isinstance(value, str):
        return value
    if is_function(value):
        return ""
    if numbers.is_number(value) and not math.isfinite(value):
        raise JException("D3001", -1, value)
    if isinstance(value, Utils.JList) and value.outer_wrapper:
        value = value[0]
    return _json(value, "\n" if prettify else "")


def _json(value: Any, line: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found.group()):04x}", json.dumps(value, ensure_ascii=False))
    if numbers.is_number(value):
        return "null" if math.isnan(value) else numbers.text(value) if Utils.is_numeric(value) else ""
    inner, colon = (line + "  ", ": ") if line else ("", ":")
    if isinstance(value, list):
        parts, ends = [_json(member, inner) for member in value], "[]"
    elif isinstance(value, dict):
        parts = [
            f"{_json(str(name), inner)}{colon}{_json(member, inner)}"
            for name, member in value.items()
            if member is not None
        ]
        ends = "{}"
    else:
        return '""' if is_function(value) else "null"
    return f"{ends[0]}{inner}{f',{inner}'.join(parts)}{line}{ends[1]}" if parts else ends


def parsed(document: str) -> Any:
    """JSON in the library's form, with the numbers that AWS makes of it.

    Raises:
        ValueError: no JSON, or a name twice in an object.
    """
    return json.loads(
        document,
        parse_constant=_no_constant,
        parse_float=lambda digits: numbers.plain(_finite(float(digits))),
        parse_int=lambda digits: numbers.plain(_finite(int(digits))),
        object_pairs_hook=_object,
        cls=_Decoder,
    )


class _Decoder(json.JSONDecoder):
    def decode(self, document: str, *_: object) -> Any:
        return _nulls(super().decode(document))


def _nulls(value: object) -> Any:
    if value is None:
        return NULL
    if isinstance(value, dict):
        return {name: _nulls(member) for name, member in value.items()}
    return [_nulls(member) for member in value] if isinstance(value, list) else value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(value: float) -> float:
    if not math.isfinite(numbers.as_double(value)):
        raise ValueError(f"{value} is not a number of JSON")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return members


def sort(items: Any, after: Callable[[Any, Any], bool]) -> Any:
    """A merge sort that asks whether the first of two comes after the second; equal ones keep their order."""
    if len(items) <= 1:
        return items
    middle = len(items) // 2
    left, right = sort(items[:middle], after), sort(items[middle:], after)
    merged, first, second = [], 0, 0
    while first < len(left) and second < len(right):
        if after(left[first], right[second]):
            merged.append(right[second])
            second += 1
        else:
            merged.append(left[first])
            first += 1
    merged = [*merged, *left[first:], *right[second:]]
    if not isinstance(items, Utils.JList):
        return merged
    again = Utils.JList(merged)
    again.sequence, again.tuple_stream = items.sequence, items.tuple_stream
    return again


def _sequence(items: Iterable[object]) -> Any:
    return Utils.create_sequence_from_iter(items)


def _arity(function: Any) -> int:
    return len(function.arguments) if isinstance(function, Parser.Symbol) else int(function.arity)


def _called(program: Any, function: Any, *arguments: Any) -> Any:
    """Calls a function that was given as an argument, with as many arguments as it takes, at least one."""
    return program.apply(function, list(arguments[: max(1, _arity(function))]), None, program.environment)


# Texts


def _substring(_program: Any, string: Any, start: Any = None, length: Any = None) -> Any:
    if string is None:
        return None
    if start is None:
        return string if length is None else ""
    begin = 0 if len(string) + start < 0 else start
    if length is None:
        return string[math.trunc(begin) :]
    if length <= 0:
        return ""
    end = begin + length if begin >= 0 else len(string) + begin + length
    return string[math.trunc(begin) : math.trunc(end)]


def _trim(_program: object, string: Any) -> Any:
    return None if string is None else _SPACES.sub(" ", string).removeprefix(" ").removesuffix(" ")


def _pad(_program: Any, string: Any, width: Any, character: Any = None) -> Any:
    if string is None:
        return None
    missing = abs(width or 0) - len(string)
    if missing <= 0:
        return string
    if missing != int(missing):
        raise JException("Invalid array length", -1)
    if missing > facts.MOST_CHARACTERS:
        raise BoundExceededError(facts.MEMORY_EXCEEDED)
    filler = character or " "
    padding = (filler * (int(missing) // len(filler) + 1))[: int(missing)]
    return string + padding if width > 0 else padding + string


def _matches(program: Any, matcher: Any, subject: str) -> Any:
    """Every match of a regular expression, or of a function that answers as one does."""
    found = program.apply(matcher, [subject], None, program.environment)
    while found is not None:
        if not isinstance(found, dict) or not (
            numbers.is_number(found.get("start"))
            or numbers.is_number(found.get("end"))
            or isinstance(found.get("groups"), list)
            or is_function(found.get("next"))
        ):
            raise JException("T1010", -1)
        yield found
        found = program.apply(found["next"], [], None, program.environment)


def _match(program: Any, string: Any, matcher: Any, limit: Any = None) -> Any:
    if string is None:
        return None
    if limit is not None and limit < 0:
        raise JException("D3040", -1, limit)
    result = _sequence(())
    for found in _matches(program, matcher, string) if limit is None or limit > 0 else ():
        if limit is not None and len(result) >= limit:
            break
        # Places are counted in UTF-16.
        at = len(string[: int(found["start"])].encode("utf-16-le", "surrogatepass")) // 2
        result.append({"match": found["match"], "index": at, "groups": found["groups"]})
    return result


def _contains(program: Any, string: Any, token: Any) -> Any:
    if string is None:
        return None
    if isinstance(token, str):
        return token in string
    if token is None:
        return "undefined" in string
    return next(_matches(program, token, string), None) is not None


def _replace(program: Any, string: Any, pattern: Any, replacement: Any, limit: Any = None) -> Any:
    if string is None:
        return None
    if pattern == "":
        raise JException("D3010", -1, pattern)
    if limit is not None and limit < 0:
        raise JException("D3011", -1, limit)
    if limit == 0:
        return string
    if isinstance(pattern, str):
        if not isinstance(replacement, str):
            raise JException("D3012", -1, replacement)
        return string.replace(pattern, replacement, -1 if limit is None else math.ceil(limit))
    pieces, at, count = [], 0, 0
    for found in _matches(program, pattern, string):
        if limit is not None and count >= limit:
            break
        new = _filled(replacement, found) if isinstance(replacement, str) else _called(program, replacement, found)
        if not isinstance(new, str):
            raise JException("D3012", -1, new)
        start = int(found["start"])
        pieces += [string[at:start], new]
        at, count = start + len(found["match"]), count + 1
    return "".join([*pieces, string[at:]])


def _filled(replacement: str, found: dict[str, Any]) -> str:
    """`$1` is what the first group matched, `$0` the whole, `$$` a dollar."""
    groups = found["groups"]
    most = len(str(len(groups))) if groups else 1

    def value(place: re.Match[str]) -> str:
        digits = place.group(1)
        if digits == "$":
            return "$"
        if digits.startswith("0"):
            return str(found["match"]) + digits[1:]
        number = digits[:most]
        if most > 1 and int(number) > len(groups):
            number = digits[: most - 1]
        group = groups[int(number) - 1] if 0 < int(number) <= len(groups) else None
        return ("" if group is None or group is NULL else str(group)) + digits[len(str(int(number))) :]

    return re.sub(r"\$(\$|[0-9]+)", value, replacement)


def _split(program: Any, string: Any, separator: Any, limit: Any = None) -> Any:
    if string is None:
        return None
    if limit is not None and limit < 0:
        raise JException("D3020", -1, limit)
    if limit == 0:
        return []
    if isinstance(separator, str) or separator is None:
        parts = [string] if separator is None else string.split(separator) if separator else list(string)
        return parts if limit is None else parts[: math.trunc(limit)]
    parts, at = [], 0
    for found in _matches(program, separator, string):
        if limit is not None and len(parts) >= limit:
            return parts
        parts.append(string[at : int(found["start"])])
        at = int(found["end"])
    return [*parts, string[at:]] if limit is None or len(parts) < limit else parts


def _escaped(name: str, quote: Callable[[str], str]) -> Callable[..., Any]:
    def escape(_program: object, string: Any) -> Any:
        if string is None:
            return None
        try:
            return quote(string)
        except UnicodeError as error:
            raise JException("D3140", -1, name, string) from error

    return escape


def _unquoted(string: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", string):
        raise UnicodeError("% without two digits")
    return urllib.parse.unquote(string, errors="strict")


# Numbers


def _total(_program: object, values: object) -> Any:
    return None if values is None else _sum(values)


def _type(_program: object, value: object) -> Any:
    if is_function(value):
        return "function"
    return "number" if Utils.is_numeric(value) else Functions.type(value)


def _sum(values: Any) -> float:
    # One by one: sum() of Python 3.12 and later corrects the rounding.
    total: float = 0.0
    for value in values:
        total += numbers.as_double(value)
    return total


def _average(_program: object, values: Any) -> Any:
    return _sum(values) / len(values) if values else None


def _number(_program: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, bool):
        return int(value)
    if numbers.is_number(value):
        return value
    if _DECIMAL_NUMBER.fullmatch(value) and math.isfinite(float(value)):
        return float(value) if set("eE.") & set(value) else int(value)
    if _OTHER_BASES.fullmatch(value):
        return int(value, 0)
    raise JException("D3030", -1, value)


def _whole(rounded: Callable[[float], int]) -> Callable[..., Any]:
    def make(_program: Any, value: Any) -> Any:
        return value if value is None or not math.isfinite(value) else rounded(value)

    return make


def _round(_program: Any, value: Any, precision: Any = None) -> Any:
    if value is None or not math.isfinite(value):
        return value
    return pictures.rounded(value, int(precision or 0))


def _sqrt(_program: Any, value: Any) -> Any:
    if value is None:
        return None
    if value < 0:
        raise JException("D3060", -1, value)
    return math.sqrt(value)


def _power(_program: Any, base: Any, exponent: Any) -> Any:
    if base is None:
        return None
    if exponent is None:
        return math.nan
    try:
        result = math.pow(base, exponent)
    except (ValueError, OverflowError):
        result = math.nan
    if not math.isfinite(result):
        raise JException("D3061", -1, base, exponent)
    return result


def _format_base(_program: object, value: Any, radix: Any = None) -> Any:
    if value is None:
        return None
    base = 10 if radix is None else pictures.rounded(radix, 0)
    if not 2 <= base <= 36:
        raise JException("D3100", -1, base)
    return Functions.base_repr(int(pictures.rounded(value, 0)), int(base)).lower()


def _format_integer(_program: object, value: Any, picture: object) -> Any:
    if value is None:
        return None
    exact = math.floor(value)
    if abs(exact) >= 2**53:  # with the digits that the double is written with
        exact = int(decimal.Decimal(repr(numbers.as_double(exact))))
    return DateTimeUtils.format_integer(exact, picture)


def _parse_integer(_program: object, value: object, picture: object) -> Any:
    """Read a text by a picture; NaN for a text that the picture cannot read.

    https://github.com/floci-io/floci/pull/2783
    """
    if value is None:
        return None
    try:
        result = DateTimeUtils.parse_integer(value, picture)
    except (ValueError, TypeError, KeyError, IndexError):
        return math.nan
    return math.nan if result is None else result


# Arrays and objects


def _map(program: Any, items: Any, function: Any) -> Any:
    if items is None:
        return None
    results = (_called(program, function, item, index, items) for index, item in enumerate(items))
    return _sequence(result for result in results if result is not None)


def _filter(program: Any, items: Any, function: Any) -> Any:
    if items is None:
        return None
    kept = (item for index, item in enumerate(items) if truth(_called(program, function, item, index, items)))
    return _sequence(kept)


def _single(program: Any, items: Any, function: Any = None) -> Any:
    if items is None:
        return None
    found = [
        item
        for index, item in enumerate(items)
        if function is None or truth(_called(program, function, item, index, items))
    ]
    if len(found) != 1:
        raise JException("D3138" if found else "D3139", -1)
    return found[0]


def _reduce(program: Any, items: Any, function: Any, first: Any = None) -> Any:
    if items is None:
        return None
    if _arity(function) < 2:
        raise JException("D3050", -1)
    result, begin = (items[0], 1) if first is None and items else (first, 0)
    for index in range(begin, len(items)):
        result = _called(program, function, result, items[index], index, items)
    return result


def _each(program: Any, members: Any, function: Any) -> Any:
    if members is None:
        return _sequence(())
    results = (_called(program, function, value, name, members) for name, value in members.items())
    return _sequence(result for result in results if result is not None)


def _sift(program: object, members: Any, function: object) -> Any:
    kept = {
        name: value
        for name, value in (members or {}).items()
        if truth(_called(program, function, value, name, members))
    }
    return kept or None


def _sort(program: Any, items: Any, comparator: Any = None) -> Any:
    if items is None or len(items) <= 1:
        return items
    if comparator is not None:
        return sort(list(items), lambda first, second: _holds(_called(program, comparator, first, second)))
    if all(map(numbers.is_number, items)):
        return sort(list(items), lambda first, second: first > second)
    if all(isinstance(item, str) for item in items):
        return sort(list(items), lambda first, second: _utf16(first) > _utf16(second))
    raise JException("D3070", -1)


def _utf16(string: str) -> bytes:
    return string.encode("utf-16-be", "surrogatepass")


def _holds(value: object) -> bool:
    """As JavaScript sees it: every array and object holds."""
    if isinstance(value, bool | str) or numbers.is_number(value):
        return bool(value) and value == value  # NaN does not
    return value is not None and value is not NULL


def _distinct(_program: object, items: object) -> Any:
    if not isinstance(items, list) or len(items) <= 1:
        return items
    found = Utils.create_sequence() if Utils.is_sequence(items) else []
    seen: set[tuple[type, Any]] = set()
    for item in items:
        if isinstance(item, str | int | float):
            key = (float if numbers.is_number(item) else type(item), item)
            if key in seen:
                continue
            seen.add(key)
        elif any(Utils.is_deep_equal(item, other) for other in found):
            continue
        found.append(item)
    return found


def _reversed(_program: Any, items: Any) -> Any:
    return items if items is None or len(items) <= 1 else list(items)[::-1]


def _shuffled(_program: Any, items: Any) -> Any:
    return items if items is None or len(items) <= 1 else random.sample(items, len(items))


def _clone(_program: object, value: object) -> Any:
    return None if value is None else parsed(text(value) or '""')


# Times


def _to_millis(_program: object, timestamp: Any, picture: object = None) -> Any:
    if timestamp is None:
        return None
    if picture is not None:
        return DateTimeUtils.parse_datetime(timestamp, picture)
    found = _TIMESTAMP.fullmatch(timestamp)
    if found is None:
        raise JException("D3110", -1, timestamp)
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = found.groups()
    try:
        moment = datetime.datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0),
            tzinfo=datetime.UTC,
        )  # fmt: skip
    except ValueError:
        return math.nan
    offset = (int(hours) * 60 + int(minutes)) * (1 if sign == "+" else -1) * 60_000 if sign else 0
    whole = round((moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) / datetime.timedelta(seconds=1))
    return whole * 1000 + int((fraction or "0").ljust(3, "0")[:3]) - offset


def _from_millis(_program: object, millis: Any, picture: Any = None, zone: Any = None) -> Any:
    return None if millis is None else DateTimeUtils.format_datetime(int(millis), picture, zone)


# What Step Functions adds, with the answers that https://github.com/floci-io/floci/pull/2676 measured on AWS


def _given(name: str, arguments: tuple[object, ...]) -> list[Any]:
    """The arguments of one of AWS's functions, None for each that is missing; one too many is refused."""
    most = facts.ADDED_FUNCTIONS[name]
    if len(arguments) > most and arguments[most] is not None:
        raise JException("T0410", -1, most + 1, name)
    return [*arguments, *[None] * most][:most]


def _integer(name: str, position: int, value: Any) -> int:
    if not numbers.is_number(value) or not math.isfinite(value):
        raise JException("T0410", -1, position, name)
    return math.trunc(float(value)) if isinstance(value, float) else int(value)


def _partition(_program: object, *arguments: object) -> Any:
    array, size = _given("partition", arguments)
    if array is None:
        return None
    if not isinstance(array, list):
        raise JException("T0412", -1, 1, "partition", "undefined")
    if not array:
        return None
    step = len(array) if size is None else _integer("partition", 2, size)
    if step < 0:
        raise JException("D3137", -1, "Second argument must be zero or greater")
    return [array[first : first + step] for first in range(0, len(array), step)] if step else None


def _range(_program: object, *arguments: object) -> Any:
    first, last, step = _given("range", arguments)
    begin, end = _integer("range", 1, first), _integer("range", 2, last)
    if step is None:
        return None
    by = _integer("range", 3, step)
    if by == 0 or (end - begin) * by < 0:
        return None
    values = range(begin, end + (1 if by > 0 else -1), by)
    if len(values) > facts.MOST_RANGE_ELEMENTS:
        raise BoundExceededError(facts.MEMORY_EXCEEDED)
    return _sequence(values)


def _hash(_program: object, *arguments: object) -> Any:
    string, algorithm = _given("hash", arguments)
    if not isinstance(string, str):
        raise JException("T0410", -1, 1, "hash")
    if algorithm is None:
        return None
    if not isinstance(algorithm, str):
        raise JException("T0410", -1, 2, "hash")
    if algorithm not in _HASHES:
        known = "SHA-1, SHA-384, SHA-256, SHA-512, MD5"
        raise JException("D3137", -1, f"Hash algorithm '{algorithm}' must be one of {known}")
    return hashlib.new(_HASHES[algorithm], string.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _random(_program: object, *arguments: object) -> float:
    (seed,) = _given("random", arguments)
    return numbers.unseeded() if seed is None else numbers.seeded(_integer("random", 1, seed))


def _uuid(_program: object, *arguments: object) -> str:
    _given("uuid", arguments)
    return str(uuid.uuid4())


def _parse(_program: object, *arguments: object) -> Any:
    (document,) = _given("parse", arguments)
    if document is None:
        return None
    if not isinstance(document, str):
        raise JException("T0410", -1, 1, "parse")
    try:
        return parsed(document)
    except ValueError as error:
        raise JException("D3137", -1, "Invalid JSON") from error


def _error(_program: object, words: object = None) -> Any:
    raise JException("D3137", -1, "$error() function evaluated" if words is None else words)


def _assert(_program: object, condition: object, words: object = None) -> Any:
    if not condition:
        raise JException("D3141", -1, "$assert() statement failed" if words is None else words)


def _library(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda _program, *arguments: function(*arguments)


_ADDED: Final[dict[str, Callable[..., Any]]] = {
    "partition": _partition,
    "range": _range,
    "hash": _hash,
    "random": _random,
    "uuid": _uuid,
    "parse": _parse,
}
# Name, signature, how many arguments a higher-order function gives it, implementation:
# https://github.com/jsonata-js/jsonata/blob/v2.0.6/src/jsonata.js
_LANGUAGE: Final[tuple[tuple[str, str, int, Callable[..., Any]], ...]] = (
    ("sum", "<a<n>:n>", 1, _total),
    ("count", "<a:n>", 1, _library(Functions.count)),
    ("max", "<a<n>:n>", 1, lambda _program, values: max(values) if values else None),
    ("min", "<a<n>:n>", 1, lambda _program, values: min(values) if values else None),
    ("average", "<a<n>:n>", 1, _average),
    ("string", "<x-b?:s>", 1, _library(text)),
    ("substring", "<s-nn?:s>", 3, _substring),
    ("substringBefore", "<s-s:s>", 2, _library(Functions.substring_before)),
    ("substringAfter", "<s-s:s>", 2, _library(Functions.substring_after)),
    ("lowercase", "<s-:s>", 1, lambda _program, string: None if string is None else string.lower()),
    ("uppercase", "<s-:s>", 1, lambda _program, string: None if string is None else string.upper()),
    ("length", "<s-:n>", 1, lambda _program, string: None if string is None else len(string)),
    ("trim", "<s-:s>", 1, _trim),
    ("pad", "<s-ns?:s>", 3, _pad),
    ("match", "<s-f<s:o>n?:a<o>>", 3, _match),
    ("contains", "<s-(sf):b>", 2, _contains),
    ("replace", "<s-(sf)(sf)n?:s>", 4, _replace),
    ("split", "<s-(sf)n?:a<s>>", 3, _split),
    ("join", "<a<s>s?:s>", 2, _library(Functions.join)),
    (
        "formatNumber", "<n-so?:s>", 3,
        lambda _program, value, *picture: None if value is None else pictures.formatted(value, *picture),
    ),
    ("formatBase", "<n-n?:s>", 2, _format_base),
    ("formatInteger", "<n-s:s>", 2, _format_integer),
    ("parseInteger", "<s-s:n>", 2, _parse_integer),
    ("number", "<(nsb)-:n>", 1, _number),
    ("floor", "<n-:n>", 1, _whole(math.floor)),
    ("ceil", "<n-:n>", 1, _whole(math.ceil)),
    ("round", "<n-n?:n>", 2, _round),
    ("abs", "<n-:n>", 1, lambda _program, value: None if value is None else abs(value)),
    ("sqrt", "<n-:n>", 1, _sqrt),
    ("power", "<n-n:n>", 2, _power),
    ("boolean", "<x-:b>", 1, _library(_boolean)),
    ("not", "<x-:b>", 1, lambda _program, value: None if value is None else not _boolean(value)),
    ("map", "<af>", 2, _map),
    ("zip", "<a+>", 0, _library(Functions.zip)),
    ("filter", "<af>", 2, _filter),
    ("single", "<af?>", 2, _single),
    ("reduce", "<afj?:j>", 3, _reduce),
    ("sift", "<o-f?:o>", 2, _sift),
    ("keys", "<x-:a<s>>", 1, _library(Functions.keys)),
    ("lookup", "<x-s:x>", 2, _library(Functions.lookup)),
    ("append", "<xx:a>", 2, _library(Functions.append)),
    ("exists", "<x:b>", 1, lambda _program, value: value is not None),
    ("spread", "<x-:a<o>>", 1, _library(Functions.spread)),
    ("merge", "<a<o>:o>", 1, _library(Functions.merge)),
    ("reverse", "<a:a>", 1, _reversed),
    ("each", "<o-f:a>", 2, _each),
    ("error", "<s?:x>", 1, _error),
    ("assert", "<bs?:x>", 2, _assert),
    ("type", "<x:s>", 1, _type),
    ("sort", "<af?:a>", 2, _sort),
    ("shuffle", "<a:a>", 1, _shuffled),
    ("distinct", "<x:x>", 1, _distinct),
    ("base64encode", "<s-:s>", 1, _library(Functions.base64encode)),
    ("base64decode", "<s-:s>", 1, _library(Functions.base64decode)),
    (
        "encodeUrlComponent", "<s-:s>", 1,
        _escaped("encodeUrlComponent", lambda string: urllib.parse.quote(string, safe="~()*!.'")),
    ),
    (
        "encodeUrl", "<s-:s>", 1,
        _escaped("encodeUrl", lambda string: urllib.parse.quote(string, safe="~@#$&()*!+=:;,.?/'")),
    ),
    ("decodeUrlComponent", "<s-:s>", 1, _escaped("decodeUrlComponent", _unquoted)),
    (
        "decodeUrl", "<s-:s>", 1,
        _escaped("decodeUrl", lambda string: _unquoted(_KEPT_ESCAPES.sub("%25", string))),
    ),
    ("toMillis", "<s-s?:n>", 2, _to_millis),
    ("fromMillis", "<n-s?s?:s>", 3, _from_millis),
    ("clone", "<(oa)-:o>", 1, _clone),
    ("now", "<s?s?:s>", 2, lambda program, *how: _from_millis(program, program.timestamp, *how)),
    ("millis", "<:n>", 0, lambda program: program.timestamp),
)  # fmt: skip


def bindings() -> dict[str, Function]:
    """Every function that an expression can call without having made it, by name."""
    found = {name: Function(name, signature, arity, made) for name, signature, arity, made in _LANGUAGE}
    for name, implementation in _ADDED.items():
        most = facts.ADDED_FUNCTIONS[name]
        found[name] = Function(name, f"<{'x?' * (most + 1)}:x>", most, implementation)
    return found
