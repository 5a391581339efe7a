"""One run of the stage: read the contract, clean references and source, judge, publish; the manifest last."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_contract import judging, manifests, places, reading
from dataset_contract.errors import ContractError
from dataset_contract.json_types import JsonMapping, JsonObject
from dataset_contract.manifests import PYTHON, SPARK, FileEntry, StageResult, StageRun
from dataset_contract.model import Contract, DataObject, Verdict
from glue_python_job import publishing, source_files
from glue_python_job.arguments import OUTPUTS, Arguments
from glue_python_job.cleaning import halting
from glue_python_job.cleaning.outcome import Counts, Outcome
from glue_python_job.errors import JobError
from glue_python_job.logs import Log, utc_now
from glue_python_job.scratch import scratch_directory
from glue_python_job.storage import Storage, StoredFile, Stores

if TYPE_CHECKING:
    import duckdb


def run(arguments: Arguments) -> None:
    """Do what `arguments` ask for, unless a manifest says that it is done under this very contract.

    After any exception there is no manifest, but <manifest>-error.json with what is known, and the rejected rows if
    the source could be read.

    Raises:
        JobError: the source, a reference, the contract or a place is not usable, or the contract halts the run.
    """
    stage = _Stage(arguments, Log(arguments.job_id), Stores())
    try:
        stage.run()
    except JobError as error:
        stage.tell(str(error))
        raise
    except Exception as error:  # whatever ends the run is left beside the manifest, and raised on
        stage.tell(f"{type(error).__name__}: {error}")
        raise


class _Stage:
    """A run in progress, and what is known of it so far."""

    def __init__(self, arguments: Arguments, log: Log, stores: Stores) -> None:
        self._arguments = arguments
        self._log = log
        self._stores = stores
        self._stage_run = manifests.new_stage_run(arguments.attempt)
        self._begun = utc_now()
        self._contract_version = ""
        self._contract_hash = ""
        self._engine = ""
        self._counts = Counts()
        self._sources: Sequence[FileEntry] = ()
        self._samples: Mapping[str, JsonMapping] = {}
        self._staged: Sequence[FileEntry] = ()
        self._rejected: Sequence[FileEntry] = ()
        self._verdicts: list[Verdict] = []
        self._references: dict[str, JsonObject] = {}
        self._reference_entries: dict[str, list[JsonObject]] = {}

    def run(self) -> None:
        arguments, store = self._arguments, self._stores.of(self._arguments.manifest_uri)
        # Before anything can fail: what an earlier attempt said is not said of this one.
        store.delete(places.failure_of(arguments.manifest_uri))
        text = self._contract_text()
        before = store.read_text(arguments.manifest_uri)
        if (complete := self._complete(before)) and (self._has_its_files(complete) or self._was_read(complete)):
            self._log.info("the stage is complete: nothing to do", manifest=arguments.manifest_uri)
            return
        self._refuse_a_loaded_job(store)
        if before is not None:
            # What it vouches for was made under another contract, or is gone. One that came meanwhile stays.
            store.delete(arguments.manifest_uri)
        contract = self._contract(text)
        files = self._stores.of(arguments.source_uri).list_files(arguments.source_uri)
        if not files:
            raise JobError(
                f"no files below {arguments.source_uri}; check this URI (files with _ or . first are not read)"
            )
        references = {item.name: self._reference_files(item) for item in contract.references}
        everything = [*files, *(file for each in references.values() for file in each)]
        self._log.info("started", dataset=arguments.dataset, files=len(files), bytes=sum(file.size for file in files))
        remote = any(self._stores.of(uri).remote for uri in (arguments.source_uri, arguments.reference_uri))
        with _resource_errors(), scratch_directory(everything, remote) as scratch:
            outcomes = self._clean(contract, files, references, scratch)
            self._publish(contract, outcomes)
            source_files.publish(files, arguments.manifest_uri, self._stage_run, scratch, self._stores, self._log)
        if not self._vouch():
            self._withdraw()
            return
        for directory in self._outputs:
            publishing.tidy(directory, self._own(directory), self._stores, self._log)
        self._log.info(
            "finished",
            rows_in=self._counts.rows_in,
            rows_out=self._counts.staged,
            rows_rejected=self._counts.rejected,
            seconds=round((utc_now() - self._begun).total_seconds(), 3),
            manifest=arguments.manifest_uri,
        )

    def _vouch(self) -> bool:
        """Write the details, then the manifest; False where another run of the stage was complete first."""
        uri, run, result = self._arguments.manifest_uri, self._run(), self._result()
        store, manifest = self._stores.of(uri), manifests.render(run, result)
        self._refuse_a_loaded_job(store)
        store.write_text(self._details_uri, manifests.render_details(run, result))
        while not store.write_new_text(uri, manifest):
            other = store.read_text(uri)
            if other == manifest:  # the answer was lost, and the request sent again
                break
            if self._complete(other):
                return False
            if other is not None:  # and it has deleted what this one wrote
                raise JobError(
                    f"{uri} is of another run, under another contract, which was complete while this one worked; start "
                    "the job again"
                )
        return True

    @property
    def _outputs(self) -> tuple[str, ...]:
        return tuple(getattr(self._arguments, name) for name in OUTPUTS)

    @property
    def _details_uri(self) -> str:
        return places.details_of(self._arguments.manifest_uri, self._stage_run)

    def _own(self, directory: str) -> str:
        return places.of_run(directory, self._stage_run)

    def _withdraw(self) -> None:
        """Another run of the stage was complete first, and its files are what later stages read."""
        for directory in self._outputs:
            self._stores.of(directory).empty(self._own(directory))
        self._log.warning(
            "another run of this stage was complete first: what this one wrote is deleted",
            stage_run=self._stage_run,
            manifest=self._arguments.manifest_uri,
        )

    def tell(self, error: str) -> None:
        """Write <manifest>-error.json and its details. The error itself is worth more than a failure to write it."""
        uri = places.failure_of(self._arguments.manifest_uri)
        run, result = self._run(), self._result()
        try:
            self._stores.of(uri).write_text(uri, manifests.render_error(run, result, error))
            self._stores.of(uri).write_text(self._details_uri, manifests.render_details(run, result))
        except Exception as second:  # another error is being handled, and is the one that counts
            self._log.warning("the error is not written", uri=uri, cause=str(second))

    def _contract_text(self) -> str:
        uri = self._arguments.contract_uri
        text = self._stores.of(uri).read_text(uri)
        if text is None:
            raise JobError(f"there is no contract at {uri}; `nox -s package` makes it, and the deployment uploads it")
        self._contract_hash = manifests.contract_hash(text)
        return text

    def _complete(self, manifest: str | None, stage: str = PYTHON) -> JsonObject | None:
        job_id, dataset = self._arguments.job_id, self._arguments.dataset
        return manifests.complete(
            manifest, stage=stage, job_id=job_id, dataset=dataset, contract_hash=self._contract_hash
        )

    def _has_its_files(self, manifest: JsonMapping) -> bool:
        """Whether what a complete run staged is there. It expires, and people delete it."""
        recorded = {
            self._arguments.staged_uri: manifest["bytes_out"],
            self._arguments.staged_references_uri: sum(
                item.get("bytes", 0) for item in manifest.get("references", {}).values()
            ),
        }
        for directory, expected in recorded.items():
            own = places.of_run(directory, manifest["stage_run"])
            found = sum(file.size for file in self._stores.of(own).list_files(own))
            if found != expected:
                self._log.warning("the files of a complete run are gone", directory=own, bytes=found, expected=expected)
                return False
        return True

    def _was_read(self, manifest: JsonMapping) -> bool:
        """Whether the Spark stage is complete over what this run staged: then nobody reads it again."""
        uri = places.manifest_beside(self._arguments.manifest_uri, SPARK)
        after = self._complete(self._stores.of(uri).read_text(uri), SPARK)
        return after is not None and after.get("python_stage_run") == manifest["stage_run"]

    def _refuse_a_loaded_job(self, store: Storage) -> None:
        """What a loaded job was made of is kept: it is the evidence, and its rejected rows are nowhere else."""
        uri = self._arguments.load_manifest_uri
        if store.read_text(uri) is not None:
            raise JobError(f"the job is loaded, as {uri} says, and this would replace what it was loaded from")

    def _contract(self, text: str) -> Contract:
        try:
            contract = reading.parse_text(text, self._arguments.contract_uri)
        except ContractError as error:
            raise JobError(str(error)) from error
        self._contract_version = contract.version
        return contract

    def _reference_files(self, item: DataObject) -> list[StoredFile]:
        directory = f"{self._arguments.reference_uri}{item.name}/"
        files = self._stores.of(directory).list_files(directory)
        if not files:
            raise JobError(
                f"reference {item.name} has no file below {directory}; upload it as CSV, JSON lines or Parquet"
            )
        return files

    def _clean(
        self,
        contract: Contract,
        files: Sequence[StoredFile],
        references: Mapping[str, Sequence[StoredFile]],
        scratch: Path,
    ) -> dict[str, Outcome]:
        # Imported here: a run that has nothing to do needs no engine.
        from glue_python_job import database
        from glue_python_job.cleaning.measures import Measurer

        self._engine = database.VERSION
        outcomes = {}
        with database.connect(self._arguments.memory_limit, scratch) as connection:
            # The references first: they are small, and a bad one fails the job before the source is read.
            for item in contract.references:
                outcomes[item.name] = self._cleaned(connection, item, references[item.name], scratch)
                halting.check_reference(item, outcomes[item.name])
            source = contract.source
            outcome = outcomes[source.name] = self._cleaned(connection, source, files, scratch)
            self._counts, self._sources, self._samples = outcome.counts, outcome.sources, outcome.samples
            # Before anything halts the run, since people look there for the cause.
            rejected = self._own(self._arguments.rejected_uri)
            self._rejected = publishing.publish(outcome.rejected, rejected, self._stores, self._log)
            publishing.publish_texts(outcome.texts, rejected, self._stores)
            halting.check_source(source, outcome)
            measurer = Measurer(connection, self._arguments.memory_limit, scratch, self._arguments.started_at)
            for item in (source, *contract.references):
                self._verdicts += measurer.verdicts(item, outcomes[item.name])
        halting.check_verdicts(self._verdicts, self._log)
        return outcomes

    def _cleaned(
        self, connection: duckdb.DuckDBPyConnection, item: DataObject, files: Sequence[StoredFile], scratch: Path
    ) -> Outcome:
        from glue_python_job.cleaning.cleaner import clean

        directory = scratch / item.role / item.name
        directory.mkdir(parents=True)
        return clean(connection, item, files, self._stores.of(files[0].uri), directory, self._log)

    def _publish(self, contract: Contract, outcomes: Mapping[str, Outcome]) -> None:
        staged, references = self._own(self._arguments.staged_uri), self._own(self._arguments.staged_references_uri)
        self._staged = publishing.publish(outcomes[contract.source.name].staged, staged, self._stores, self._log)
        for item in contract.references:
            outcome, directory = outcomes[item.name], f"{references}{item.name}/"
            written = publishing.publish(outcome.staged, directory, self._stores, self._log)
            self._reference_entries[item.name] = [file.document() for file in outcome.sources]
            self._references[item.name] = {
                "uri": directory,
                "rows": outcome.counts.staged,
                "bytes": sum(file.bytes for file in written),
                "files": len(outcome.sources),
            }

    def _run(self) -> StageRun:
        return StageRun(
            stage=PYTHON,
            stage_run=self._stage_run,
            job_id=self._arguments.job_id,
            dataset=self._arguments.dataset,
            source_uri=self._arguments.source_uri,
            started_at=self._begun,
            finished_at=utc_now(),
            code_version=self._arguments.code_version,
            contract_version=self._contract_version,
            engine=self._engine,
            contract_hash=self._contract_hash,
        )

    def _result(self) -> StageResult:
        return StageResult(
            rows_in=self._counts.rows_in,
            rows_out=self._counts.staged if self._staged else 0,
            rows_rejected=self._counts.rejected,
            files_in=self._sources,
            files_out=self._staged,
            rejected_files=self._rejected,
            rejected_reasons=Counter(self._counts.reasons),
            # Contract.set_rules begins with the source's rules and those of the references.
            rules=[judging.document(verdict, number) for number, verdict in enumerate(self._verdicts)],
            more={"references": self._references},
            details={"references": self._reference_entries, "rejected_examples": self._samples},
        )


@contextmanager
def _resource_errors() -> Iterator[None]:
    """Say what to do when the machine is too small."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise JobError(
            f"the memory does not suffice; raise --memory_limit, as python_shell.max_capacity = 1 does ({error})"
        ) from error
    except (OSError, duckdb.IOException) as error:
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        if full or "No space left" in str(error):
            raise JobError("the scratch directory is full; split the source, or set TMPDIR to a larger disk") from error
        raise
