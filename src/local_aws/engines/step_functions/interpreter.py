"""Where an interpreter's modules are: moto carries a copy of LocalStack's under other names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final


@dataclass(frozen=True)
class Interpreter:
    """One of the two. Paths of modules are those of moto, below the interpreter's root.

    Args:
        root: the package that has `asl` and `backend`.
        api: the module with the names of the service's API.
        renamed: parts of moto's paths, and what they are here.
    """

    root: str
    api: str
    renamed: Mapping[str, str] = field(default_factory=dict)

    def module(self, path: str) -> Any:
        """Import a module by its path below the root."""
        for theirs, ours in self.renamed.items():
            path = path.replace(theirs, ours)
        return import_module(f"{self.root}.{path}")

    def get(self, path: str, name: str) -> Any:
        """A name of a module."""
        return getattr(self.module(path), name)

    def of_api(self, name: str) -> Any:
        """A name of the service's API: a type of an event, an exception, a shape."""
        return getattr(import_module(self.api), name)


class Changes:
    """What is replaced in an interpreter, so that it can be put back."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter = interpreter
        self._before: list[tuple[Any, str, Any]] = []

    def replace(self, owner: object, name: str, new: object) -> Any:
        """Replace a name of a module or class, and return what it was.

        Raises:
            AttributeError: there is no such name, so this is not the version that the change was written for.
        """
        old = getattr(owner, name)
        self._before.append((owner, name, vars(owner).get(name, _INHERITED)))
        setattr(owner, name, new)
        return old

    def add(self, owner: object, name: str, new: object) -> None:
        """Give a class a name that it does not have."""
        assert not hasattr(owner, name), f"{owner} has {name} by itself"
        self._before.append((owner, name, _INHERITED))
        setattr(owner, name, new)

    def undo(self) -> None:
        """Put everything back."""
        while self._before:
            owner, name, old = self._before.pop()
            if old is _INHERITED:
                delattr(owner, name)
            else:
                setattr(owner, name, old)


_INHERITED: Final = object()
MOTO: Final = Interpreter("moto.stepfunctions.parser", "moto.stepfunctions.parser.api")
LOCALSTACK: Final = Interpreter(
    "localstack.services.stepfunctions",
    "localstack.aws.api.stepfunctions",
    {
        ".state.exec.": ".state.state_execution.",
        ".state.choice.": ".state.state_choice.",
        ".state.wait.": ".state.state_wait.",
    },
)
SERVICE: Final = "asl.component.state.exec.state_task.service"
