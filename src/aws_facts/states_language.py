"""What a definition in the Amazon States Language may hold: fields by type of state, names, numbers, patterns."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

JSONPATH: Final = "JSONPath"
JSONATA: Final = "JSONata"

# https://states-language.net/spec.html#toplevelfields
MACHINE_FIELDS: Final = frozenset({"Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version"})
# A Map's processor names no language of its own: https://github.com/floci-io/floci/issues/2968
PROCESSOR_FIELDS: Final = frozenset({"Comment", "ProcessorConfig", "StartAt", "States"})
BRANCH_FIELDS: Final = frozenset({"Comment", "StartAt", "States"})

_ALL: Final = frozenset({"Type", "Comment", "QueryLanguage"})
_PATHS: Final = frozenset({"InputPath", "OutputPath"})
_ONWARD: Final = frozenset({"Next", "End", "Assign", "Output"}) | _PATHS
_WORK: Final = frozenset({"Parameters", "ResultSelector", "ResultPath", "Retry", "Catch"})
# https://states-language.net/spec.html#state-type-table; that the others are refused, and in which words:
# https://github.com/floci-io/floci/issues/2735
STATE_FIELDS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "Task": _ALL
        | _ONWARD
        | _WORK
        | {"Arguments", "Credentials", "Resource"}
        | {"TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath"},
        "Parallel": _ALL | _ONWARD | _WORK | {"Arguments", "Branches"},
        "Map": _ALL
        | _ONWARD
        | _WORK
        | {"Items", "ItemsPath", "ItemSelector", "ItemProcessor", "Iterator", "ItemReader", "ItemBatcher"}
        | {"ResultWriter", "Label", "MaxConcurrency", "MaxConcurrencyPath"}
        | {"ToleratedFailureCount", "ToleratedFailureCountPath"}
        | {"ToleratedFailurePercentage", "ToleratedFailurePercentagePath"},
        "Pass": _ALL | _ONWARD | {"Parameters", "Result", "ResultPath"},
        "Wait": _ALL | _ONWARD | {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"},
        "Choice": _ALL | _PATHS | {"Choices", "Default", "Assign", "Output"},
        "Succeed": _ALL | _PATHS | {"Output"},
        "Fail": _ALL | {"Error", "ErrorPath", "Cause", "CausePath"},
    }
)
RETRIER_FIELDS: Final = frozenset(
    {"Comment", "ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy"}
)
CATCHER_FIELDS: Final = frozenset({"Comment", "ErrorEquals", "Next", "Assign", "Output", "ResultPath"})

# https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html, and for the words
# https://github.com/floci-io/floci/issues/2968 and 3733
JSONATA_ONLY: Final = frozenset({"Arguments", "Items", "Output"})
JSONPATH_ONLY: Final = frozenset(
    {
        *("InputPath", "OutputPath", "Parameters", "Result", "ResultPath", "ResultSelector", "ItemsPath"),
        *("SecondsPath", "TimestampPath", "TimeoutSecondsPath", "HeartbeatSecondsPath", "MaxConcurrencyPath"),
        *("ToleratedFailureCountPath", "ToleratedFailurePercentagePath", "ErrorPath", "CausePath"),
    }
)

# https://github.com/ChristopheBougere/asl-validator/issues/69
MOST_STATE_NAME_CHARACTERS: Final = 80
# https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
MOST_VARIABLE_NAME_CHARACTERS: Final = 80
RESERVED_VARIABLE: Final = "states"

# https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html, state-wait.html, statemachine-structure.html
STATE_NUMBERS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"TimeoutSeconds": (1, 99_999_999), "HeartbeatSeconds": (1, 99_999_999), "Seconds": (0, 99_999_999)}
)
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html: "less than 31622400"
RETRIER_NUMBERS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"IntervalSeconds": (1, 99_999_999), "MaxAttempts": (0, 99_999_999), "MaxDelaySeconds": (1, 31_622_399)}
)

# What a task may wait for, by service: https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
PATTERNS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "aws-sdk": frozenset({"", ".waitForTaskToken"}),
        "dynamodb": frozenset({""}),
        "events": frozenset({"", ".waitForTaskToken"}),
        "glue": frozenset({"", ".sync"}),
        "lambda": frozenset({"", ".waitForTaskToken"}),
        "sns": frozenset({"", ".waitForTaskToken"}),
        "sqs": frozenset({"", ".waitForTaskToken"}),
        "states": frozenset({"", ".sync", ".sync:2", ".waitForTaskToken"}),
    }
)
