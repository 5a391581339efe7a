"""nullValues: the texts that mean null in CSV."""

from __future__ import annotations

from dataset_contract import elements
from dataset_contract.errors import ContractError, ElementPath
from dataset_contract.model import CsvDialect
from dataset_contract.naming import as_json


def read(value: object, place: ElementPath, csv: CsvDialect) -> tuple[str, ...]:
    """The texts of a customProperty nullValues, each once.

    Raises:
        ContractError: it is not a list of texts, or one could not stand in a field.
    """
    if not isinstance(value, list):
        raise ContractError(place, f'{as_json(value)} is not a list; accepted: a list of texts, as ["", "NA"]')
    found = []
    for index, item in enumerate(value):
        given = elements.text(item, (*place, index))
        for sign in (csv.delimiter, csv.quote, "\r", "\n", "\0"):
            if sign and sign in given:
                raise ContractError(
                    (*place, index),
                    f"{as_json(given)} has {as_json(sign)} in it; accepted: a text without delimiter, quote, line end",
                )
        found.append(given)
    return tuple(dict.fromkeys(found))
