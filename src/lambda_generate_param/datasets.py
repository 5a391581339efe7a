"""The datasets that were packaged beside this code: each one's contract, and the SQL that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dataset_contract import manifests, reading
from dataset_contract.model import Contract
from dataset_contract.naming import as_json, near


class UnknownDatasetError(ValueError):
    """No folder of that name was packaged."""


@dataclass(frozen=True)
class Dataset:
    """A dataset as packaging wrote it.

    Attributes:
        contract_hash: manifests.contract_hash() of the packaged contract.
        table_sql, load_sql: for Redshift, generated from the contract.
    """

    contract: Contract
    contract_hash: str
    table_sql: str
    load_sql: str

    @property
    def name(self) -> str:
        """The name of the dataset."""
        return self.contract.dataset

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the output tables."""
        return tuple(output.name for output in self.contract.outputs)


def names(sql: Path) -> list[str]:
    """The packaged datasets, sorted. `sql` is the packaged folder sql/."""
    return sorted(path.parent.name for path in sql.glob("datasets/*/contract.json"))


def load(sql: Path, name: str) -> Dataset:
    """Read one dataset.

    Raises:
        UnknownDatasetError: it names what is known.
        ContractError: the packaged contract cannot be honoured, which packaging would have refused.
    """
    known = names(sql)
    if name not in known:
        raise UnknownDatasetError(
            f"dataset {as_json(name)} is unknown{near(name, known)}; "
            f"known: {', '.join(known) or 'none'} (sql/datasets/)"
        )
    folder = sql / "datasets" / name
    contract, table, load_ = (
        (folder / file).read_text(encoding="utf-8") for file in ("contract.json", "table.sql", "load.sql")
    )
    parsed = reading.parse_text(contract, f"sql/datasets/{name}/contract.json")
    return Dataset(parsed, manifests.contract_hash(contract), table, load_)
