"""The command `pipeline datasets`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dataset_contract.json_types import JsonObject
from pipeline.cli import CommandContext, common, completion, shown

if TYPE_CHECKING:
    from dataset_contract.model import Column, Contract, DataObject, Parameter


@click.command("datasets")
@click.argument("names", metavar="[DATASET]...", nargs=-1, shell_complete=completion.datasets)
@common
def command(context: CommandContext, names: tuple[str, ...]) -> None:
    """Show the datasets of the deployment.

    For each dataset it shows what goes in, what comes out, and which parameters it takes, from the deployed contract.

    \b
    Examples:
      pipeline datasets
      pipeline datasets flights --output json

    \b
    JSON: a list of {dataset, version, source, references, outputs, parameters}; an object is
    {name, columns: [{name, type, required}], primary_key}, an output has load_mode and order_by,
    a parameter is {name, type, default, minimum, maximum, valid_values, pattern}.
    """
    from pipeline import deployed_contracts

    stack = context.stack()
    found = [deployed_contracts.load(stack, name) for name in names or deployed_contracts.names(stack)]
    if context.output == "json":
        shown.print_json([_document(contract) for contract in found])
        return
    if not found:
        click.echo("no datasets are deployed", err=True)
    for number, contract in enumerate(found):
        if number:
            click.echo()
        _print(contract)


def _print(contract: Contract) -> None:
    click.echo(click.style(f"{contract.dataset}  version {contract.version}", bold=True))
    for kind, objects in _objects(contract):
        for item in objects:
            load = f"  ({item.load.mode})" if kind == "output" else ""
            click.echo(f"  {kind:<9}  {item.name}{load}: {', '.join(map(_column, item.columns))}")
    for parameter in contract.parameters.values():
        click.echo(f"  parameter  {parameter.name}: {_parameter(parameter)}")


def _objects(contract: Contract) -> list[tuple[str, tuple[DataObject, ...]]]:
    return [("source", (contract.source,)), ("reference", contract.references), ("output", contract.outputs)]


def _column(column: Column) -> str:
    return f"{column.name} {column.type.redshift}{' required' * column.required}"


def _parameter(parameter: Parameter) -> str:
    parts = [parameter.type]
    parts.append("required" if parameter.default is None else f"default {parameter.default}")
    parts += [
        f"{name} {value}"
        for name, value in (("from", parameter.minimum), ("to", parameter.maximum))
        if value is not None
    ]
    parts += [f"one of {', '.join(map(str, parameter.valid_values))}"] * bool(parameter.valid_values)
    parts += [f"matching {parameter.pattern}"] * bool(parameter.pattern)
    return ", ".join(parts)


def _document(contract: Contract) -> JsonObject:
    return {
        "dataset": contract.dataset,
        "version": contract.version,
        "source": _object(contract.source),
        "references": [_object(item) for item in contract.references],
        "outputs": [
            {**_object(item), "load_mode": item.load.mode, "order_by": item.load.order_by} for item in contract.outputs
        ],
        "parameters": [
            {
                "name": parameter.name,
                "type": parameter.type,
                "default": parameter.default,
                "minimum": parameter.minimum,
                "maximum": parameter.maximum,
                "valid_values": parameter.valid_values,
                "pattern": parameter.pattern or None,
            }
            for parameter in contract.parameters.values()
        ],
    }


def _object(item: DataObject) -> JsonObject:
    columns = [{"name": each.name, "type": each.type.redshift, "required": each.required} for each in item.columns]
    return {"name": item.name, "columns": columns, "primary_key": item.primary_key}
