"""What the API of Step Functions takes: pages and quotas, and which errors its states catch."""

from __future__ import annotations

from typing import Final

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListStateMachines.html: 0 is the default.
DEFAULT_PAGE: Final = 100
MOST_ON_A_PAGE: Final = 1000
MOST_TOKEN_CHARACTERS: Final = 1024
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html
MOST_EXECUTIONS_TOKEN_CHARACTERS: Final = 3096

# The pattern of the name of a state machine, an activity or an execution, and the same in words:
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
NAME: Final = r"""[^\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff]{1,80}"""
NAME_IN_WORDS: Final = (
    '1 to 80 characters without spaces, control characters and any of < > { } [ ] ? * " # % \\ ^ | ~ ` $ & , ; : /'
)

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MOST_STATE_BYTES: Final = 262_144
MOST_VARIABLE_BYTES: Final = 262_144
MOST_VARIABLES_BYTES: Final = 10 * 1024 * 1024

# Of a Standard execution: the last of them says that it failed, with these words (seen on AWS:
# https://docs.aws.amazon.com/step-functions/latest/dg/bp-history-limit.html tells of the limit)
MOST_HISTORY_EVENTS: Final = 25_000
HISTORY_IS_FULL: Final = f"The execution reached the maximum number of history events ({MOST_HISTORY_EVENTS})."

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_TagResource.html and
# https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#concepts-tagging
MOST_TAGS: Final = 50
MOST_TAG_KEY_CHARACTERS: Final = 128
MOST_TAG_VALUE_CHARACTERS: Final = 256
RESERVED_TAG_PREFIX: Final = "aws:"

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html (statusFilter)
EXECUTION_STATUSES: Final = ("SUCCEEDED", "TIMED_OUT", "PENDING_REDRIVE", "ABORTED", "FAILED", "RUNNING")

# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html: States.Runtime "will always cause
# the execution to fail"; States.TaskFailed stands for all known error names but States.Timeout. The page says of
# States.DataLimitExceeded that States.ALL does not catch it; AWS's recorded answers show that it does.
CAUGHT_BY_NOTHING: Final = frozenset({"States.Runtime"})
NOT_CAUGHT_BY_TASK_FAILED: Final = frozenset({"States.Timeout"})

# A status event leaves out an input that is larger, as JSON within JSON:
# https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
MOST_EVENT_BYTES: Final = 248 * 1024
