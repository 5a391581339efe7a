"""The history of an execution, as GetExecutionHistory answers it.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from local_aws.engines.step_functions.paging import page
from local_aws.json_types import JsonMapping, JsonObject

# What a history without execution data lacks: the inputs and outputs of its events.
_DATA: Final = frozenset({"input", "inputDetails", "output", "outputDetails"})


def answer(events: Sequence[Mapping[str, object]], request: Mapping[str, object]) -> JsonObject:
    """One page of an execution's events.

    Args:
        events: all of them, the oldest first.
        request: has reverseOrder, maxResults, nextToken and includeExecutionData (true where it is not given).

    Raises:
        AwsError: ValidationException, InvalidToken.
    """
    ordered = list(reversed(events)) if request.get("reverseOrder") else list(events)
    items, more = page(ordered, request, lambda event: str(event["id"]))
    if request.get("includeExecutionData") is False:
        items = [_without_data(event) for event in items]
    return {"events": items, **more}


def _without_data(event: JsonMapping) -> JsonObject:
    return {
        name: {member: told for member, told in value.items() if member not in _DATA}
        if name.endswith("EventDetails")
        else value
        for name, value in event.items()
    }
