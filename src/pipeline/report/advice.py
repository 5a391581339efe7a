"""What the report says first: the verdict on a job, and what a person does next."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dataset_contract.json_types import JsonMapping
from dataset_contract.model import REPLACE, REPLACE_PARTITION
from pipeline.evidence.hop import MISSING, REPLAYS
from pipeline.progress import JOB_STATES
from pipeline.rerunning import is_of_input

# kind → how the page shows it.
GOOD, WARNING, BAD, OPEN = "good", "warning", "bad", "open"
_ENDED = {"FAILED": "failed", "TIMED_OUT": "timed out", "ABORTED": "was stopped"}


def verdict(shown: JsonMapping) -> dict[str, str]:
    """A word, a sentence, and the kind that decides the color.

    Args:
        shown: the facts of facts.of_trace.
    """
    status, flow = shown["status"], shown["flow"]
    missing = shown["hop_counts"]["missing"]
    if status == "RUNNING":
        return {"kind": OPEN, "word": "Running", "sentence": f"The job is at {_now(shown)}."}
    if status == "UNKNOWN":
        return {"kind": WARNING, "word": "Unknown", "sentence": "Nobody has recorded how this job ended."}
    if status in _ENDED:
        return _failed(shown)
    loaded = sum((table["rows_inserted"] or 0) + (table["rows_updated"] or 0) for table in flow["tables"])
    sentence = f"{loaded:,} rows are loaded into {_tables(len(flow['tables']))}."
    if problem := _problem_of_replays(shown):
        return {"kind": WARNING, "word": "Succeeded", "sentence": f"{sentence} Its replays do not add up: {problem}."}
    if missing:
        return {"kind": WARNING, "word": "Succeeded", "sentence": f"{sentence} {_hops(missing)}"}
    if flow["rows_rejected"]:
        rejected = f"{flow['rows_rejected']:,} of {flow['rows_in']:,} source rows were rejected, and are kept."
        return {"kind": WARNING, "word": "Succeeded", "sentence": f"{sentence} {rejected}"}
    return {"kind": GOOD, "word": "Succeeded", "sentence": f"{sentence} No row was rejected."}


def _failed(shown: JsonMapping) -> dict[str, str]:
    status, state = shown["status"], (shown["failure"] or {}).get("state")
    what = f"The job {_ENDED[status]}{f' at {state}' if state else ''}."
    told = {True: " Its rows are loaded: what failed came after the load.", False: " Nothing is loaded."}
    after = told.get(shown["rows_loaded"], " Whether its rows are loaded is not known: the warehouse cannot be read.")
    word = {"FAILED": "Failed", "TIMED_OUT": "Timed out", "ABORTED": "Stopped"}[status]
    return {"kind": BAD, "word": word, "sentence": what + after}


def _now(shown: JsonMapping) -> str:
    rows = [row for part in shown["timeline"] for row in part["rows"] if row["level"] == 1]
    return str(rows[-1]["name"]) if rows else "its beginning"


def _problem_of_replays(shown: JsonMapping) -> str:
    """What is wrong with the chain of jobs that replay rejected rows of this one, or ""."""
    hops = (hop for hop in shown["hops"] if hop["name"] == REPLAYS and hop["state"] == MISSING)
    return next((str(hop["detail"]) for hop in hops), "")


def _tables(number: int) -> str:
    return f"{number} table{'s' * (number != 1)}"


def _hops(number: int) -> str:
    return f"{number} hop{'s' * (number != 1)} of its trace {'are' if number != 1 else 'is'} missing."


def steps(shown: JsonMapping) -> list[dict[str, str]]:
    """What to do next, in order: a sentence and a command, which may be ""."""
    job, found = shown["job_id"], []
    failure = shown["failure"]
    if failure and shown["rows_loaded"]:
        found.append(_step("Write what is missing. Nothing is loaded twice.", f"pipeline rerun {job}"))
    elif failure:
        found += _after_failure(shown, failure, job)
    elif shown["status"] == "RUNNING":
        found.append(_step("Follow it to its end.", f"pipeline watch {job}"))
    elif shown["status"] == "UNKNOWN":
        found.append(_step("Look at what is left of it.", f"pipeline trace {job}"))
    if shown["flow"]["rows_rejected"] and not failure and not _is_replayed(shown):
        found += _after_rejects(shown, job)
    if shown["hop_counts"]["missing"]:
        found.append(_step("Find out why a hop is missing: the trace below names it.", f"pipeline trace {job}"))
    return found


def _is_replayed(shown: JsonMapping) -> bool:
    """Whether a job has loaded rejected rows of this one, or is at it."""
    return any(each["status"] != "FAILED" for each in shown["replayed_by"])


def _after_rejects(shown: JsonMapping, job: str) -> list[dict[str, str]]:
    if any(table["mode"] in (REPLACE, REPLACE_PARTITION) for table in shown["flow"]["tables"]):
        again = f"pipeline start {shown['dataset']} --upload PATH"
        text = "Mend the source, and start a job of all of it: a job of some rows would replace the others."
        return [_step("See which rows were rejected.", f"pipeline rejected {job}"), _step(text, again)]
    file = f"mended{_ending(shown['reasons'])}"
    upload = f"pipeline start {shown['dataset']} --replays {job} --upload {file}"
    return [
        _step("Export the rejected rows, and mend them.", f"pipeline rejected {job} --export {file}"),
        _step("Load the mended rows as a job that is tied to this one.", upload),
    ]


def _ending(reasons: Sequence[JsonMapping]) -> str:
    """The ending that an export of the rows has to have, by the source files that the examples name."""
    names = [str(each["example"]["source_file"]).lower() for each in reasons if each["example"]]
    # Rows of Parquet are exported as JSON lines.
    structured = any(re.search(r"\.(json|jsonl|ndjson)(\.\w+)?$|\.parquet$", name) for name in names)
    return ".jsonl" if structured else ".csv"


def _after_failure(shown: JsonMapping, failure: JsonMapping, job: str) -> list[dict[str, str]]:
    if failure["status"] == "ABORTED":
        return [_step("Run it again when you want its rows.", f"pipeline rerun {job}")]
    if is_of_input(failure["state"], failure["error"]):
        again = f"pipeline start {shown['dataset'] or 'DATASET'} --source s3://…"
        return [_step("The input was not accepted. Start a job with the input mended.", again)]
    stage = JOB_STATES.get(failure["state"] or "")
    where = f" --stage {stage}" if stage else ""
    mend = "Mend the cause. For bad rows that is the source." if stage == "python" else "Mend the cause."
    return [
        _step("Read the log of what failed.", f"pipeline logs {job}{where}"),
        _step(f"{mend} Then run the job again under the same ID.", f"pipeline rerun {job}"),
    ]


def _step(text: str, command: str) -> dict[str, str]:
    return {"text": text, "command": command}
