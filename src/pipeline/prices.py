"""The list prices of prices.toml: what a plan is estimated with, and what a job's use is multiplied by."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dataset_contract.json_types import JsonMapping

FILE = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True)
class Prices:
    """The document prices.toml. Amounts are US dollars."""

    document: JsonMapping

    @property
    def region(self) -> str:
        """The region of the prices."""
        return str(self.document["region"])

    @property
    def as_of(self) -> str:
        """The day of the prices."""
        return str(self.document["as_of"])

    @property
    def sources(self) -> list[str]:
        """The pages that the prices are from."""
        return sorted({str(group["source"]) for group in self.document["prices"].values()})

    @property
    def second_hand(self) -> list[str]:
        """The prices that were not seen on a page of AWS."""
        return [
            f"{group}.{name}"
            for group, entries in self.document["prices"].items()
            for name, entry in entries.items()
            if isinstance(entry, Mapping) and entry["checked"] != "provider"
        ]

    def get(self, group: str, name: str) -> float | None:
        """A price in US dollars; None if there is none."""
        entry = self.document["prices"][group].get(name)
        return float(entry["value"]) if isinstance(entry, Mapping) else None

    def one(self, group: str, name: str) -> float:
        """A price that the file has to have; raises KeyError."""
        return float(self.document["prices"][group][name]["value"])

    def assumed(self, name: str) -> float:
        """An assumed quantity."""
        return float(self.document["assumptions"][name])

    def dpu(self, worker_type: object) -> float | None:
        """The DPUs of a worker type; None if it is unknown."""
        found = self.document["glue_worker_dpu"].get(worker_type)
        return None if found is None else float(found)


@cache
def prices() -> Prices:
    """Those of the file."""
    return Prices(tomllib.loads(FILE.read_text(encoding="utf-8")))
