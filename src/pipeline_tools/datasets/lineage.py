"""What OpenLineage says of a dataset whatever its run: schemas, and which columns each output column is made of.

It is compiled with the contract, so that the Lambda that emits events needs no parser of SQL.
https://openlineage.io/docs/spec/facets/dataset-facets/column_lineage_facet/
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer import build_scope, qualify

from dataset_contract.json_types import JsonObject
from dataset_contract.model import PARAMETERS_VIEW, Contract, DataObject
from glue_spark_job import statements
from pipeline_tools.datasets import transforms

_DIALECT: Final = "spark"
_IDENTITY, _TRANSFORMATION, _AGGREGATION = "IDENTITY", "TRANSFORMATION", "AGGREGATION"


def document(contract: Contract, transform: str, descriptions: Mapping[tuple[str, str], str]) -> JsonObject:
    """All that is known before a run.

    Args:
        contract: of the dataset, checked.
        transform: the text of transform.sql, checked.
        descriptions: of columns, by object and column.
    """
    made_of = columns(contract, transform)
    return {
        "dataset": contract.dataset,
        "version": contract.version,
        "source": _object(contract.source, descriptions),
        "references": [_object(reference, descriptions) for reference in contract.references],
        "outputs": [
            {**_object(output, descriptions), "columns": made_of.get(output.name, {})} for output in contract.outputs
        ],
        "transform": transform,
    }


def columns(contract: Contract, transform: str) -> dict[str, dict[str, list[dict[str, str]]]]:
    """The columns from which each column of each output is made.

    Of each its object, its field and a subtype: IDENTITY, TRANSFORMATION or AGGREGATION.
    The parameters of a run are not columns, and count(*) is made of none. What cannot be told has no entry.
    """
    inputs = (contract.source, *contract.references)
    schema = {item.name: {column.name: column.type.spark for column in item.columns} for item in inputs}
    schema[PARAMETERS_VIEW] = dict.fromkeys(contract.parameters, "string") or {"none": "string"}
    views: dict[str, exp.Query] = {}
    for statement in statements.split(transform, transforms.FILE):
        with transforms.quiet():
            parsed = sqlglot.parse_one(statement.text, read=_DIALECT)
        if isinstance(parsed.args.get("expression"), exp.Query):
            views[(statement.view or parsed.this.name).lower()] = _query(parsed)
    return {output.name: dict(_columns(output, views, schema)) for output in contract.outputs}


def _query(parsed: exp.Expr) -> exp.Query:
    """The query of a view, its columns called as the view's are."""
    query: exp.Query = parsed.args["expression"]
    if not isinstance(parsed.this, exp.Schema):
        return query
    names = [column.name for column in parsed.this.expressions]
    selects = query.selects
    if len(names) == len(selects):
        renamed = [exp.alias_(item.unalias(), name) for item, name in zip(selects, names, strict=True)]
        return query.select(*renamed, append=False) if isinstance(query, exp.Select) else query
    return query


def _columns(
    output: DataObject, views: Mapping[str, exp.Query], schema: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, list[dict[str, str]]]]:
    try:
        others: dict[str, exp.Query | Callable[[], exp.Query]] = {**views}
        del others[output.name]
        expanded = exp.expand(views[output.name].copy(), others, dialect=_DIALECT)
        scope = build_scope(
            qualify.qualify(expanded, dialect=_DIALECT, schema=dict(schema), validate_qualify_columns=False)
        )
    except (SqlglotError, KeyError, RecursionError):
        return
    if scope is None:
        return
    for column in output.columns:
        with contextlib.suppress(SqlglotError, ValueError, RecursionError):
            root = lineage(column.name, scope.expression, {}, scope=scope, dialect=_DIALECT, trim_selects=False)
            yield column.name, _merged(_leaves(root, _IDENTITY), schema)


def _leaves(node: Node, subtype: str) -> Iterator[tuple[str, str, str]]:
    """The columns of tables below a node, with what is done on the way to them."""
    if not node.downstream and isinstance(node.source, exp.Table):
        yield node.source.name.lower(), node.name.rpartition(".")[2].strip('`"').lower(), subtype
        return
    expression = node.expression.unalias() if isinstance(node.expression, exp.Alias) else node.expression
    if expression.find(exp.AggFunc):
        subtype = _AGGREGATION
    elif subtype == _IDENTITY and not isinstance(expression, (exp.Column, exp.Query)):
        subtype = _TRANSFORMATION
    for below in node.downstream:
        yield from _leaves(below, subtype)


def _merged(leaves: Iterator[tuple[str, str, str]], schema: Mapping[str, Mapping[str, str]]) -> list[dict[str, str]]:
    found = {
        (name, field, subtype)
        for name, field, subtype in leaves
        if name != PARAMETERS_VIEW and field in {each.lower() for each in schema.get(name, ())}
    }
    return [{"object": name, "field": field, "subtype": subtype} for name, field, subtype in sorted(found)]


def _object(item: DataObject, descriptions: Mapping[tuple[str, str], str]) -> JsonObject:
    fields = []
    for column in item.columns:
        field = {"name": column.name, "type": column.type.redshift}
        if column.source_name != column.name:
            field["source_name"] = column.source_name
        if described := descriptions.get((item.name, column.name)):
            field["description"] = described
        fields.append(field)
    return {"name": item.name, "fields": fields}
