"""What a JSON object is to a type checker: its members are of any kind until somebody has looked at them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# An object of a document, made here or decoded: a manifest, an answer of AWS, an event.
JsonObject = dict[str, Any]
# The same where it is only read.
JsonMapping = Mapping[str, Any]
