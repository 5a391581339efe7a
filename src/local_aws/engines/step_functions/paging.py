"""Pages of lists: `maxResults` and `nextToken`."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import TypeVar

from aws_facts.states_api import DEFAULT_PAGE, MOST_ON_A_PAGE, MOST_TOKEN_CHARACTERS
from local_aws.errors import AwsError
from local_aws.json_types import JsonMapping

Item = TypeVar("Item")


def page(
    items: Sequence[Item],
    request: JsonMapping,
    name: Callable[[Item], str],
    most_token_characters: int = MOST_TOKEN_CHARACTERS,
) -> tuple[list[Item], dict[str, str]]:
    """One page, and the member `nextToken` where there are more.

    Args:
        items: all of them, in order.
        request: has maxResults (1 to 1,000; 0 and none mean 100) and nextToken.
        name: what an item is found again by.
        most_token_characters: of nextToken.

    Raises:
        AwsError: ValidationException, InvalidToken.
    """
    wanted, token = request.get("maxResults") or 0, request.get("nextToken")
    if not 0 <= wanted <= MOST_ON_A_PAGE:
        limit = "less than or equal to 1000" if wanted > 0 else "greater than or equal to 0"
        said = f"Value '{wanted}' at 'maxResults' failed to satisfy constraint: Member must have value {limit}"
        raise AwsError("ValidationException", f"1 validation error detected: {said}")
    first = 0
    if token is not None and len(token) > most_token_characters:
        limit = f"Member must have length less than or equal to {most_token_characters}"
        said = f"Value '{token}' at 'nextToken' failed to satisfy constraint: {limit}"
        raise AwsError("ValidationException", f"1 validation error detected: {said}")
    if token is not None:
        names = [_token(name(item)) for item in items]
        if token not in names:
            raise AwsError("InvalidToken", "Invalid Token: 'Invalid token'")
        first = names.index(token)
    last = first + (wanted or DEFAULT_PAGE)
    return list(items[first:last]), {"nextToken": _token(name(items[last]))} if last < len(items) else {}


def _token(name: str) -> str:
    return base64.b64encode(name.encode()).decode()
