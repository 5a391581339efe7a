"""quality: rules of single values and rows where nothing may break them, rules of the whole set for all others.

`mustBe: 0` rows of severity error is a rule of the value or the row: nullValues is `required`, duplicateValues a key,
invalidValues and missingValues rules for values. With any other operator, number, unit or severity, and for rowCount
and sql, the rule is judged once over all rows: a SetRule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from dataset_contract import elements, options, values
from dataset_contract.elements import Element
from dataset_contract.errors import ContractError, ElementPath
from dataset_contract.judging import OPERATORS
from dataset_contract.model import OUTPUT, Key, RuleArgument, SetRule, ValueRule
from dataset_contract.naming import as_json, near
from dataset_contract.types import TEXT_KINDS, ColumnType

SEVERITIES = ("error", "warning")
UNITS = ("rows", "percent")
METRICS = ("nullValues", "missingValues", "invalidValues", "duplicateValues")
MOST_ID_BYTES = 256

ENFORCED = ("id", "name", "type", "metric", "arguments", "severity", "unit", "query", *OPERATORS, "customProperties")
REFUSED = {
    "rule": "it is the old name of metric; write metric",
    "schedule": "the pipeline judges each run; leave it out",
    "scheduler": "the pipeline judges each run; leave it out",
    "engine": "it belongs to a rule of type custom, which no stage can run",
    "implementation": "it belongs to a rule of type custom, which no stage can run",
}
# A placeholder outside of texts and comments: in a text, {2} may be a part of a pattern. Spark has texts in " too.
_OUTSIDE = r"|(?P<comment>--[^\n]*|/\*.*?\*/)|\$?\{(?P<name>[A-Za-z]+)\}"
_DUCKDB_PARTS = re.compile(r"(?P<text>'(?:[^']|'')*')|(?P<quoted>\"(?:[^\"]|\"\")*\")" + _OUTSIDE, re.DOTALL)
_SPARK_PARTS = re.compile(
    r"(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|(?P<quoted>`(?:[^`]|``)*`)" + _OUTSIDE, re.DOTALL
)
_IN_QUOTES = re.compile(r"\$\{[A-Za-z]+\}")
_TEXTS_AND_COMMENTS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|--[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True)
class Made:
    """What the quality of an object or a column makes."""

    values: tuple[ValueRule, ...] = ()
    keys: tuple[Key, ...] = ()
    sets: tuple[SetRule, ...] = field(default=())


@dataclass(frozen=True)
class RuleSubject:
    """What a rule is about: an object, and in `column` and `type` one of its columns."""

    object: str
    role: str
    columns: Sequence[str]  # those of the object that are known; none for the rule of a column
    column: str = ""
    type: ColumnType | None = None
    null_values: Sequence[str] = ()

    @property
    def place(self) -> str:
        """How messages name the object or column."""
        return f"{self.object}.{self.column}" if self.column else self.object


def of_column(
    element: Element, object_: str, name: str, type_: ColumnType, role: str, null_values: Sequence[str] = ()
) -> Made:
    """The quality of a property. Raises ContractError for a rule that no stage can judge.

    Args:
        null_values: the texts that mean null in the column's files.
    """
    return _read(element, RuleSubject(object_, role, (), name, type_, null_values))


def of_object(element: Element, object_: str, columns: Sequence[str], role: str) -> Made:
    """The quality of an object. Raises ContractError for a rule that no stage can judge."""
    return _read(element, RuleSubject(object_, role, columns))


def threshold(element: Element) -> tuple[str, tuple[Decimal, ...]]:
    """The one operator of a rule with its numbers.

    Raises:
        ContractError: there is none, or more than one, or a number is none.
    """
    found = [name for name in OPERATORS if name in element]
    if not found:
        raise ContractError(element.place, f"has no operator; accepted: {', '.join(OPERATORS)}")
    if len(found) > 1:
        raise element.refuse(found[1], f"stands beside {found[0]}; accepted: one operator in a rule")
    operator = found[0]
    place = (*element.place, operator)
    if "Between" not in operator:
        return operator, (Decimal(elements.number(element.get(operator), place)),)
    pair = element.get(operator)
    if not isinstance(pair, list) or len(pair) != 2:
        raise element.refuse(operator, "is not a pair of numbers; accepted: [least, most]")
    least, most = (Decimal(elements.number(item, (*place, index))) for index, item in enumerate(pair))
    if least >= most:
        raise element.refuse(operator, "is out of order; accepted: [least, most]")
    return operator, (least, most)


def measured_in(element: Element, bounds: Iterable[Decimal], operator: str) -> str:
    """The unit of a rule that counts rows: rows or percent, and numbers that can be such."""
    unit = element.choice("unit", UNITS, "rows")
    for bound in bounds:
        if unit == "rows" and (bound < 0 or bound != bound.to_integral_value()):
            raise element.refuse(operator, "is not a number of rows; accepted: whole numbers of 0 or more")
        if unit == "percent" and not 0 <= bound <= 100:
            raise element.refuse(operator, "is not a share in percent; accepted: 0 to 100")
    return unit


def _check_effect(rule: Element, operator: str, bounds: Sequence[Decimal], unit: str) -> None:
    """Refuse a rule that holds, or fails, whatever is counted: numbers of 0 or more, shares of 0 to 100 percent."""
    least, most = bounds[0], bounds[-1]
    all_ = unit == "percent" and most >= 100
    always = {
        "mustBeGreaterOrEqualTo": least <= 0,
        "mustBeLessOrEqualTo": all_,
        "mustBeBetween": least <= 0 and all_,
    }
    never = {"mustBeLessThan": least <= 0, "mustBeGreaterThan": all_, "mustNotBeBetween": least <= 0 and all_}
    for told, cases in (("always", always), ("never", never)):
        if cases.get(operator):
            problem = f"{told} holds, whatever is counted; accepted: a rule that can be kept and broken"
            raise rule.refuse(operator, problem)


def severity(element: Element) -> str:
    """Whether a broken rule fails the job or is recorded alone."""
    return element.choice("severity", SEVERITIES, "error")


def _read(element: Element, subject: RuleSubject) -> Made:
    ids: list[str] = []
    values_: list[ValueRule] = []
    keys: list[Key] = []
    sets: list[SetRule] = []
    for item, place in element.items("quality"):
        rule = Element(item, place, ENFORCED, REFUSED)
        _note_id(rule, ids)
        elements.custom_properties(rule, ())
        kind = _kind(rule)
        if kind == "text":
            _only_describes(rule)
        elif kind == "sql":
            sets.append(_sql(rule, subject))
        else:
            made = _library(rule, subject)
            values_ += made.values
            keys += made.keys
            sets += made.sets
    return Made(tuple(values_), tuple(keys), tuple(sets))


def _kind(rule: Element) -> str:
    if rule.get("type") == "custom":
        raise rule.refuse("type", "is refused: no stage can run it; accepted: library, sql, text")
    kind = rule.choice("type", ("library", "sql", "text"), "library")
    if kind == "library" and "query" in rule:
        raise rule.refuse("query", "stands in a rule of type library; accepted: type: sql with it")
    return kind


def _only_describes(rule: Element) -> None:
    for name in rule.value:
        if name in ("metric", "arguments", "query", "unit", "severity", *OPERATORS):
            raise rule.refuse(name, "stands in a rule of type text, which only describes; leave one of them out")


def _note_id(rule: Element, ids: list[str]) -> None:
    """Check id and name; an id is there once in a list."""
    for name in ("id", "name"):
        given = rule.text(name, "-")
        if len(given.encode("utf-8", "surrogatepass")) > MOST_ID_BYTES or not given.isprintable():
            raise rule.refuse(name, f"is not an identifier; accepted: a printable text of 1 to {MOST_ID_BYTES} bytes")
    if "id" in rule and rule.get("id") in ids:
        raise rule.refuse("id", "occurs twice; accepted: an id for each rule")
    ids.append(rule.get("id"))


def _id(rule: Element, place: str) -> str:
    return str(rule.get("id") or rule.get("name") or place)


def _sql(rule: Element, subject: RuleSubject) -> SetRule:
    for name, advice in (("metric", "type: library"), ("arguments", "type: library"), ("unit", "no unit")):
        if name in rule:
            raise rule.refuse(name, f"stands in a rule of type sql; accepted: {advice}")
    operator, bounds = threshold(rule)
    return SetRule(
        id=_id(rule, f"{subject.place}.sql"),
        object=subject.object,
        metric="sql",
        operator=operator,
        bounds=bounds,
        severity=severity(rule),
        unit="value",
        columns=(subject.column,) if subject.column else (),
        query=_query(rule, subject),
    )


def filled(query: str, role: str, object_: str, column: str) -> str:
    """A query with the names of its object, and of its column unless that is "", in the place of its placeholders.

    Raises:
        ValueError: a placeholder is unknown, or stands in quotes of its own; the message goes on after the query.
    """
    quote, parts = ("`", _SPARK_PARTS) if role == OUTPUT else ('"', _DUCKDB_PARTS)
    names: Mapping[str, str] = {"object": object_, "table": object_}
    if column:
        names = {**names, "property": column, "column": column}
    listed = ", ".join(f"${{{known}}}" for known in names)

    def replaced(match: re.Match[str]) -> str:
        if match["quoted"] and (inside := _IN_QUOTES.search(match["quoted"])):
            told = f"has the placeholder {inside[0]} in quotes, which it brings itself"
            raise ValueError(f"{told}; accepted: {inside[0]}")
        if match["name"] is None:
            return match[0]
        if match["name"] not in names:
            raise ValueError(f"has the placeholder {match[0]}; accepted: {listed}")
        return quote + names[match["name"]].replace(quote, quote * 2) + quote

    return parts.sub(replaced, query.strip().rstrip(";").rstrip())


def _query(rule: Element, subject: RuleSubject) -> str:
    """The query with its placeholders filled: ${object} and ${table}, ${property} and ${column}, also without $."""
    given = rule.text("query", accepted="one SELECT that gives one number", variables=True)
    try:
        query = filled(given, subject.role, subject.object, subject.column)
    except ValueError as error:
        raise rule.refuse("query", str(error)) from error
    bare = _TEXTS_AND_COMMENTS.sub(" ", query)
    if not re.match(r"\s*\(*\s*(SELECT|WITH)\b", bare, re.IGNORECASE):
        raise rule.refuse("query", "is not a query; accepted: one SELECT, or WITH and a SELECT")
    if ";" in bare:
        raise rule.refuse("query", "has more than one statement; accepted: one SELECT that gives one number")
    return query


def _library(rule: Element, subject: RuleSubject) -> Made:
    metric = _metric(rule, subject)
    operator, bounds = threshold(rule)
    unit = measured_in(rule, bounds, operator)
    if metric == "rowCount" and unit == "percent":
        raise rule.refuse("unit", "is not a unit of rowCount; accepted: rows")
    _check_effect(rule, operator, bounds, unit)
    made = _arguments(rule, metric, subject)
    weight = severity(rule)
    identity = _id(rule, f"{subject.place}.{metric}")
    if metric != "rowCount" and (operator, *bounds, unit, weight) == ("mustBe", 0, "rows", "error"):
        return made
    columns = made.keys[0].columns if made.keys else (subject.column,) if subject.column else ()
    rules = made.values if metric in ("missingValues", "invalidValues") else ()
    return Made(
        sets=(SetRule(identity, subject.object, metric, operator, bounds, weight, unit, columns, rules),),
    )


def _metric(rule: Element, subject: RuleSubject) -> str:
    accepted = METRICS if subject.column else ("rowCount", "duplicateValues")
    metric = rule.text("metric", accepted=", ".join(accepted))
    if metric in (*METRICS, "rowCount") and metric not in accepted:
        where = "an object" if subject.column else "a property"
        raise rule.refuse("metric", f"is a metric of {where}; accepted here: {', '.join(accepted)}")
    if metric not in accepted:
        raise rule.refuse("metric", f"is not a metric{near(metric, accepted)}; accepted: {', '.join(accepted)}")
    return metric


def _arguments(rule: Element, metric: str, subject: RuleSubject) -> Made:
    """What a value or row has to keep for the metric to be 0."""
    known: dict[str, tuple[str, ...]] = {
        "missingValues": ("missingValues",),
        "invalidValues": ("validValues", "pattern"),
        "duplicateValues": () if subject.column else ("properties",),
    }
    names = known.get(metric, ())
    place = (*rule.place, "arguments")
    arguments = Element(rule.get("arguments", {}), place, names)
    if names and not arguments.value:
        raise rule.missing("arguments", f"{' or '.join(names)}, as {metric} needs")
    if metric == "nullValues":
        return Made((ValueRule("required"),))
    if metric == "duplicateValues":
        columns = _key(arguments, subject) if names else (subject.column,)
        return Made(keys=(Key(columns),))
    if subject.type is None:
        return Made()  # rowCount, of an object
    if metric == "missingValues":
        where = (*place, "missingValues")
        made = Made(_missing(arguments.get("missingValues"), subject.type, where))
        _check_not_null(made, subject, where, "null in its place")
        return made
    if metric != "invalidValues":
        raise NotImplementedError(f"what the metric {metric} takes is not said here")
    made = Made(_invalid(arguments, subject.type))
    _check_not_null(made, subject, (*place, "validValues"), "the list without it, since null is valid")
    return made


def _check_not_null(made: Made, subject: RuleSubject, place: ElementPath, instead: str) -> None:
    for rule in made.values:
        if isinstance(rule.argument, tuple):
            values.check_not_null(rule.argument, subject.null_values, place, instead)


def _invalid(arguments: Element, type_: ColumnType) -> tuple[ValueRule, ...]:
    rules = []
    if "pattern" in arguments:
        if type_.kind not in TEXT_KINDS:
            raise arguments.refuse("pattern", f"is for texts, not for {type_.redshift}; accepted: validValues")
        rules.append(options.pattern(arguments.get("pattern"), (*arguments.place, "pattern")))
    if "validValues" in arguments:
        listed = values.listed(arguments.get("validValues"), type_, (*arguments.place, "validValues"))
        rules.append(ValueRule("validValues", listed))
    return tuple(rules)


def _missing(given: object, type_: ColumnType, place: ElementPath) -> tuple[ValueRule, ...]:
    """Null in the list makes null count too. A value that is none of the type could never be there."""
    if not isinstance(given, list) or not given:
        raise ContractError(place, f"{as_json(given)} is not a list with a value in it; accepted: a list of values")
    rules = [ValueRule("required")] if None in given else []
    found: list[RuleArgument] = []
    for index, item in enumerate(given):
        if item is not None:
            found.append(values.read(item, type_, (*place, index)))
    if found:
        rules.append(ValueRule("missingValues", tuple(dict.fromkeys(found))))  # type: ignore[arg-type]
    return tuple(rules)


def _key(arguments: Element, subject: RuleSubject) -> tuple[str, ...]:
    known = ", ".join(subject.columns)
    names: list[str] = []
    for item, place in arguments.items("properties"):
        name = elements.text(item, place, f"a column: {known}")
        if name not in subject.columns:
            raise ContractError(
                place, f"{as_json(name)} is not a column{near(name, subject.columns)}; accepted: {known}"
            )
        if name in names:
            raise ContractError(place, f"{as_json(name)} occurs twice; accepted: each column once")
        names.append(name)
    if not names:
        raise arguments.refuse("properties", f"names no column; accepted: {known}")
    return tuple(names)
