"""One run of the Spark stage, from the manifest that it finds to the manifest that it leaves."""

from __future__ import annotations

import json
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
from glue_spark_job.inputs import Staged
from glue_spark_job.logs import Log
from glue_spark_job.origins import Script
from glue_spark_job.parallel import run_all
from glue_spark_job.report import Progress
from glue_spark_job.spark_errors import Computation
from glue_spark_job.storage import ParquetFile, Storage

Inputs = Mapping[str, tuple[str, Sequence[ParquetFile]]]  # source or reference -> its directory and its files


def run(spark: SparkSession, arguments: Arguments, log: Log) -> None:
    """Run the stage, unless its manifest shows that it has run under this very contract: then nothing is done.

    Whatever fails, this run leaves no manifest but spark-error.json beside its place. Raises JobError for a failure
    that is understood.
    """
    progress = Progress(spark.version, manifests.new_stage_run(arguments.attempt))
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
        _refuse_a_loaded_job(storage, arguments)
        if storage.exists(arguments.manifest_uri):  # it vouches for what was made under another contract, or is gone
            storage.delete(arguments.manifest_uri)
        _run(spark, storage, arguments, contract_text, progress, log)
        if not _publish(storage, arguments, progress, log):
            return
    except Exception as error:  # whatever ends the run is left beside the manifest, and raised on
        left = {
            failure_uri: report.failure(progress, arguments, told(error)),
            places.details_of(arguments.manifest_uri, progress.stage_run): report.details(progress, arguments),
        }
        _leave_failure(storage, left, log)
        raise
    log.info("manifest written", manifest=arguments.manifest_uri)
    _tidy(storage, arguments, progress, log)


def _run(
    spark: SparkSession, storage: Storage, arguments: Arguments, contract_text: str, progress: Progress, log: Log
) -> None:
    previous = _python_manifest(storage, arguments, progress.contract_hash)
    progress.python_stage_run = previous["stage_run"]
    progress.source_uri = str(previous.get("source_uri", ""))
    agreed = _contract(contract_text, arguments)
    progress.contract_version = agreed.version
    _check_tables(agreed, arguments)
    progress.parameters = _parameters(agreed, arguments)
    file = arguments.transform_uri.rpartition("/")[2]
    script = Script(file, statements.split(storage.read_text(arguments.transform_uri), file))

    found = _inputs(storage, agreed, arguments, previous)
    progress.staged = found[agreed.source.name][1]
    uri = found[agreed.source.name][0]
    log.info("staged rows found", rows=previous["rows_out"], files=len(progress.staged), uri=uri)
    for table in (agreed.source, *agreed.references):
        directory, files = found[table.name]
        inputs.register(spark, table, files, directory)
    parameters.register(spark, agreed.parameters, progress.parameters)
    frames = transformation.transform(spark, script, agreed.outputs, arguments.job_id)
    log.info("transformation accepted", file=file, statements=len(script.statements), parameters=progress.parameters)
    _write(spark, storage, agreed, arguments, script, frames, progress)
    for name, written in progress.tables.items():
        uri = _place(arguments, progress, name)
        log.info("table written", table=name, rows=written.rows, files=len(written.files), uri=uri)
    _judge(spark, agreed, arguments, frames, progress, log)


def _refuse_a_loaded_job(storage: Storage, arguments: Arguments) -> None:
    """What a loaded job was made of is kept: it is the evidence."""
    if storage.exists(arguments.load_manifest_uri):
        raise JobError(
            f"the job is loaded, as {arguments.load_manifest_uri} says, and this would replace what it was loaded from"
        )


def _place(arguments: Arguments, progress: Progress, table: str) -> str:
    """Where this run writes a table."""
    return places.of_run(arguments.curated_uris[table], progress.stage_run)


def _publish(storage: Storage, arguments: Arguments, progress: Progress, log: Log) -> bool:
    """Write what vouches for the tables, the manifest last; False where another run of the stage was complete first."""
    if _is_complete(storage, arguments, progress.contract_hash):
        for name in progress.tables:
            storage.delete(_place(arguments, progress, name))
        log.warning(
            "another run of this stage was complete first: what this one wrote is deleted",
            stage_run=progress.stage_run,
            manifest=arguments.manifest_uri,
        )
        return False
    if storage.exists(arguments.manifest_uri):  # and what this run wrote may be deleted
        raise JobError(
            f"{arguments.manifest_uri} is of another run, under another contract or over other rows, which was "
            "complete while this one worked; start the job again"
        )
    for name, written in progress.tables.items():
        uri = places.copy_manifest_of(arguments.manifest_uri, progress.stage_run, name)
        storage.write_text(uri, report.copy_manifest(written))
    details = places.details_of(arguments.manifest_uri, progress.stage_run)
    storage.write_text(details, report.details(progress, arguments))
    storage.write_text(arguments.manifest_uri, report.manifest(progress, arguments))
    return True


def _tidy(storage: Storage, arguments: Arguments, progress: Progress, log: Log) -> None:
    """Delete what other runs left, unless one of them was complete at the same moment. No reason to fail."""
    try:
        if json.loads(storage.read_text(arguments.manifest_uri)).get("stage_run") != progress.stage_run:
            return
        output.tidy(storage, arguments.curated_uris.values(), progress.stage_run)
    except (JobError, ValueError) as error:
        log.warning("files of other runs are left", cause=str(error))


def _is_complete(storage: Storage, arguments: Arguments, contract_hash: str) -> bool:
    """Whether a run of the stage is complete under this contract, over the rows that the Python stage vouches for."""
    job_id, dataset = arguments.job_id, arguments.dataset

    def text(uri: str) -> str | None:
        return storage.read_text(uri) if storage.exists(uri) else None

    def manifest(stage: str, uri: str) -> JsonObject | None:
        return manifests.complete(text(uri), stage=stage, job_id=job_id, dataset=dataset, contract_hash=contract_hash)

    own = manifest(manifests.SPARK, arguments.manifest_uri)
    before = manifest(manifests.PYTHON, arguments.python_manifest_uri) if own else None
    if not own or not before or own.get("python_stage_run") != before["stage_run"]:
        return False
    # Files expire, and people delete them.
    recorded = {name: table.get("bytes") for name, table in own.get("tables", {}).items()}
    found = {
        name: sum(file.bytes for file in storage.files(places.of_run(uri, own["stage_run"])))
        for name, uri in arguments.curated_uris.items()
    }
    return recorded == found


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
    """The files of the source and of each reference: those of the run that the Python stage's manifest is of."""
    run, references = previous["stage_run"], previous.get("references") or {}
    source = places.of_run(arguments.staged_uri, run)
    found = {agreed.source.name: Staged(source, previous["rows_out"], previous["bytes_out"])}
    for table in agreed.references:
        recorded = references.get(table.name, {})
        directory = f"{places.of_run(arguments.staged_references_uri, run)}{table.name}/"
        found[table.name] = Staged(directory, recorded.get("rows"), recorded.get("bytes"))
    return {
        table.name: (
            found[table.name].directory,
            inputs.staged_files(storage, table, found[table.name], arguments.python_manifest_uri),
        )
        for table in (agreed.source, *agreed.references)
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
    output.prepare(spark, staged_bytes)

    def write(name: str) -> None:
        table = next(item for item in agreed.outputs if item.name == name)
        computed = Computation(script, frames[name])
        uri = _place(arguments, progress, name)
        progress.tables[name] = output.write(spark, storage, table, computed, uri, staged_bytes)

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
            output.register(spark, table, frames[table.name], _place(arguments, progress, table.name))
    values = quality.queried(spark, queries)
    measured = {name: written.measured for name, written in progress.tables.items()}
    progress.verdicts = quality.judged(agreed, measured, values)
    verdicts = [verdict for _, verdict in progress.verdicts]
    for text in quality.warnings(verdicts):
        log.warning(text)
    quality.require(verdicts)
