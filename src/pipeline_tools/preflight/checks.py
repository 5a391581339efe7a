"""What a check is, whom it asks, and how its answer is told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from dataset_contract.json_types import JsonMapping
from pipeline.clients import Clients

# Who asks may not; or what is asked has no such operation, which is what emulators say.
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "403", "UnauthorizedOperation"})
_MISSING: Final = frozenset(
    {"501", "InternalFailure", "InvalidAction", "NotImplemented", "UnknownOperation", "UnknownOperationException"}
)


class NotAskedError(Exception):
    """Why something could not be asked."""


@dataclass(frozen=True)
class CheckedDeployment:
    """The deployment that is asked about.

    Attributes:
        environment: names infra/environments/<environment>.tfvars.
        clients: of the account, or of an endpoint.
        settings: values of infra/variables.tf by name; those of redshift by redshift.<name>.
        outputs: Terraform's; None before the first apply.
        state: bucket and key of Terraform's state; None where it is on this machine.
        state_missing: why the place of the state is not known.
    """

    environment: str
    clients: Clients
    settings: Mapping[str, str]
    outputs: JsonMapping | None = None
    state: tuple[str, str] | None = None
    state_missing: str = "the state of this environment is on this machine"

    @property
    def prefix(self) -> str:
        """What begins the names of the environment's resources."""
        return self.settings.get("name_prefix") or f"tdp-{self.environment}"

    @property
    def applied(self) -> JsonMapping:
        """Terraform's outputs. Raises NotAskedError before the first apply."""
        if self.outputs is None:
            raise NotAskedError("nothing is applied yet")
        return self.outputs


@dataclass(frozen=True)
class CheckAnswer:
    """What AWS said.

    Attributes:
        problems: what is not as the pipeline needs it; empty where all is well.
    """

    said: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """A question to an account.

    Attributes:
        name: for --skip.
        asks: what is asked, in one line.
        do: what to do where the answer has problems.
        ask: raises NotAskedError, or botocore's errors.
    """

    name: str
    asks: str
    do: str
    ask: Callable[[CheckedDeployment], CheckAnswer] = field(repr=False)


@dataclass(frozen=True)
class CheckResult:
    """A check with its answer, or with why it was not asked."""

    check: Check
    answer: CheckAnswer | None
    not_asked: str = ""

    @property
    def is_found(self) -> bool:
        """Whether something has to be done."""
        return self.answer is not None and bool(self.answer.problems)

    def lines(self) -> Iterator[str]:
        """For a terminal: what was asked, what was answered, and what to do."""
        if self.answer is None:
            yield f"not asked  {self.check.name}: {self.not_asked} (it asks: {self.check.asks})"
            return
        verdict = "FOUND    " if self.is_found else "fine     "
        yield f"{verdict}  {self.check.name}: {self.check.asks}: {self.answer.said}"
        yield from (f"             - {problem}" for problem in self.answer.problems)
        if self.is_found:
            yield f"             do: {self.check.do}"


def ask(checks: Iterable[Check], target: CheckedDeployment, skipped: Collection[str] = ()) -> Iterator[CheckResult]:
    """The results, each as soon as it is there. A question that is not answered is never a good answer."""
    for check in checks:
        if check.name in skipped:
            yield CheckResult(check, None, "left out by --skip")
            continue
        try:
            yield CheckResult(check, check.ask(target))
        except NotAskedError as error:
            yield CheckResult(check, None, str(error))
        except ClientError as error:
            yield CheckResult(check, None, _why(error))
        except BotoCoreError as error:
            yield CheckResult(check, None, f"no answer: {error}")


def _why(error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "")
    if code in _DENIED:
        return f"the caller may not {error.operation_name}: {message}"
    if code in _MISSING:
        return f"there is no {error.operation_name} here ({code}: {message})"
    return f"{error.operation_name} was answered with {code}: {message}"
