"""The hops of a job: each place where the job ID has to show, judged by the evidence alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from dataset_contract.json_types import JsonMapping
from dataset_contract.manifests import LOAD
from dataset_contract.places import (
    REFUSED_AROUND,
    REFUSED_TEXTS,
    STAGES,
    copy_manifest_of,
    details_of,
    source_files_list_of,
    source_files_of,
)
from pipeline.evidence import job_progress
from pipeline.evidence.console_links import Links
from pipeline.evidence.histories import DONE
from pipeline.evidence.hop import (
    FORGOTTEN,
    FOUND,
    MISSING,
    NOT_EXPECTED,
    NOT_FOUND,
    Hop,
    Seen,
    listed,
    moment,
    problem,
    span,
    unreadable,
    without,
)
from pipeline.evidence.job_progress import Expectation
from pipeline.evidence.model import Answer, Evidence, GlueRuns, Lines, Nested, Objects, Told
from pipeline.evidence.runs import field_of
from pipeline.evidence.states import STEPS, published
from pipeline.evidence.warehouse import MOST_ROWS
from pipeline.jobs import Attempt

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html (a finished execution's history)
HISTORY = timedelta(days=90)
# https://docs.aws.amazon.com/glue/latest/dg/view-job-runs.html
JOB_RUNS = timedelta(days=90)
# https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html
STATEMENTS = timedelta(hours=24)
# The event of a failure takes seconds as a rule; until then nobody says that it is missing.
TELLING = timedelta(minutes=2)
# The states that write a row of audit.job_attempt.
RECORDING = ("RegisterJob", "LoadAndRecord", "RecordAttempt")
_EXPECTED = Expectation(True)
_PARQUET = ".parquet"
_REPLAYS = "replay_reconciliation"


class Judge:
    """Judges the evidence of one job."""

    def __init__(self, evidence: Evidence, links: Links) -> None:
        self._evidence, self._links = evidence, links
        self._job = evidence.job
        self._id = evidence.job.job_id
        self._progress = job_progress.of(evidence)
        # What a service forgets, it forgets that long after the job's end.
        self._age = evidence.checked_at - (evidence.job.ended_at or evidence.job.started_at)

    def hops(self) -> list[Hop]:
        """Every hop, in the order in which the data passes."""
        return [
            *self._step_functions(),
            self._lambda(),
            *self._glue(),
            *self._lake(),
            *self._statements(),
            *self._warehouse(),
            *self._failures(),
        ]

    def _hop(
        self, name: str, service: str, place: str, seen: Seen, expectation: Expectation, kept: timedelta | None = None
    ) -> Hop:
        """A hop, judged by what the evidence has of it.

        Args:
            kept: how long the service keeps it; None: for ever, as far as the pipeline knows.
        """
        if seen.detail:
            return Hop(name, service, place, FOUND, seen.detail, seen.at, seen.link)
        if not expectation.expected:
            return Hop(name, service, place, NOT_EXPECTED, expectation.reason)
        if seen.problem:
            return Hop(name, service, place, MISSING, unreadable(seen.problem))
        if seen.instead:
            return Hop(name, service, place, MISSING, seen.instead, seen.at, seen.link)
        if kept is not None and self._age > kept:
            return Hop(name, service, place, FORGOTTEN, f"kept for {span(kept)}")
        return Hop(name, service, place, MISSING, NOT_FOUND)

    def _step_functions(self) -> Iterator[Hop]:
        for number, (arn, asked) in enumerate(self._evidence.executions.items(), 1):
            seen = Seen(problem=asked.problem)
            if asked.value:
                execution = asked.value.execution
                seen = Seen(execution.status, execution.started_at, self._links.execution(arn))
                output = execution.output
                if execution.status == "SUCCEEDED" and (output or {}).get("job_id") != self._id:
                    seen = Seen(instead="its output has another job ID")
            name = "execution" if number == 1 else f"execution-{number}"
            yield self._hop(name, "Step Functions", f"execution {arn.rpartition(':')[2]}", seen, _EXPECTED, HISTORY)
        yield self._hop(
            "generate", "Step Functions", "answer of GenerateJobId", self._generated(),
            self._progress.done("GenerateJobId"), HISTORY,
        )  # fmt: skip
        entered = {state.name for state in self._evidence.states} | {"RegisterJob", "LoadAndRecord"}
        for state, step in STEPS.items():
            if state not in entered:  # only a job that is continued or redriven comes there
                continue
            yield self._hop(
                f"nested-{step}", "Step Functions", f"nested execution of the step {step}", self._nested(step),
                self._progress.begun(state), HISTORY,
            )  # fmt: skip

    def _generated(self) -> Seen:
        for state in self._evidence.states:
            for tried in state.tries if state.name == "GenerateJobId" else ():
                payload = tried.output.get("Payload") if isinstance(tried.output, dict) else None
                if isinstance(payload, dict) and payload.get("job_id") == self._id:
                    return Seen("job_id", tried.ended_at)
        return Seen(problem=problem(self._evidence.executions.values()))

    def _of_step(self, step: str) -> list[Nested]:
        return [nested for nested in self._evidence.nested if nested.step == step]

    def _nested(self, step: str) -> Seen:
        asked = self._of_step(step)
        found = [each for each in asked if each.run.value and each.arn.rpartition(":")[2].startswith(self._id)]
        if not found or len(found) < len(asked):
            gone = [each.arn.rpartition(":")[2] for each in asked if each not in found]
            return Seen(problem=problem(each.run for each in asked), instead=without(self._id, gone) if found else "")
        executions = [each.run.value.execution for each in found if each.run.value]
        told = [f"…{each.name[len(self._id) :]} {each.status}" for each in executions]
        return Seen(listed(told), executions[-1].started_at, self._links.execution(found[-1].arn))

    def _lambda(self) -> Hop:
        # Lines of the Lambda's other actions are of a failed job.
        seen = self._line(
            self._evidence.lambda_log, "message", ("job begins", "job continues", "execution input refused")
        )
        return self._logged("lambda-log", "Lambda", "log line", self._evidence.lambda_log, seen, "GenerateJobId")

    def _logged(self, name: str, service: str, place: str, log: Lines, seen: Seen, state: str) -> Hop:
        kept = timedelta(days=log.retention_days) if log.retention_days else None
        return self._hop(name, service, place, seen, self._progress.done(state), kept)

    def _line(self, log: Lines, field: str, accepted: tuple[str, ...] = ()) -> Seen:
        for line in log.lines.value or ():
            value = field_of(line, field)
            if (
                value
                and (field_of(line, "job_id") == self._id or self._id in value)
                and value in (accepted or (value,))
            ):
                shown = value.replace(self._id, "<job ID>")
                return Seen(shown, link=self._links.log(log.group, log.stream))
        return Seen(problem=log.lines.problem)

    def _glue(self) -> Iterator[Hop]:
        python, spark = self._evidence.python_log, self._evidence.spark_log
        yield self._run("python-run", "Glue Python shell", self._evidence.python, "CleanWithPython")
        seen = self._line(python, "message")
        yield self._logged(
            "python-log", "Glue Python shell", "log line of the job run", python, seen, "CleanWithPython"
        )
        yield self._run("spark-run", "Glue Spark", self._evidence.spark, "TransformWithSpark")
        named = spark.stream.startswith(self._id)
        seen = Seen(problem=spark.lines.problem)
        if named:
            link = self._links.log(spark.group, spark.stream)
            seen = Seen(f"{spark.group}/{spark.stream.replace(self._id, '<job ID>')}", link=link)
        yield self._logged("spark-stream", "Glue Spark", "name of the log stream", spark, seen, "TransformWithSpark")
        seen = self._line(spark, "application")
        place = "name of the Spark application"
        yield self._logged("spark-application", "Glue Spark", place, spark, seen, "TransformWithSpark")

    def _run(self, name: str, service: str, runs: GlueRuns, state: str) -> Hop:
        mine = [run for run in runs.runs.value or () if run.get("Arguments", {}).get("--job_id") == self._id]
        seen = Seen(problem=runs.runs.problem)
        if mine and len(mine) == len(runs.runs.value or ()):
            told = [f"{str(run['Id'])[:11]}… {run['JobRunState']}" for run in mine]
            link = self._links.job_run(runs.job_name, str(mine[-1]["Id"]))
            seen = Seen(listed(told), mine[-1].get("StartedOn"), link)
        elif mine:
            seen = Seen(instead="a job run has no argument --job_id with the job ID")
        return self._hop(name, service, "argument --job_id of the job run", seen, self._progress.begun(state), JOB_RUNS)

    def _lake(self) -> Iterator[Hop]:
        progress_ = self._progress
        python, spark = progress_.done("CleanWithPython"), progress_.done("TransformWithSpark")
        yield self._hop("staged", "S3", "keys of the staged files", self._staged(), python)
        rejected = self._rejected_rows()
        none = Expectation(False, "no row was rejected" if rejected == 0 else "nobody knows of rejected rows")
        expectation = job_progress.first(python, _EXPECTED if rejected else none)
        yield self._hop("rejected", "S3", "keys of the rejected rows", self._rejected(), expectation)
        yield self._hop("curated", "S3", "keys of the curated files", self._curated(), spark)
        yield self._hop("copy-lists", "S3", "lists of the files to copy", self._lists(), spark)
        for stage, needed in zip(STAGES, (python, spark, progress_.done("WriteLoadManifest")), strict=True):
            yield self._hop(f"manifest-{stage}", "S3", f"manifest {stage}.json", self._manifest(stage), needed)

    def _objects(self, asked: Answer[Objects]) -> Seen:
        found = asked.value
        if found is None or f"job_id={self._id}/" not in found.uri:
            return Seen(problem=asked.problem)
        told = f"{found.count:,} × …/job_id=<job ID>/, {found.bytes:,} bytes"
        return Seen(told, found.newest, self._links.folder(found.uri))

    def _told(self, stage: str) -> JsonMapping:
        """The manifest of a stage; empty where it could not be read."""
        return self._evidence.lake.documents[stage].value or {}

    def _staged(self) -> Seen:
        lake, manifest = self._evidence.lake, self._told("python")
        references = lake.references.value.sizes if lake.references.value else {}
        gone = [_lacking("staged rows", lake.staged.value, manifest.get("bytes_out"), manifest.get("files_out"))]
        for name, told in manifest.get("references", {}).items():
            own = {key: size for key, size in references.items() if key.startswith(f"{name}/")}
            gone.append(_lacking(f"reference {name}", Objects("", own, None), told.get("bytes")))
        if any(gone):
            return Seen(problem=problem([lake.staged, lake.references]), instead="; ".join(filter(None, gone)))
        return self._objects(lake.staged)

    def _rejected(self) -> Seen:
        asked, parts = self._evidence.lake.rejected, self._told("python").get("rejected_files")
        if not asked.value or not parts:
            return self._objects(asked)
        names = list(asked.value.sizes)
        kinds = {
            "Parquet files": sum(1 for name in names if name.endswith(_PARQUET)),
            f"texts ({REFUSED_TEXTS}…)": sum(1 for name in names if name.startswith(REFUSED_TEXTS)),
        }
        gone = [f"{count:,} of {parts:,} {kind}" for kind, count in kinds.items() if count != parts]
        gone += [f"no {REFUSED_AROUND}"] * (REFUSED_AROUND not in names)
        return Seen(instead=", ".join(gone)) if gone else self._objects(asked)

    def _lists(self) -> Seen:
        """What COPY reads first: a list for each table, and that of the file which names the source files."""
        asked, python, spark = self._evidence.lake.runs, self._told("python"), self._told("spark")
        names = asked.value.sizes if asked.value else {}
        if "stage_run" not in spark:  # nobody knows of which run they would be
            found = {name.rpartition("/")[2] for name in names if name.startswith("spark/") and "/copy/" in name}
            return Seen(listed(sorted(found)), problem=asked.problem)
        wanted = {
            f"{table}.manifest": copy_manifest_of("spark.json", spark["stage_run"], table)
            for table in sorted(spark.get("tables", {}))
        }
        gone = [shown for shown, key in wanted.items() if key not in names]
        if "stage_run" in python:
            below = source_files_of("python.json", python["stage_run"])
            key = source_files_list_of("python.json", python["stage_run"])
            wanted["source files"] = key
            gone += ["the list of the source files"] * (key not in names)
            held = any(name.startswith(below) and name.endswith(_PARQUET) for name in names)
            gone += ["the file that names the source files"] * (not held)
        if gone:
            return Seen(problem=asked.problem, instead=f"not found: {', '.join(gone)}")
        return Seen(listed(list(wanted)))

    def _curated(self) -> Seen:
        curated = self._evidence.lake.curated
        seen = {table: self._objects(asked) for table, asked in curated.items()}
        # Each table that Spark's manifest names has files, also one without rows.
        named = self._told("spark").get("tables", {})
        gone = [
            lacking
            for table in sorted({*named, *curated})
            if (
                lacking := _lacking(
                    table,
                    curated[table].value if table in curated and seen[table].detail else None,
                    *(named.get(table, {}).get(field) for field in ("bytes", "files")),
                )
            )
        ]
        if gone:
            return Seen(problem=problem(curated.values()), instead="; ".join(gone) if curated else "")
        found = list(seen.values())
        told = [f"{table}: {each.detail}" for table, each in seen.items()]
        return Seen(", ".join(told), found[-1].at, found[-1].link) if found else Seen()

    def _rejected_rows(self) -> int | None:
        document = self._evidence.lake.documents["python"].value
        row = next(iter(self._evidence.warehouse.of("job_run")), {})
        rows = (document or row).get("rows_rejected")
        return int(rows) if rows is not None else None

    def _manifest(self, stage: str) -> Seen:
        asked = self._evidence.lake.documents[stage]
        document = asked.value
        if document is None:
            return Seen(problem=asked.problem)
        if document.get("job_id") != self._id:
            return Seen(instead="it has another job ID")
        runs = self._evidence.lake.runs
        if stage != LOAD and "stage_run" in document:
            details = details_of(f"{stage}.json", document["stage_run"])
            if details not in (runs.value.sizes if runs.value else {}):
                return Seen(problem=runs.problem, instead=f"not found beside it: {details}")
        told = f"{document.get('rows_in'):,} rows in, {document.get('rows_out'):,} out"
        if document.get("rows_rejected"):
            told += f", {document['rows_rejected']:,} rejected"
        return Seen(told, moment(document.get("finished_at")))

    def _statements(self) -> Iterator[Hop]:
        for step, state in (("register", "RegisterJob"), ("load", "LoadAndRecord")):
            yield self._hop(
                f"statement-{step}", "Redshift", f"name and comment of the statements of {step}", self._statement(step),
                self._progress.done(state), STATEMENTS,
            )  # fmt: skip

    def _statement(self, step: str) -> Seen:
        asked = self._of_step(step)
        for nested in reversed(asked):
            description, run = nested.statement.value, nested.run.value
            if description is None or run is None:
                continue
            name = str((run.execution.input or {}).get("batch", {}).get("statement_name", ""))
            texts = [part.get("QueryString", "") for part in description.get("SubStatements", [])]
            marked = [text for text in texts if text.startswith(f"/* job_id={self._id} ")]
            if name.startswith(self._id) and texts and len(marked) == len(texts):
                return Seen(f"{len(marked)} statements, {description['Status']}", description.get("UpdatedAt"))
            return Seen(instead="a statement does not carry the job ID")
        return Seen(problem=problem([*(each.statement for each in asked), *(each.run for each in asked)]))

    def _warehouse(self) -> Iterator[Hop]:
        registered, loaded = self._progress.done("RegisterJob"), self._progress.done("LoadAndRecord")
        row = next(iter(self._evidence.warehouse.of("job_run")), None)
        seen = self._rows("job_run", f"{row['status']}, attempt {row['attempt']}" if row else "")
        # The recorder of failures writes it as well.
        yield self._audited("job_run", seen, _EXPECTED if row else registered)
        yield self._audited("job_attempt", *self._attempts(registered))
        stages = {each["stage"]: each["rows_out"] for each in self._evidence.warehouse.of("stage_run")}
        seen = self._rows("stage_run", ", ".join(f"{stage} {rows:,}" for stage, rows in stages.items()))
        gone = [f"stage {stage}" for stage in STAGES if stage not in stages]
        if stages and gone and loaded.expected:
            seen = Seen(instead=f"no row of {' and '.join(gone)}")
        yield self._audited("stage_run", seen, loaded)
        yield self._rules(loaded)
        loads = self._evidence.warehouse.of("table_load")
        told = ", ".join(f"{each['table_name']} {each['mode']} {each['rows_copied']:,}" for each in loads)
        yield self._audited("table_load", self._rows("table_load", told), loaded)
        files = self._evidence.warehouse.of("source_file")
        more = "or more " if len(files) == MOST_ROWS else ""
        told = f"{len(files):,} {more}file{'s' * (len(files) != 1)}" if files else ""
        yield self._audited("source_file", self._rows("source_file", told), loaded)
        sums_of = self._evidence.warehouse.of("reconciliation")
        # A job of which no table is loaded has one row without a table.
        problems = [
            f"{row['table_name']}: {row['problem']}" if row["table_name"] else str(row["problem"])
            for row in sums_of
            if row["problem"]
        ]
        sums = "all rows add up" if sums_of else ""
        seen = Seen(instead="; ".join(problems)) if problems else self._rows("reconciliation", sums)
        yield self._audited("reconciliation", seen, _EXPECTED if problems else loaded)
        yield self._loaded_rows(loaded)
        yield from self._replays()

    def _replays(self) -> Iterator[Hop]:
        """What became of the rejected rows, of the first job of a chain: the view has no other."""
        warehouse = self._evidence.warehouse
        asked, row = warehouse.tables[_REPLAYS], next(iter(warehouse.of(_REPLAYS)), None)
        if row and row["replays"]:
            told = (
                f"{row['rows_replayed']:,} of {row['rows_rejected']:,} rejected rows replayed, "
                f"{row['rows_still_rejected']:,} still rejected"
            )
            seen = Seen(instead=row["problem"]) if row["problem"] else Seen(told, link=self._links.query_editor())
        elif asked.problem and warehouse.replayed_by.value:
            seen = Seen(problem=asked.problem)
        else:
            return
        yield self._audited(_REPLAYS, seen, _EXPECTED)

    def _audited(self, table: str, seen: Seen, expectation: Expectation) -> Hop:
        return self._hop(table.replace("_", "-"), "Redshift", f"audit.{table}", seen, expectation)

    def _rows(self, table: str, detail: str) -> Seen:
        return Seen(detail, link=self._links.query_editor(), problem=self._evidence.warehouse.tables[table].problem)

    def _attempts(self, registered: Expectation) -> tuple[Seen, Expectation]:
        rows = self._evidence.warehouse.of("job_attempt")
        found = {(row["execution_arn"], row["redrive_count"]) for row in rows}
        gone = [
            f"{each.execution_name} (redrive {each.redrive_count})"
            for each in self._job.attempts
            if (each.execution_arn, each.redrive_count) not in found and self._is_recorded(each)
        ]
        if gone:
            return Seen(instead=f"no row of {', '.join(gone)}"), _EXPECTED
        if contradicted := self._contradicted(rows):
            return Seen(instead="; ".join(contradicted)), _EXPECTED
        told = listed([f"{row['attempt']} {row['status']}" for row in rows])
        return self._rows("job_attempt", told), _EXPECTED if rows else registered

    def _contradicted(self, rows: Sequence[JsonMapping]) -> list[str]:
        """The executions that succeeded, as Step Functions says, and that have a row which says something else."""
        succeeded = {
            (each.execution_arn, each.redrive_count) for each in self._job.attempts if each.status == "SUCCEEDED"
        }
        return [
            f"attempt {row['attempt']} is {row['status']}, its execution SUCCEEDED"
            for row in rows
            if row["status"] != "SUCCEEDED" and (row["execution_arn"], row["redrive_count"]) in succeeded
        ]

    def _is_recorded(self, attempt: Attempt) -> bool:
        """Whether an attempt has come to a state that records it, or the recorder of failures has done so.

        A redrive goes on at the state that failed, so that it may be the load that records it first.
        """
        asked = self._evidence.executions.get(attempt.execution_arn)
        states = asked.value.states if asked and asked.value else ()
        told = (each.recorder.value for each in self._evidence.told if each.attempt == attempt)
        return any(run and run.execution.status == "SUCCEEDED" for run in told) or any(
            state.name in RECORDING and state.status == DONE and state.redrive == attempt.redrive_count
            for state in states
        )

    def _rules(self, loaded: Expectation) -> Hop:
        documents = self._evidence.lake.documents
        judged = [rule for stage in ("python", "spark") for rule in (documents[stage].value or {}).get("rules", [])]
        rows = self._evidence.warehouse.of("rule_run")
        rows = [row for row in rows if row["attempt"] == rows[0]["attempt"]]  # the newest one's come first
        passed = sum(1 for row in rows if row["passed"])
        seen = self._rows("rule_run", f"{passed} of {len(rows)} passed" if rows else "")
        none = Expectation(False, "the contract has no set rules")
        return self._audited("rule_run", seen, job_progress.first(loaded, _EXPECTED if judged else none))

    def _loaded_rows(self, loaded: Expectation) -> Hop:
        warehouse = self._evidence.warehouse
        loads = warehouse.of("table_load")
        later = {row["table_name"] for row in warehouse.loaded_since.value or ()}
        told, wrong, replaced = [], [], []
        for row in loads:
            table, wanted = row["table_name"], row["rows_inserted"] + row["rows_updated"]
            rows = warehouse.rows[table].value
            if rows == wanted:
                told.append(f"{table} {wanted:,}")
            elif rows is not None and rows < wanted and row["mode"] != "append" and table in later:
                replaced.append(f"{table} {rows:,} of {wanted:,}: a later job has replaced the others")
            else:
                wrong.append(f"{table}: {'?' if rows is None else format(rows, ',')} rows, {wanted:,} were loaded")
        place = "column job_id of every loaded row"
        seen = Seen(problem=problem([warehouse.tables["table_load"], *warehouse.rows.values()]))
        if wrong:
            seen = Seen(problem=seen.problem, instead="; ".join(wrong))
        elif loads:
            seen = Seen("; ".join([", ".join(told), *replaced] if told else replaced), link=self._links.query_editor())
        return self._hop("rows", "Redshift", place, seen, loaded)

    def _failures(self) -> Iterator[Hop]:
        if not self._evidence.told:
            running = self._job.is_running
            reason = Expectation(False, "the job still runs" if running else "no attempt has failed")
            yield self._hop("recorder", "Step Functions", "execution of record-failure", Seen(), reason)
            yield self._hop("message", "SNS", "message about the failure", Seen(), reason)
        for number, told in enumerate(self._evidence.told, 1):
            suffix = "" if number == 1 else f"-{number}"
            yield self._recorder(told, suffix)
            yield self._message(told, suffix)

    def _recorder(self, told: Told, suffix: str) -> Hop:
        run = told.recorder.value
        seen = Seen(problem=told.recorder.problem)
        if run:
            seen = Seen(run.execution.status, run.execution.started_at, self._links.execution(told.arn))
        place = f"execution of record-failure for {told.attempt.execution_name}"
        return self._hop(f"recorder{suffix}", "Step Functions", place, seen, self._telling(told), HISTORY)

    def _message(self, told: Told, suffix: str) -> Hop:
        run = told.recorder.value
        sent = published(run.states) if run else None
        seen = Seen(problem=told.recorder.problem)
        if sent:
            state, message = sent
            if self._id in str(message):
                subject = next((str(each.parameters.get("Subject")) for each in state.tries if each.is_done), "")
                seen = Seen(subject.replace(self._id, "<job ID>"), state.ended_at)
            else:
                seen = Seen(instead="its message does not name the job ID")
        expectation = self._telling(told)
        if run and not sent and run.execution.status == "RUNNING":
            expectation = Expectation(False, "record-failure is at work")
        place = f"message about {told.attempt.execution_name}"
        return self._hop(f"message{suffix}", "SNS", place, seen, expectation, HISTORY)

    def _telling(self, told: Told) -> Expectation:
        ended = told.attempt.ended_at
        if ended and self._evidence.checked_at - ended < TELLING and told.recorder.value is None:
            return Expectation(
                False, f"it failed {span(self._evidence.checked_at - ended)} ago: the event is on its way"
            )
        return _EXPECTED


def _lacking(what: str, found: Objects | None, bytes_: int | None, files: int | None = None) -> str:
    """What is said of Parquet files that are not those of which a manifest tells, or "".

    Args:
        bytes_, files: as the manifest tells; None where it does not.
    """
    sizes = [size for name, size in found.sizes.items() if name.endswith(_PARQUET)] if found else []
    if not sizes:
        return f"{what}: not found"
    if files not in (None, len(sizes)):
        return f"{what}: {len(sizes):,} of {files:,} files"
    if bytes_ not in (None, sum(sizes)):
        return f"{what}: {sum(sizes):,} of {bytes_:,} bytes"
    return ""
