"""The Terraform files of the root module, read without Terraform.

python-hcl2 parses them with positions in milliseconds. `terraform console` or a plan would need seconds and the
initialised provider, and would show one branch of each condition; the checks want both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import hcl2
from lark import Token, Tree
from lark.exceptions import UnexpectedInput

SAMPLE = "x"
# What AWS's data sources may give; another reference, such as a variable, becomes SAMPLE.
_SAMPLES = {
    "data.aws_caller_identity.current.account_id": "123456789012",
    "data.aws_partition.current.partition": "aws",
    "data.aws_region.current.id": "us-east-1",
}


class HclError(ValueError):
    """A file is not HCL from a line on."""

    def __init__(self, file: Path, line: int) -> None:
        super().__init__(f"{file}:{line}")
        self.file, self.line = file, line


@dataclass(frozen=True)
class Expression:
    """An expression and the file that it is in."""

    tree: Tree[Token]
    file: Path

    @property
    def line(self) -> int:
        """The line at which the expression starts."""
        return int(self.tree.meta.line)

    def source(self) -> str:
        """The expression as it is written in the file."""
        return self.file.read_text(encoding="utf-8")[self.tree.meta.start_pos : self.tree.meta.end_pos]

    def bare(self) -> Tree[Token]:
        """The tree without the layers that only group."""
        tree = self.tree
        while tree.data == "expr_term" and len(inner := _trees(tree)) == 1:
            tree = inner[0]
        return tree

    def items(self) -> dict[str, Expression]:
        """The elements of an object by their keys; nothing for what is not an object."""
        found = {}
        for element in _trees(self.bare()):
            if element.data == "object_elem":
                key, value = _trees(element)[0], _trees(element)[-1]
                found[_words(key).strip('"')] = Expression(value, self.file)
        return found

    def literal(self) -> str | None:
        """The text of a string, number or boolean; None for null and for what is none of these."""
        tree = self.bare()
        text = _words(tree).strip('"')
        return text if tree.data in ("string", "int_lit", "float_lit", "literal_value") and text != "null" else None

    def call(self) -> tuple[str, list[Expression]]:
        """The name and the arguments of a function call; empty for what is none."""
        tree = self.bare()
        if tree.data != "function_call":
            return "", []
        name, *given = _trees(tree)
        return _words(name), [Expression(each, self.file) for part in given for each in _trees(part)]

    def strings(self) -> Iterator[tuple[str, int]]:
        """Every string in it that holds no interpolation, with its line."""
        for tree in self.tree.find_data("string"):
            if not list(tree.find_data("interpolation")):
                yield _words(tree).strip('"'), int(tree.meta.line)


@dataclass(frozen=True)
class Module:
    """A module block: its attributes by name, and where it begins."""

    name: str
    file: Path
    line: int
    attributes: dict[str, Expression]


@dataclass(frozen=True)
class PolicyStatement:
    """A policy statement: its sid, and its actions, each with the place where it is named."""

    sid: str
    actions: tuple[tuple[str, Path, int], ...]


@dataclass
class Infra:
    """The modules and the locals of a folder of .tf files."""

    folder: Path
    modules: dict[str, Module] = field(default_factory=dict)
    locals: dict[str, Expression] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Infra:
        """Raises HclError."""
        infra = cls(folder)
        for file in sorted(folder.glob("*.tf")):
            (body,) = _trees(parse(file))
            for block in body.find_data("block"):
                infra._add(block, file)
        return infra

    def _add(self, block: Tree[Token], file: Path) -> None:
        kind, *labels = _labels(block)
        if kind == "locals":
            self.locals |= _attributes(block, file)
        elif kind == "module":
            self.modules[labels[0]] = Module(labels[0], file, int(block.meta.line), _attributes(block, file))

    def of(self, source: str) -> list[Module]:
        """The modules made of a folder below modules/."""
        return [module for module in self.modules.values() if self.text(module, "source") == f"./modules/{source}"]

    def named(self, source: str, text: str) -> Module | None:
        """The module whose resource has the name `text`, or the ARN `text` that ends with it."""
        for module in self.of(source):
            name = self.text(module, "name")
            if text == name or text.endswith((f":{name}", f"/{name}")):
                return module
        return None

    def text(self, module: Module, attribute: str) -> str:
        """An attribute's value with samples for what only Terraform knows; empty where it is not set."""
        expression = module.attributes.get(attribute)
        return self.expand(expression) if expression else ""

    def expand(self, expression: Expression) -> str:
        """The text of an expression, with samples for what only Terraform knows."""
        tree = expression.bare()
        if tree.data == "string":
            return "".join(self._part(part, expression.file) for part in _trees(tree))
        if tree.data in ("int_lit", "float_lit", "literal_value"):
            return _words(tree)
        if tree.data == "binary_op":
            return "1"
        if tree.data == "conditional":
            yes, no = (Expression(branch, expression.file) for branch in _trees(tree)[-2:])
            # The branch that says more.
            chosen = SAMPLE if _words(yes.tree) == "null" else self.expand(yes)
            return self.expand(no) if chosen == SAMPLE else chosen
        if tree.data == "function_call" and _words(_trees(tree)[0]) == "jsonencode":
            return json.dumps({name: self.expand(value) for name, value in self.entries(expression).items()})
        path = reference(tree)
        return self._reference(path) if path else SAMPLE

    def _part(self, part: Tree[Token], file: Path) -> str:
        inner = list(part.find_data("interpolation"))
        if not inner:
            return _words(part)
        return self.expand(Expression(_trees(inner[0])[0], file))

    def _reference(self, path: tuple[str, ...]) -> str:
        target = self.local(path)
        if target:
            return self.expand(target)
        if path[0] == "module" and len(path) == 3 and path[1] in self.modules:
            return self.text(self.modules[path[1]], path[2]) or SAMPLE
        return _SAMPLES.get(".".join(path), SAMPLE)

    def local(self, path: tuple[str, ...]) -> Expression | None:
        """The expression that `local.a.b` stands for, if it is written out."""
        if path[0] != "local" or len(path) < 2:
            return None
        target = self.locals.get(path[1])
        for name in path[2:]:
            target = target.items().get(name) if target else None
        return target

    def entries(self, expression: Expression) -> dict[str, Expression]:
        """The elements of an object that may be written out, merged, chosen by a condition or kept in a local."""
        target = self.local(path) if (path := reference(expression.bare())) else None
        if path:
            return self.entries(target) if target else {}
        found = expression.items()
        if not found and expression.bare().data != "object":
            for child in _trees(expression.bare()):
                found |= self.entries(Expression(child, expression.file))
        return found

    def statements(
        self, expression: Expression, seen: frozenset[tuple[str, ...]] = frozenset()
    ) -> list[PolicyStatement]:
        """Every policy statement that an expression may have, by whatever condition, locals included."""
        keys = expression.items()
        if "actions" in keys:
            sid = self.expand(keys["sid"]) if "sid" in keys else "?"
            actions = tuple((text, expression.file, line) for text, line in keys["actions"].strings())
            return [PolicyStatement(sid, actions)]
        path = reference(expression.bare())
        target = self.local(path) if path and path not in seen else None
        if path:
            return self.statements(target, seen | {path}) if target else []
        return [
            statement
            for child in _trees(expression.bare())
            for statement in self.statements(Expression(child, expression.file), seen)
        ]


def parse(file: Path) -> Tree[Token]:
    """Raises HclError."""
    try:
        return _tree(file.read_text(encoding="utf-8"))
    except UnexpectedInput as error:
        raise HclError(file, max(int(error.line), 1)) from error


def attributes(file: Path) -> dict[str, Expression]:
    """The attributes of a file without its blocks, as of .tfvars. Raises HclError."""
    return _attributes(parse(file), file)


def blocks(file: Path, kind: str) -> dict[str, dict[str, Expression]]:
    """The attributes of a file's blocks of a kind with one label, by that label. Raises HclError."""
    return {labels[1]: found for labels, found in labelled(file) if labels[0] == kind and len(labels) == 2}


def labelled(file: Path) -> list[tuple[tuple[str, ...], dict[str, Expression]]]:
    """The kind and labels of every block of a file, nested ones too, and its attributes. Raises HclError."""
    found = sorted(parse(file).find_data("block"), key=lambda block: int(block.meta.start_pos))
    return [(_labels(block), _attributes(block, file)) for block in found]


@lru_cache(maxsize=256)
def _tree(text: str) -> Tree[Token]:
    return hcl2.parses_to_tree(text)


def reference(tree: Tree[Token]) -> tuple[str, ...]:
    """`local.names.x` as its parts; empty for what is not a plain reference."""
    tree = Expression(tree, Path()).bare()
    if tree.data == "identifier":
        return (_words(tree),)
    if tree.data == "get_attr_expr_term":
        of, attribute = _trees(tree)
        before = reference(of)
        return (*before, _words(attribute).lstrip(".")) if before else ()
    return ()


def _labels(block: Tree[Token]) -> tuple[str, ...]:
    return tuple(_words(tree).strip('"') for tree in _trees(block) if tree.data in ("identifier", "string"))


def _attributes(block: Tree[Token], file: Path) -> dict[str, Expression]:
    body = next(tree for tree in _trees(block) if tree.data == "body")
    return {
        _words(_trees(tree)[0]): Expression(_trees(tree)[-1], file) for tree in _trees(body) if tree.data == "attribute"
    }


def _trees(tree: Tree[Token]) -> list[Tree[Token]]:
    return [child for child in tree.children if isinstance(child, Tree) and child.data != "new_line_or_comment"]


def _words(tree: Tree[Token]) -> str:
    return "".join(str(token) for token in tree.scan_values(lambda value: isinstance(value, Token))).strip()
