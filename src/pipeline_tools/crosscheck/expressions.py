"""One JSONata expression: that it parses, knows its variables, and takes only fields that are there.

It is walked with sample values: a field of a value that is known has to be there; an UNKNOWN value has every field.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_facts import jsonata as facts
from local_aws import jsonata
from local_aws.jsonata.errors import NOTHING
from local_aws.jsonata.functions import bindings
from local_aws.jsonata.program import compiled
from pipeline_tools.crosscheck.sample_values import UNKNOWN, is_known

_OVER_ELEMENTS = {"map", "filter", "single", "each", "sift"}
_ABSENT = object()  # the input document: a Step Functions expression has none

Report = Callable[[int, str, str], None]


@dataclass(frozen=True)
class Scope:
    """What an expression can refer to: `$name` variables and the members of `$states`, as sample values."""

    variables: Mapping[str, Any]
    states: Mapping[str, Any]


def embedded(text: str) -> tuple[str, int] | None:
    """The expression in `{% … %}` and where in the text it begins; None for a text that is none."""
    found = jsonata.embedded(text)
    return None if found is None else (found, 2)


def examine(expression: str, scope: Scope, report: Report) -> Any:
    """Report what is wrong with an expression, by offset, and return a sample of its value."""
    try:
        program = compiled(expression)
    except jsonata.ExpressionSyntaxError as error:
        wrong = f"the expression is not JSONata {facts.VERSION}: {error.message}"
        report(error.position, wrong, f"correct it; {facts.VERSION} is what Step Functions evaluates")
        return UNKNOWN
    walk = _Walk(scope, report)
    shape = walk.visit(program.ast, _ABSENT, {})
    tree = program.ast
    named = tree.type == "variable" and tree.value in facts.FUNCTIONS and tree.value not in scope.variables
    if named or _types(tree) == frozenset({"function"}):
        report(0, "the expression gives a function, which is not JSON and fails the state", "call it")
        return UNKNOWN
    if walk.uncertain or is_known(shape):
        return shape
    try:
        return jsonata.evaluate(expression, {**scope.variables, facts.STATES: dict(scope.states)})
    except jsonata.EvaluationError as error:
        if error.problem == NOTHING:
            wrong, todo = "gives nothing in a sample run, which fails the state", "give a value in every case"
        else:
            wrong, todo = f"fails in a sample run: it {error.problem}", "correct it"
        report(0, f"the expression {wrong}", todo)
        return shape


def types(expression: str) -> frozenset[str] | None:
    """The JSON types that an expression's result can have, as far as its text tells; None where it does not."""
    try:
        return _types(compiled(expression).ast)
    except jsonata.ExpressionSyntaxError:
        return None


_OPERATORS = {
    **dict.fromkeys(("+", "-", "*", "/", "%"), "number"),
    **dict.fromkeys(("=", "!=", "<", "<=", ">", ">=", "and", "or", "in"), "boolean"),
    "&": "string",
}
_SYMBOLS = {"s": "string", "n": "number", "b": "boolean", "o": "object"}


def _types(node: Any) -> frozenset[str] | None:
    if node.predicate or node.group is not None:
        return None
    if node.type in ("string", "number"):
        return frozenset({node.type})
    if node.type == "value":
        return frozenset({jsonata.type_name(node.value)})
    if node.type == "binary" and node.value in _OPERATORS:
        # A number that is not finite comes out as a text.
        kind = _OPERATORS[node.value]
        return frozenset({kind, "string"} if node.value in ("*", "/", "%", "+", "-") else {kind})
    if node.type == "unary":
        return frozenset({{"[": "array", "{": "object"}.get(str(node.value), "number")})
    if node.type == "block" and node.expressions:
        return _types(node.expressions[-1])
    if node.type == "bind":
        return _types(node.rhs)
    if node.type == "condition":
        parts = [_types(part) for part in (node.then, node._else) if part is not None]
        return frozenset().union(*(part or () for part in parts)) if all(parts) else None
    if node.type in ("lambda", "regex", "partial"):
        return frozenset({"function"})
    if node.type == "function" and node.procedure.type == "variable":
        return _result(node.procedure.value)
    if node.type == "apply" and node.rhs.type in ("function", "variable"):
        return _result(node.rhs.value if node.rhs.type == "variable" else node.rhs.procedure.value)
    return None


def _result(name: object) -> frozenset[str] | None:
    return frozenset({_RESULTS[name]}) if name in _RESULTS else None


# What the functions give, by their signatures; those that may give one element or many are left out.
_RESULTS = {
    name: _SYMBOLS[function.result]
    for name, function in bindings().items()
    if function.result in _SYMBOLS and name not in ("parseInteger", "toMillis")
}


@dataclass
class _Walk:
    """A walk over the syntax tree; `visit` returns a sample of the value, or UNKNOWN where it does not compute one."""

    scope: Scope
    report: Report
    uncertain: bool = False  # the value depends on something that only a run can tell
    quiet: bool = False
    tolerated: set[str] = field(default_factory=set)  # paths that the expression asked about with $exists

    def visit(self, node: Any, here: Any, names: dict[str, Any]) -> Any:
        """A node's value; `here` is the context (`$`), `names` are the locals, to which a `:=` adds."""
        if node is None:
            return UNKNOWN
        handler = getattr(self, f"_{node.type}", self._other)
        value = handler(node, here, names)
        if node.type in ("path", "variable") and not is_known(value) and not _is_local(node, names):
            self.uncertain = True
        for step in node.predicate or ():
            value = self._filtered(step, value, names)
        if node.group is not None:
            self._pairs(node.group.lhs_object, _element(value), names)
            value = UNKNOWN
        return value

    def visit_all(self, nodes: Iterable[object], here: object, names: dict[str, Any]) -> list[Any]:
        return [self.visit(node, here, names) for node in nodes]

    def _string(self, node: Any, _here: object, _names: dict[str, Any]) -> Any:
        return node.value

    def _value(self, node: Any, _here: object, _names: dict[str, Any]) -> Any:
        return node.value if isinstance(node.value, bool) else UNKNOWN

    def _variable(self, node: Any, here: object, names: dict[str, Any]) -> Any:
        name = str(node.value)
        if name == "$" or (name == "" and here is _ABSENT):
            self._say(
                node, f"${name} is nothing here: an expression of a state has no input document", "use $states.input"
            )
            return UNKNOWN
        if name == "":
            return here
        if name == "states":
            return dict(self.scope.states)
        for values in (names, self.scope.variables):
            if name in values:
                return values[name]
        if name not in facts.FUNCTIONS:
            known = ", ".join(f"${each}" for each in sorted(self.scope.variables)) or "none"
            todo, self.uncertain = f"assigned are: {known}", True
            if name in facts.MISSING_FUNCTIONS:
                todo = f"Step Functions has no ${name}; $parse reads JSON"
            self._say(node, f"${name} is not assigned on every path to this state", todo)
        return UNKNOWN

    def _path(self, node: Any, here: object, names: dict[str, Any]) -> Any:
        names, value, label = dict(names), here, ""
        for number, step in enumerate(node.steps):
            if step.type == "name":
                value, label = self._field(step, value, label), f"{label}.{step.value}" if label else str(step.value)
            elif step.type == "wildcard":
                value = _element(list(value.values())) if isinstance(value, dict) else UNKNOWN
            elif step.type == "sort":
                for term in step.terms:
                    self.visit(term.expression, _element(value), names)
            elif step.type == "variable":
                value, label = self._variable(step, _element(value) if number else here, names), f"${step.value}"
            else:
                value, label = self.visit(step, _element(value) if number else here, names), "the value"
            names |= {name: UNKNOWN for name in (step.focus, step.index) if name}
            for stage in step.stages or ():
                value = self._filtered(stage, value, names)
        return value

    def _field(self, node: Any, value: Any, label: str) -> Any:
        name, value = str(node.value), _element(value)
        if value is UNKNOWN:
            return UNKNOWN
        if value is _ABSENT:
            self._say(node, f"{name} is a field of nothing: an expression of a state has no input document",
                      f"write ${name} for a variable, $states.input.{name} for a field of the input")  # fmt: skip
            return UNKNOWN
        if isinstance(value, dict) and name in value:
            return value[name]
        path = f"{label}.{name}" if label else name
        if self.quiet:
            self.tolerated.add(path)
        elif path not in self.tolerated:
            known = ", ".join(map(str, value)) if isinstance(value, dict) else ""
            self._say(node, f"{path} does not exist", f"{label or 'the context'} has {known or 'no fields'}")
        return UNKNOWN

    def _filtered(self, stage: Any, value: Any, names: dict[str, Any]) -> Any:
        if stage.type == "index":
            names[stage.value] = UNKNOWN
            return value
        self.visit(stage.expr, _element(value), names)
        return _element(value) if stage.expr.type == "number" else value

    def _unary(self, node: Any, here: Any, names: dict[str, Any]) -> Any:
        if node.value == "[":
            items = self.visit_all(node.expressions, here, names)
            if any(item is UNKNOWN for item in items):
                return UNKNOWN
            return [each for item in items for each in (item if isinstance(item, list) else [item])]
        if node.value == "{":
            return self._pairs(node.lhs_object, here, names)
        self.visit(node.expression, here, names)
        return UNKNOWN

    def _pairs(self, pairs: Any, here: Any, names: dict[str, Any]) -> Any:
        found = [(self.visit(key, here, names), self.visit(value, here, names)) for key, value in pairs]
        return dict(found) if all(isinstance(key, str) for key, _ in found) else UNKNOWN

    def _binary(self, node: Any, here: Any, names: dict[str, Any]) -> Any:
        self.visit_all((node.lhs, node.rhs), here, names)
        return UNKNOWN

    def _condition(self, node: Any, here: Any, names: dict[str, Any]) -> Any:
        self.visit(node.condition, here, names)
        self.visit(node.then, here, names)
        if node._else is not None:
            self.visit(node._else, here, names)
        return UNKNOWN

    def _block(self, node: Any, here: Any, names: dict[str, Any]) -> Any:
        values = self.visit_all(node.expressions, here, dict(names))
        return values[-1] if values else UNKNOWN

    def _bind(self, node: Any, here: Any, names: dict[str, Any]) -> Any:
        names.setdefault(node.lhs.value, UNKNOWN)  # a function may call itself
        names[node.lhs.value] = self.visit(node.rhs, here, names)
        return names[node.lhs.value]

    def _lambda(self, node: Any, here: Any, names: dict[str, Any], given: tuple[object, ...] = ()) -> Any:
        parameters = [argument.value for argument in node.arguments or ()]
        values = [*given, *[UNKNOWN] * len(parameters)][: len(parameters)]
        before = self.uncertain
        self.visit(node.body, here, {**names, **dict(zip(parameters, values, strict=True))})
        # Its parameters are known where it is called.
        self.uncertain = before
        return UNKNOWN

    def _function(self, node: Any, here: Any, names: dict[str, Any]) -> Any:
        name = str(node.procedure.value) if node.procedure.type == "variable" else ""
        before = self.uncertain
        if name:
            self._variable(node.procedure, here, names)
        else:
            self.visit(node.procedure, here, names)
        if name == "exists":
            quiet, self.quiet = self.quiet, True
            self.visit_all(node.arguments, here, names)
            self.quiet = quiet
            self.uncertain = before
            return UNKNOWN
        values: list[Any] = []
        for argument in node.arguments:
            if name in _OVER_ELEMENTS and argument.type == "lambda" and values:
                element = _member(values[0]) if name in ("each", "sift") else _element(values[0])
                self._lambda(argument, here, names, (element,))
                values.append(UNKNOWN)
            else:
                values.append(self.visit(argument, here, names))
        if name == "parse" and values and isinstance(values[0], str):
            try:
                return json.loads(values[0])
            except ValueError:
                return UNKNOWN  # a sample run says so
        return UNKNOWN

    _partial = _function

    def _apply(self, node: Any, here: Any, names: dict[str, Any]) -> Any:
        self.visit_all((node.lhs, node.rhs), here, names)
        return UNKNOWN

    def _transform(self, node: Any, _here: Any, names: dict[str, Any]) -> Any:
        self.visit_all((node.pattern, node.update, node.delete), UNKNOWN, names)
        return UNKNOWN

    def _other(self, _node: object, _here: object, _names: dict[str, Any]) -> Any:
        return UNKNOWN  # numbers, null, regular expressions, wildcards: nothing in them refers to anything

    def _say(self, node: Any, wrong: str, todo: str) -> None:
        self.report(max(node.position - 1, 0), wrong, todo)


def _is_local(node: Any, names: Mapping[str, Any]) -> bool:
    """Whether a variable or path begins with a local or a call: what these depend on is seen there."""
    root = node.steps[0] if node.type == "path" else node
    return root.type == "function" or (root.type == "variable" and root.value in names)


def _element(value: object) -> Any:
    """What a path goes on from: JSONata looks into the elements of an array."""
    while isinstance(value, list):
        value = value[0] if value else UNKNOWN
    return value


def _member(value: object) -> Any:
    """A value of an object."""
    return next(iter(value.values())) if isinstance(value, dict) and value else UNKNOWN
