"""A compiled expression: parsed as 2.0.6, evaluated within AWS's bounds, in any number of threads at a time.

The parser and most of the evaluator are jsonata-python's, which follows a later version of the language and answers
some operators otherwise than the reference implementation; what is replaced here is AWS's or the reference's.
https://github.com/jsonata-js/jsonata/blob/v2.0.6/src/jsonata.js
"""

from __future__ import annotations

import copy
import functools
import math
import operator
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from jsonata import Jsonata
from jsonata.jexception import JException
from jsonata.parser import Parser
from jsonata.signature import Signature
from jsonata.tokenizer import Tokenizer
from jsonata.utils import Utils

from aws_facts import jsonata as facts
from local_aws.jsonata import numbers
from local_aws.jsonata.errors import BoundExceededError, ExpressionSyntaxError, message
from local_aws.jsonata.functions import Function, Regex, StrictSignature, bindings, sort, text, truth

_STEPS_BETWEEN_CHECKS: Final = 256
_ARITHMETIC: Final[dict[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class _Tokenizer(Tokenizer):  # type: ignore[misc]
    """Reads what 2.0.6 reads: `??` and `?:` are two tokens, of which no expression can have the second."""

    def __init__(self, path: str, regex_engine: object) -> None:
        # Spaces, since it looks one character further than the text goes.
        super().__init__(f"{path}  ", regex_engine)

    def next(self, prefix: bool) -> Any:
        try:
            token = super().next(prefix)
        except IndexError:  # no end of a comment
            raise JException("S0106", self.length) from None
        except JException as error:
            if error.error == "S0301" and error.current is not None:  # an escape, not an empty regular expression
                raise JException("S0103", error.location, error.current) from None
            raise
        if token is None:
            return None
        if token.type == "operator" and token.value in facts.LATER_OPERATORS:
            self.position -= 1
            token.value, token.position = token.value[0], self.position
        elif token.type == "operator" and token.value in ("!", "~"):
            raise JException("S0204", token.position, token.value)
        elif token.type == "string":  # two escapes may write one character
            token.value = token.value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        return token


class _ExpressionParser(Parser):  # type: ignore[misc]
    def __setattr__(self, name: str, value: Any) -> None:
        # parse() makes its own tokenizer.
        if name == "lexer" and value is not None:
            value = _Tokenizer(value.path, value.regex_engine)
        super().__setattr__(name, value)

    def process_ast(self, node: object) -> Any:
        done = super().process_ast(node)
        if done is not None and isinstance(done.signature, Signature):
            done.signature.__class__ = StrictSignature
        return done


_local: Final = threading.local()


def _partial_parser() -> Any:
    """A thread's parser for the functions that a partial application makes."""
    if not hasattr(_local, "parser"):
        _local.parser = _ExpressionParser()
    return _local.parser


_STATIC: Final = Jsonata.Frame(None)
for _name, _function in bindings().items():
    _STATIC.bind(_name, _function)
_CHAIN: Final = _ExpressionParser().parse("function($f, $g) { function($x){ $g($f($x)) } }")


class Program(Jsonata):  # type: ignore[misc]
    """One expression. The object itself is never evaluated: each evaluation has a copy with state of its own.

    Raises:
        ExpressionSyntaxError: the expression is not JSONata 2.0.6.
    """

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.parser = _ExpressionParser()
        try:
            self.ast = self.parser.parse(expression, Regex)
        except JException as error:
            position = min(max(error.location - 1, 0), len(expression))
            raise ExpressionSyntaxError(expression, message(error), position) from error
        except RecursionError as error:
            raise ExpressionSyntaxError(expression, "the expression is nested too deeply", 0) from error
        except RuntimeError as error:  # of a signature, with the reference's words
            raise ExpressionSyntaxError(expression, str(error), 0) from error
        except Exception as error:  # whatever else the library raises, as for a number in a signature
            raise ExpressionSyntaxError(expression, f"the expression cannot be read: {error}", 0) from error
        self.names = frozenset(_names(self.ast))

    def evaluate(self, document: Any, variables: Mapping[str, object]) -> Any:
        """The value in the library's form: None is undefined.

        Raises:
            JException, BoundExceededError: the evaluation fails.
        """
        run = copy.copy(self)
        run.parser = _partial_parser()
        run.depth = run.steps = 0
        run.deadline = time.thread_time() + facts.MOST_SECONDS
        run.timestamp = time.time_ns() // 1_000_000
        run.environment = frame = self.create_frame(_STATIC)
        for name, value in variables.items():
            frame.bind(name, value)
        frame.bind("$", document)
        if isinstance(document, list):
            document = Utils.create_sequence(document)
            document.outer_wrapper = True
        return run.eval(self.ast, document, frame)

    def eval(self, node: Any, here: Any, frame: Any) -> Any:
        """The value of a node, within the bounds of an evaluation."""
        self.depth += 1
        if self.depth > facts.MOST_DEPTH:
            raise BoundExceededError(facts.STACK_OVERFLOW)
        self.steps += 1
        if self.steps % _STEPS_BETWEEN_CHECKS == 0 and time.thread_time() > self.deadline:
            raise BoundExceededError(facts.TIME_EXCEEDED)
        evaluate = _EVALUATE.get(node.type)
        result = evaluate(self, node, here, frame) if evaluate else None
        for step in node.predicate or ():
            result = self.evaluate_filter(step.expr, result, frame)
        if node.type != "path" and node.group is not None:
            result = self.evaluate_group_expression(node.group, result, frame)
        self.depth -= 1
        if isinstance(result, str):
            if len(result) > facts.MOST_CHARACTERS:
                raise BoundExceededError(facts.MEMORY_EXCEEDED)
        elif isinstance(result, list):
            if len(result) > facts.MOST_ELEMENTS:
                raise BoundExceededError(facts.MEMORY_EXCEEDED)
            return _collapsed(result, keep=node.keep_array)
        return result

    def evaluate_path(self, node: Any, here: Any, frame: Any) -> Any:
        """The value of a path."""
        current = here
        if not isinstance(here, list) or node.steps[0].type == "variable":
            current = Utils.create_sequence(here)
        found: Any = None
        tuples: Any = None
        in_tuples = False
        for number, step in enumerate(node.steps):
            in_tuples = in_tuples or step.tuple is not None
            if number == 0 and step.consarray:
                found = self.eval(step, current, frame)
            elif in_tuples:
                tuples = self.evaluate_tuple_step(step, current, tuples, frame)
            else:  # what is not an array has no elements to go on from
                items = current if isinstance(current, list) else ()
                found = self.evaluate_step(step, items, frame, number == len(node.steps) - 1)
            if not in_tuples and (found is None or found == []):
                break
            if step.focus is None:
                current = found
        if in_tuples:
            found = tuples if node.tuple else Utils.create_sequence_from_iter(each["@"] for each in tuples)
        if node.keep_singleton_array:
            found = found if isinstance(found, Utils.JList) else Utils.JList(found or ())
            if found.cons and not found.sequence:
                found = Utils.create_sequence(found)
            found.keep_singleton = True
        if node.group is not None:
            return self.evaluate_group_expression(node.group, tuples if in_tuples else found, frame)
        return found

    def evaluate_binary(self, node: Any, here: Any, frame: Any) -> Any:
        """The value of a binary operation."""
        left = self.eval(node.lhs, here, frame)
        kind = node.value
        if kind == "and":
            return truth(left) and truth(self.eval(node.rhs, here, frame))
        if kind == "or":
            return truth(left) or truth(self.eval(node.rhs, here, frame))
        right = self.eval(node.rhs, here, frame)
        if kind in ("+", "-", "*", "/", "%"):
            return _arithmetic(kind, left, right)
        if kind in ("=", "!="):
            return self.evaluate_equality_expression(left, right, kind)
        if kind in _ORDER:
            return _ordered(kind, left, right)
        if kind == "&":
            return (text(left) or "") + (text(right) or "")
        if kind == "..":
            return _range(left, right)
        return _included(left, right)

    def evaluate_condition(self, node: Any, here: Any, frame: Any) -> Any:
        """The value of `condition ? then : else`."""
        if truth(self.eval(node.condition, here, frame)):
            return self.eval(node.then, here, frame)
        return self.eval(node._else, here, frame) if node._else is not None else None

    def evaluate_filter(self, predicate: Any, value: Any, frame: object) -> Any:
        """The items of a value that a predicate keeps."""
        tuples = isinstance(value, Utils.JList) and value.tuple_stream
        items = value if isinstance(value, list) else [value]  # what is not there is asked too
        found = Utils.create_sequence()
        found.tuple_stream = tuples
        if predicate.type == "number":
            at = math.floor(predicate.value)
            at += len(items) if at < 0 else 0
            if 0 <= at < len(items) and items[at] is not None:
                if isinstance(items[at], list):
                    return items[at]
                found.append(items[at])
            return found
        for index, item in enumerate(items):
            here, names = item, frame
            if tuples:
                here, names = item["@"], self.create_frame_from_tuple(frame, item)
            result = self.eval(predicate, here, names)
            if Utils.is_numeric(result):
                result = [result]
            if Utils.is_array_of_numbers(result):
                places = (math.floor(place) for place in result)
                found.extend(item for place in places if index == (place + len(items) if place < 0 else place))
            elif truth(result):
                found.append(item)
        return found

    def evaluate_sort_expression(self, node: object, value: object, frame: object) -> Any:
        """The items of a value in the order of `^( )`."""
        compare = Jsonata.ComparatorWrapper(
            self, node, frame, isinstance(value, Utils.JList) and value.tuple_stream
        ).compare
        return sort(value, lambda first, second: compare(first, second) > 0)

    def evaluate_transform_expression(self, node: object, _here: object, frame: object) -> Any:
        """The function that `| | |` makes."""
        return Function("transform", "<(oa):o>", 1, functools.partial(_transformed, node, frame))

    def evaluate_apply_expression(self, node: Any, here: Any, frame: Any) -> Any:
        """The value of `~>`."""
        left = self.eval(node.lhs, here, frame)
        if node.rhs.type == "function":
            return self.evaluate_function(node.rhs, here, frame, left)
        function = self.eval(node.rhs, here, frame)
        if not self.is_function_like(function):
            raise JException("T2006", node.position, function)
        if not self.is_function_like(left):
            return self.apply(function, [left], None, frame)
        return self.apply(self.eval(_CHAIN, None, frame), [left, function], None, frame)

    def evaluate_partial_application(self, node: Any, here: Any, frame: Any) -> Any:
        """The function that a call with `?` makes."""
        procedure = node.procedure
        if procedure.type == "path" and frame.lookup(str(procedure.steps[0].value)) is not None:
            raise JException("T1007", node.position, procedure.steps[0].value)
        return super().evaluate_partial_application(node, here, frame)

    def apply_inner(self, function: object, arguments: object, here: object, _frame: object) -> Any:
        """The value of a call."""
        if isinstance(function, Function):
            return function.run(self, function.validate(arguments, here))
        if isinstance(function, Parser.Symbol) and function._jsonata_lambda:
            return self.apply_procedure(function, self.validate_arguments(function, arguments, here))
        raise JException("T1006", -1)


_EVALUATE: Final[dict[str, Callable[[Any, Any, Any, Any], Any]]] = {
    "path": Program.evaluate_path,
    "binary": Program.evaluate_binary,
    "unary": Program.evaluate_unary,
    "name": lambda run, node, here, frame: run.evaluate_name(node, here, frame),
    "string": lambda run, node, _here, _frame: run.evaluate_literal(node),
    "number": lambda run, node, _here, _frame: run.evaluate_literal(node),
    "value": lambda run, node, _here, _frame: run.evaluate_literal(node),
    "wildcard": lambda run, node, here, _frame: run.evaluate_wildcard(node, here),
    "descendant": lambda run, node, here, _frame: run.evaluate_descendants(node, here),
    "parent": lambda _run, node, _here, frame: frame.lookup(node.slot.label),
    "condition": Program.evaluate_condition,
    "block": Program.evaluate_block,
    "bind": Program.evaluate_bind_expression,
    "regex": lambda _run, node, _here, _frame: node.value,
    "function": lambda run, node, here, frame: run.evaluate_function(node, here, frame, Utils.NONE),
    "variable": Program.evaluate_variable,
    "lambda": Program.evaluate_lambda,
    "partial": Program.evaluate_partial_application,
    "apply": Program.evaluate_apply_expression,
    "transform": Program.evaluate_transform_expression,
}


@functools.lru_cache(maxsize=4096)
def compiled(expression: str) -> Program:
    """The compiled form of an expression, which is made once.

    Raises:
        ExpressionSyntaxError: the expression is not JSONata 2.0.6.
    """
    return Program(expression)


def _names(node: object) -> Iterator[str]:
    """The name of each variable and function of a syntax tree."""
    if isinstance(node, Parser.Symbol):
        if node.type == "variable":
            yield str(node.value)
        for child in children(node):
            yield from _names(child)


def children(node: object) -> Iterator[Any]:
    """The nodes below one of a syntax tree."""
    for value in vars(node).values():
        yield from _symbols(value)


def _symbols(value: object) -> Iterator[Any]:
    if isinstance(value, Parser.Symbol):
        yield value
    elif isinstance(value, list):
        for member in value:
            yield from _symbols(member)


def _collapsed(found: Any, *, keep: bool) -> Any:
    """A sequence of one is that one, a sequence of none is undefined; an array stays one."""
    if not Utils.is_sequence(found) or found.tuple_stream:
        return found
    found.keep_singleton = found.keep_singleton or keep
    if len(found) == 1 and not found.keep_singleton:
        return found[0]
    return found or None


def _arithmetic(kind: str, left: Any, right: Any) -> Any:
    """Doubles as JavaScript has them: a division by zero is infinite, and what goes on with it fails."""
    if left is not None and not Utils.is_numeric(left):
        raise JException("T2001", -1, kind, left)
    if right is not None and not Utils.is_numeric(right):
        raise JException("T2002", -1, kind, right)
    if left is None or right is None:
        return None
    first, second = numbers.as_double(left), numbers.as_double(right)
    if kind in _ARITHMETIC:
        return numbers.plain(_ARITHMETIC[kind](first, second))
    if second:
        return numbers.plain(first / second if kind == "/" else math.fmod(first, second))
    if kind == "%" or not first:
        return math.nan
    return math.copysign(math.inf, first) * math.copysign(1, second)


def _ordered(kind: str, left: Any, right: Any) -> bool | None:
    for value, other in ((left, right), (right, left)):
        if value is not None and not numbers.is_number(value) and not isinstance(value, str):
            raise JException("T2010", -1, kind, other)
    if left is None or right is None:
        return None
    if isinstance(left, str) != isinstance(right, str):
        raise JException("T2009", -1, left, right, kind)
    if isinstance(left, str):  # by UTF-16, not by characters
        left, right = (side.encode("utf-16-be", "surrogatepass") for side in (left, right))
    return _ORDER[kind](left, right)


def _included(item: object, items: object) -> bool:
    """JavaScript's ===: a value of the same kind; an object or array only itself."""
    if item is None or items is None:
        return False
    for each in items if isinstance(items, list) else [items]:
        if numbers.is_number(item) and numbers.is_number(each):
            same = item == each
        else:
            same = type(item) is type(each) and item == each if isinstance(item, str | bool) else item is each
        if same:
            return True
    return False


def _range(first: Any, last: Any) -> Any:
    for code, value in (("T2003", first), ("T2004", last)):
        if value is not None and not (numbers.is_number(value) and float(value).is_integer()):
            raise JException(code, -1, value)
    if first is None or last is None or first > last:
        return None
    size = int(last) - int(first) + 1
    if size > 10_000_000:
        raise JException("D2014", -1, size)
    if size > facts.MOST_ELEMENTS:
        raise BoundExceededError(facts.MEMORY_EXCEEDED)
    return Utils.create_sequence_from_iter(range(int(first), int(last) + 1))


def _transformed(node: Any, frame: Any, run: Any, value: Any) -> Any:
    """`| pattern | update, delete |` applied to a copy of the value."""
    if value is None:
        return None
    clone = frame.lookup("clone")
    if not run.is_function_like(clone):
        raise JException("T2013", node.position)
    result = run.apply(clone, [value], None, frame)
    matches = run.eval(node.pattern, result, frame)
    for match in matches if isinstance(matches, list) else [] if matches is None else [matches]:
        update = run.eval(node.update, match, frame)
        if update is not None:
            if not isinstance(update, dict):
                raise JException("T2011", node.update.position, update)
            if isinstance(match, dict):
                match.update(update)
        if node.delete is not None:
            names = run.eval(node.delete, match, frame)
            listed = names if isinstance(names, list) else [] if names is None else [names]
            if not Utils.is_array_of_strings(listed):
                raise JException("T2012", node.delete.position, names)
            if isinstance(match, dict):
                for name in listed:
                    match.pop(name, None)
    return result
