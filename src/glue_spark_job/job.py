"""One run of the Spark stage, from the manifest that it finds to the manifest that it leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from pyspark.sql import DataFrame, SparkSession

from glue_spark_job import contract, inputs, manifest, output, parameters, references, statements, transformation
from glue_spark_job.arguments import Arguments
from glue_spark_job.contract import Contract
from glue_spark_job.errors import ArgumentsError, JobError
from glue_spark_job.logs import Log
from glue_spark_job.parallel import run_all
from glue_spark_job.storage import ParquetFile, Storage


def run(spark: SparkSession, arguments: Arguments, log: Log) -> None:
    """Runs the stage, unless its manifest shows that it has run: then nothing is done.

    Whatever fails, no manifest is written; running again begins by emptying the output directories. Raises JobError.
    """
    started_at = datetime.now(UTC)
    context = spark.sparkContext
    log.info("Spark started", application=context.appName, application_id=context.applicationId, spark=spark.version)
    storage = Storage(spark)
    if _is_complete(storage, arguments):
        log.info("the stage is complete already; nothing to do", manifest=arguments.manifest_uri)
        return
    previous = manifest.read_python(storage.read_text(arguments.python_manifest_uri), arguments)
    agreed = contract.parse(storage.read_text(arguments.contract_uri), arguments.contract_uri)
    _check_tables(agreed, arguments)
    values = parameters.resolve(agreed.parameters, arguments.parameters)
    file = arguments.transform_uri.rpartition("/")[2]
    sql = statements.split(storage.read_text(arguments.transform_uri), file)

    staged = inputs.staged_files(storage, arguments.staged_uri, previous.rows_out, arguments.python_manifest_uri)
    log.info("staged rows found", rows=previous.rows_out, files=len(staged), uri=arguments.staged_uri)
    _register_views(spark, storage, agreed, arguments, staged)
    parameters.register(spark, agreed.parameters, values)
    frames = transformation.transform(spark, sql, agreed.outputs, arguments.job_id, file)
    log.info("transformation accepted", file=file, statements=len(sql), parameters=values)
    tables = _write(spark, storage, agreed, arguments, frames, sum(item.bytes for item in staged))
    for name, files in tables.items():
        rows = sum(item.rows for item in files)
        log.info("table written", table=name, rows=rows, files=len(files), uri=arguments.curated_uris[name])

    result = manifest.Result(
        staged, tables, values, agreed.version, spark.version, started_at, finished_at=datetime.now(UTC)
    )
    storage.write_text(arguments.manifest_uri, manifest.render(result, arguments, previous.source_uri))
    log.info("manifest written", manifest=arguments.manifest_uri)


def _is_complete(storage: Storage, arguments: Arguments) -> bool:
    uri = arguments.manifest_uri
    return storage.exists(uri) and manifest.is_complete(storage.read_text(uri), arguments)


def _check_tables(agreed: Contract, arguments: Arguments) -> None:
    declared = {table.name for table in agreed.outputs}
    given = set(arguments.curated_uris)
    if declared != given:
        raise ArgumentsError(
            f"--curated_uris has {', '.join(sorted(given)) or 'no table'}, the contract's outputs are "
            f"{', '.join(sorted(declared))}; give one directory for each output"
        )


def _register_views(
    spark: SparkSession, storage: Storage, agreed: Contract, arguments: Arguments, staged: Sequence[ParquetFile]
) -> None:
    source = partial(inputs.register_source, spark, agreed.source, staged, arguments.staged_uri)
    actions: dict[str, Callable[[], None]] = {agreed.source.name: source}
    for table in agreed.references:
        folder = f"{arguments.reference_uri}{table.name}/"
        actions[table.name] = partial(references.register, spark, storage, table, folder)
    run_all(spark, actions)


def _write(
    spark: SparkSession,
    storage: Storage,
    agreed: Contract,
    arguments: Arguments,
    frames: Mapping[str, DataFrame],
    staged_bytes: int,
) -> dict[str, Sequence[ParquetFile]]:
    """Writes the tables, and checks the references at the same time: if they turn out wrong, nothing is published."""
    output.empty(storage, arguments.curated_uris)
    output.prepare(spark, staged_bytes)

    def check_references() -> list[ParquetFile]:
        references.check(spark, agreed.references)
        return []

    actions: dict[str, Callable[[], list[ParquetFile]]] = {"references": check_references}
    for table in agreed.outputs:
        uri = arguments.curated_uris[table.name]
        actions[f"table {table.name}"] = partial(
            output.write, spark, storage, table, frames[table.name], uri, staged_bytes
        )
    try:
        written = run_all(spark, actions)
    except JobError:
        # A wrong reference can fail a table first, where the message would not say that it is the reference.
        check_references()
        raise
    return {table.name: written[f"table {table.name}"] for table in agreed.outputs}
