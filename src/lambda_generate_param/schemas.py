"""How deployed tables differ from the outputs of all contracts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dataset_contract import redshift
from dataset_contract.redshift import DeployedColumn
from lambda_generate_param.datasets import Dataset


def compare(datasets: Iterable[Dataset], deployed: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """What brings deployed tables to their contracts.

    Args:
        datasets: all that were packaged.
        deployed: by table, its columns in order, each as a row of svv_columns: column_name, data_type, is_nullable
            (YES, NO), character_maximum_length, numeric_precision, numeric_scale.

    Returns:
        `statements` to run, and `refusals`: each a `problem` and the `statements` that a person could run.
    """
    statements: list[str] = []
    refusals: list[dict[str, Any]] = []
    for dataset in datasets:
        for output in dataset.contract.outputs:
            found = redshift.compare(output, [_column(row) for row in deployed.get(output.name, ())])
            statements += found.statements
            refusals += [{"problem": each.problem, "statements": list(each.statements)} for each in found.refusals]
    return {"statements": statements, "refusals": refusals}


def _column(row: Mapping[str, Any]) -> DeployedColumn:
    sizes = (row.get(name) for name in ("character_maximum_length", "numeric_precision", "numeric_scale"))
    type_ = redshift.deployed_type(str(row["data_type"]), *(None if size is None else int(size) for size in sizes))
    return DeployedColumn(str(row["column_name"]), type_, row["is_nullable"] == "YES")
