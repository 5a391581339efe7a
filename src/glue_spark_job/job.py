"""One run of the Spark stage, from the manifest that it finds to the manifest that it leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from pyspark.sql import DataFrame, SparkSession

from dataset_contract import manifests, places, reading
from dataset_contract import parameters as declared
from dataset_contract.errors import ContractError
from dataset_contract.json_types import JsonMapping, JsonObject
from dataset_contract.manifests import ManifestError
from dataset_contract.model import Contract
from dataset_contract.naming import as_json
from dataset_contract.parameters import ParameterError
from glue_spark_job import inputs, output, parameters, quality, report, statements, transformation
from glue_spark_job.arguments import Arguments
from glue_spark_job.errors import ArgumentsError, JobError, told
from glue_spark_job.logs import Log
from glue_spark_job.origins import Script
from glue_spark_job.parallel import run_all
from glue_spark_job.report import Progress
from glue_spark_job.spark_errors import Computation
from glue_spark_job.storage import ParquetFile, Storage

Inputs = Mapping[str, tuple[str, Sequence[ParquetFile]]]  # source or reference -> its directory and its files


def run(spark: SparkSession, arguments: Arguments, log: Log) -> None:
    """Run the stage, unless its manifest shows that it has run under this very contract: then nothing is done.

    Whatever fails, no manifest is left but spark-error.json beside its place; running again begins by emptying the
    output directories. Raises JobError for a failure that is understood.
    """
    progress = Progress(spark.version)
    context = spark.sparkContext
    log.info("Spark started", application=context.appName, application_id=context.applicationId, spark=spark.version)
    storage = Storage(spark)
    failure_uri = places.failure_of(arguments.manifest_uri)
    try:
        storage.delete(failure_uri)  # what an earlier attempt said is not said of this one
        contract_text = storage.read_text(arguments.contract_uri)
        progress.contract_hash = manifests.contract_hash(contract_text)
        if _is_complete(storage, arguments, progress.contract_hash):
            log.info("the stage is complete already; nothing to do", manifest=arguments.manifest_uri)
            return
        storage.delete(arguments.manifest_uri)  # one of another contract would vouch for files that are replaced
        storage.delete(places.copy_manifests_of(arguments.manifest_uri))
        _run(spark, storage, arguments, contract_text, progress, log)
        for name, written in progress.tables.items():
            uri = places.copy_manifest_of(arguments.manifest_uri, name)
            storage.write_text(uri, report.copy_manifest(written))
        storage.write_text(places.details_of(arguments.manifest_uri), report.details(progress, arguments))
        storage.write_text(arguments.manifest_uri, report.manifest(progress, arguments))
    except Exception as error:  # whatever ends the run is left beside the manifest, and raised on
        left = {
            failure_uri: report.failure(progress, arguments, told(error)),
            places.details_of(arguments.manifest_uri): report.details(progress, arguments),
        }
        _leave_failure(storage, left, log)
        raise
    log.info("manifest written", manifest=arguments.manifest_uri)


def _run(
    spark: SparkSession, storage: Storage, arguments: Arguments, contract_text: str, progress: Progress, log: Log
) -> None:
    previous = _python_manifest(storage, arguments, progress.contract_hash)
    progress.source_uri = str(previous.get("source_uri", ""))
    agreed = _contract(contract_text, arguments)
    progress.contract_version = agreed.version
    _check_tables(agreed, arguments)
    progress.parameters = _parameters(agreed, arguments)
    file = arguments.transform_uri.rpartition("/")[2]
    script = Script(file, statements.split(storage.read_text(arguments.transform_uri), file))

    found = _inputs(storage, agreed, arguments, previous)
    progress.staged = found[agreed.source.name][1]
    log.info("staged rows found", rows=previous["rows_out"], files=len(progress.staged), uri=arguments.staged_uri)
    for table in (agreed.source, *agreed.references):
        directory, files = found[table.name]
        inputs.register(spark, table, files, directory)
    parameters.register(spark, agreed.parameters, progress.parameters)
    frames = transformation.transform(spark, script, agreed.outputs, arguments.job_id)
    log.info("transformation accepted", file=file, statements=len(script.statements), parameters=progress.parameters)
    _write(spark, storage, agreed, arguments, script, frames, progress)
    for name, written in progress.tables.items():
        uri = arguments.curated_uris[name]
        log.info("table written", table=name, rows=written.rows, files=len(written.files), uri=uri)
    _judge(spark, agreed, arguments, frames, progress, log)


def _is_complete(storage: Storage, arguments: Arguments, contract_hash: str) -> bool:
    uri, job_id, dataset = arguments.manifest_uri, arguments.job_id, arguments.dataset
    text = storage.read_text(uri) if storage.exists(uri) else None
    return manifests.is_complete(
        text, stage=manifests.SPARK, job_id=job_id, dataset=dataset, contract_hash=contract_hash
    )


def _leave_failure(storage: Storage, texts: Mapping[str, str], log: Log) -> None:
    """Write why the run failed. Where that fails too, the run's own error is what counts."""
    try:
        for uri, text in texts.items():
            storage.write_text(uri, text)
    except Exception as error:  # another error is being handled, and is the one that counts
        log.error(told(error))


def _python_manifest(storage: Storage, arguments: Arguments, contract_hash: str) -> JsonObject:
    uri = arguments.python_manifest_uri
    job_id, dataset = arguments.job_id, arguments.dataset
    text = storage.read_text(uri)
    try:
        found = manifests.read(text, stage=manifests.PYTHON, job_id=job_id, dataset=dataset, where=uri)
    except ManifestError as error:
        raise JobError(f"{error}; {inputs.AGAIN}") from None
    if found.get("contract_hash") != contract_hash:
        raise JobError(
            f"{uri} was made under another contract (contract_hash {as_json(found.get('contract_hash'))}, "
            f"{arguments.contract_uri} has {as_json(contract_hash)}); {inputs.AGAIN}"
        )
    return found


def _contract(text: str, arguments: Arguments) -> Contract:
    try:
        return reading.parse_text(text, arguments.contract_uri)
    except ContractError as error:
        raise JobError(f"{error}; correct contract.yaml and run `nox -s package`") from None


def _check_tables(agreed: Contract, arguments: Arguments) -> None:
    named = {table.name for table in agreed.outputs}
    given = set(arguments.curated_uris)
    if named != given:
        raise ArgumentsError(
            f"--curated_uris has {', '.join(sorted(given)) or 'no table'}, the contract's outputs are "
            f"{', '.join(sorted(named))}; give one directory for each output"
        )


def _parameters(agreed: Contract, arguments: Arguments) -> Mapping[str, declared.ParameterValue]:
    try:
        return declared.resolve(agreed, arguments.parameters)
    except ParameterError as error:
        raise ArgumentsError(str(error)) from None


def _inputs(storage: Storage, agreed: Contract, arguments: Arguments, previous: JsonMapping) -> Inputs:
    """The files of the source and of each reference, as many rows as the Python stage says that it staged."""
    references = previous.get("references") or {}
    found = {agreed.source.name: (arguments.staged_uri, previous["rows_out"])}
    for table in agreed.references:
        rows = references.get(table.name, {}).get("rows")
        found[table.name] = (f"{arguments.staged_references_uri}{table.name}/", rows)
    tables = (agreed.source, *agreed.references)
    return {
        table.name: (
            found[table.name][0],
            inputs.staged_files(storage, table, *found[table.name], arguments.python_manifest_uri),
        )
        for table in tables
    }


def _write(
    spark: SparkSession,
    storage: Storage,
    agreed: Contract,
    arguments: Arguments,
    script: Script,
    frames: Mapping[str, DataFrame],
    progress: Progress,
) -> None:
    staged_bytes = sum(file.bytes for file in progress.staged)
    output.empty(storage, arguments.curated_uris)
    output.prepare(spark, staged_bytes)

    def write(name: str) -> None:
        table = next(item for item in agreed.outputs if item.name == name)
        computed = Computation(script, frames[name])
        progress.tables[name] = output.write(
            spark, storage, table, computed, arguments.curated_uris[name], staged_bytes
        )

    actions: dict[str, Callable[[], None]] = {table.name: partial(write, table.name) for table in agreed.outputs}
    run_all(spark, actions)
    progress.tables = {table.name: progress.tables[table.name] for table in agreed.outputs}


def _judge(
    spark: SparkSession,
    agreed: Contract,
    arguments: Arguments,
    frames: Mapping[str, DataFrame],
    progress: Progress,
    log: Log,
) -> None:
    """Judge the set rules of the outputs; one of severity error that does not hold halts the run."""
    queries = [rule for table in agreed.outputs for rule in table.rules if rule.metric == "sql"]
    if queries:
        for table in agreed.outputs:
            output.register(spark, table, frames[table.name], arguments.curated_uris[table.name])
    values = quality.queried(spark, queries)
    measured = {name: written.measured for name, written in progress.tables.items()}
    progress.verdicts = quality.judged(agreed, measured, values)
    verdicts = [verdict for _, verdict in progress.verdicts]
    for text in quality.warnings(verdicts):
        log.warning(text)
    quality.require(verdicts)
