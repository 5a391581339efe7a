"""What a request may hold: names, ARNs, definitions, inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from aws_facts.states_api import (
    EXECUTION_STATUSES,
    MOST_TAG_KEY_CHARACTERS,
    MOST_TAG_VALUE_CHARACTERS,
    MOST_TAGS,
    NAME,
    RESERVED_TAG_PREFIX,
)
from local_aws.engines.step_functions import diagnostics
from local_aws.engines.step_functions.interpreter import Interpreter
from local_aws.errors import AwsError
from local_aws.json_types import JsonMapping, JsonObject
from local_aws.services.request_model import service_model

_ARN: Final = r"arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:"
STATE_MACHINE_ARN: Final = re.compile(rf"{_ARN}stateMachine:{NAME}(:{NAME})*$")
EXECUTION_ARN: Final = re.compile(rf"{_ARN}(stateMachine|execution|express):{NAME}(:{NAME})*$")
ACTIVITY_ARN: Final = re.compile(rf"{_ARN}activity:{NAME}$")

# What has an error of its own, or is checked where it is read.
_OTHERWISE_CHECKED: Final = frozenset({"name", "nextToken", "input"})
# In the order in which AWS lists them.
_VALUES: Final[Mapping[str, Sequence[str]]] = {"ExecutionStatus": EXECUTION_STATUSES}


def check_members(operation: str, request: Mapping[str, object]) -> None:
    """Check that a request has the members that its operation needs, each with one of its values and not too long.

    Raises:
        AwsError: ValidationException.
    """
    shape = service_model("stepfunctions").operation_model(operation).input_shape
    missing = [name for name in (shape.required_members if shape else ()) if request.get(name) is None]
    if missing:
        said = "; ".join(
            f"Value null at '{name}' failed to satisfy constraint: Member must not be null" for name in missing
        )
        count = f"{len(missing)} validation error{'s' if len(missing) > 1 else ''} detected"
        raise AwsError("ValidationException", f"{count}: {said}")
    for name, member in shape.members.items() if shape else ():
        value = request.get(name)
        if not isinstance(value, str) or name in _OTHERWISE_CHECKED or name.endswith("Arn"):
            continue
        values = _VALUES.get(member.name, member.metadata.get("enum"))
        most = member.metadata.get("max")
        rule = ""
        if values and value not in values:
            rule = f"satisfy enum value set: [{', '.join(values)}]"
        elif most is not None and len(value) > most:
            rule = f"have length less than or equal to {most}"
        if rule:
            shown = "Value" if member.metadata.get("sensitive") else f"Value '{value}'"
            said = f"{shown} at '{name}' failed to satisfy constraint: Member must {rule}"
            raise AwsError("ValidationException", f"1 validation error detected: {said}")


def check_name(name: str) -> None:
    """Raises AwsError: InvalidName."""
    if not re.fullmatch(NAME, name):
        raise AwsError("InvalidName", f"Invalid Name: '{name}'")


def check_tags(known: Sequence[Mapping[str, object]], given: Sequence[Mapping[str, object]] | None) -> None:
    """Check the tags that a state machine is given, beside those that it has.

    Raises:
        AwsError: TooManyTags, or ValidationException.
    """
    for tag in given or ():
        key, value = str(tag.get("key") or ""), str(tag.get("value") or "")
        if not 1 <= len(key) <= MOST_TAG_KEY_CHARACTERS or len(value) > MOST_TAG_VALUE_CHARACTERS:
            most = (
                f"a key of 1 to {MOST_TAG_KEY_CHARACTERS} and a value of at most {MOST_TAG_VALUE_CHARACTERS} characters"
            )
            raise AwsError("ValidationException", f"The tag {key!r} is not valid: a tag has {most}")
        if key.lower().startswith(RESERVED_TAG_PREFIX):
            said = f"{RESERVED_TAG_PREFIX} prefixed tag key names are not allowed for external use."
            raise AwsError("ValidationException", said)
    count = len({tag["key"] for tag in (*known, *(given or ()))})
    if count > MOST_TAGS:
        raise AwsError("TooManyTags", f"A resource has at most {MOST_TAGS} tags, and would have {count}")


def check_arn(arn: str, form: re.Pattern[str]) -> None:
    """Raises AwsError: InvalidArn."""
    if not arn.startswith("arn:"):
        raise AwsError("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {arn}'")
    if not form.match(arn):
        raise AwsError("InvalidArn", f"Invalid Arn: 'Invalid ARN: {arn}'")


def check_definition(interpreter: Interpreter, definition: str, kind: str) -> None:
    """Check a definition as a state machine of a type (STANDARD, EXPRESS).

    Raises:
        AwsError: InvalidDefinition.
    """
    name = {
        "EXPRESS": ("asl.static_analyser.express_static_analyser", "ExpressStaticAnalyser"),
        "STANDARD": ("asl.static_analyser.static_analyser", "StaticAnalyser"),
    }[kind]
    syntax_error = interpreter.get("asl.parse.asl_parser", "ASLParserException")
    diagnostics.refuse(diagnostics.diagnose(definition, kind))
    try:
        interpreter.get(*name)().analyse(definition)
    except syntax_error as error:
        raise AwsError("InvalidDefinition", repr(error)) from error
    except Exception as error:  # the interpreter's analyser raises anything for what it cannot read
        said = f"Error={type(error).__name__} Args={list(error.args)} in definition '{definition}'."
        raise AwsError("InvalidDefinition", said) from error


def check_logging(configuration: JsonMapping | None) -> JsonObject:
    """The logging configuration with its defaults.

    Raises:
        AwsError: InvalidLoggingConfiguration.
    """
    given = dict(configuration or {})
    destinations = given.get("destinations")
    if len(destinations or ()) > 1 or (given.get("level", "OFF") != "OFF" and not destinations):
        message = "Invalid Logging Configuration: Must specify exactly one Log Destination."
        raise AwsError("InvalidLoggingConfiguration", message)
    return {
        **given,
        "level": given.get("level") or "OFF",
        "includeExecutionData": given.get("includeExecutionData", False),
    }
