"""`nox -s conformance`: ask emulators what they can do, and compare it with the table in docs/emulators.md."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from aws_facts.sdk_environment import isolated
from pipeline_tools.claims import ClaimedError, claimed
from pipeline_tools.comparisons import emulators
from pipeline_tools.console import say
from pipeline_tools.endpoint import ENGINES, EndpointError, LocalEndpoint
from pipeline_tools.environments import ROOT, InterpreterNotFoundError

DIRECTORY = ROOT / "build" / "conformance"
DOCUMENT = ROOT / "docs" / "emulators.md"
TESTS = ROOT / "tests" / "conformance"
_OURS = {"ministack": "ours on MiniStack", "localstack": "ours on LocalStack"}
TITLES = {**_OURS, **{name: f"{plain.title} alone" for name, plain in emulators.PLAIN.items()}}
# What plain emulators lack, they often lack by never ending: that need not be waited for as long.
_SECONDS = {**dict.fromkeys(_OURS, 120), **dict.fromkeys(emulators.PLAIN, 20)}
_BEGIN, _END = "<!-- conformance: begin -->\n", "<!-- conformance: end -->\n"
Outcomes = Mapping[str, bool]


def main(arguments: Sequence[str]) -> int:
    """Exit codes: 0 all as the document says, 1 not so, 2 usage."""
    parser = argparse.ArgumentParser(prog="nox -s conformance --", description=__doc__)
    parser.add_argument("emulator", nargs="*", choices=[*TITLES, []], help=f"{', '.join(TITLES)} (default: all)")
    parser.add_argument("--write", action="store_true", help="write what was found into the table")
    options = parser.parse_args(arguments)
    chosen = options.emulator or list(TITLES)
    try:
        found = {name: _ask(name) for name in chosen}
    except (ClaimedError, EndpointError, emulators.EmulatorError, InterpreterNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    text = DOCUMENT.read_text(encoding="utf-8")
    if options.write:
        known = documented(text) | found
        DOCUMENT.write_text(with_table(text, {name: known[name] for name in TITLES if name in known}), encoding="utf-8")
        say(f"written: {DOCUMENT.relative_to(ROOT)}")
        return 0
    print(table(found))
    differences = list(compare(found, documented(text)))
    for difference in differences:
        print(f"error: {difference}", file=sys.stderr)
    return 1 if differences else 0


def _ask(name: str) -> Outcomes:
    say(f"asking {TITLES[name]} …")
    with claimed(DIRECTORY / name, "nox -s conformance") as directory:
        return _asked(name, directory)


def _asked(name: str, directory: Path) -> Outcomes:
    report = directory / "report.json"
    with _served(name, directory) as url, (directory / "tests.log").open("wb") as log:
        given = {"AWS_ENDPOINT_URL": url, "CONFORMANCE_REPORT": str(report), "CONFORMANCE_SECONDS": str(_SECONDS[name])}
        subprocess.run(
            [sys.executable, "-m", "pytest", str(TESTS), "-p", "no:cacheprovider", "--tb=short"],
            env={**isolated(os.environ), **given},
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,  # what fails is in the report
        )
    if not report.is_file():
        raise EndpointError(f"the conformance test did not run to its end on {TITLES[name]}: {directory / 'tests.log'}")
    outcomes: dict[str, bool] = json.loads(report.read_text(encoding="utf-8"))
    say(f"  {sum(outcomes.values())} of {len(outcomes)} (details: {(directory / 'tests.log').relative_to(ROOT)})")
    return outcomes


@contextlib.contextmanager
def _served(name: str, directory: Path) -> Iterator[str]:
    if name in ENGINES:
        with LocalEndpoint(directory / "endpoint", engine=name) as endpoint:
            yield endpoint.endpoint_url
    else:
        with emulators.serve(name, directory / "emulator") as url:
            yield url


def table(found: Mapping[str, Outcomes]) -> str:
    """The outcomes as a table of Markdown, a row a question."""
    questions = list(dict.fromkeys(question for outcomes in found.values() for question in outcomes))
    lines = [f"| | {' | '.join(TITLES[name] for name in found)} |", f"|---|{'---|' * len(found)}"]
    for question in questions:
        answers = ("yes" if outcomes.get(question) else "**no**" for outcomes in found.values())
        lines.append(f"| {question} | {' | '.join(answers)} |")
    counts = (f"{sum(outcomes.values())} of {len(questions)}" for outcomes in found.values())
    return "\n".join([*lines, f"| | {' | '.join(counts)} |"])


def with_table(text: str, found: Mapping[str, Outcomes]) -> str:
    """A document with its table replaced.

    Raises:
        ValueError: it has no place for one.
    """
    pattern = re.compile(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"there is no {_BEGIN.strip()} … {_END.strip()} in the document")
    return pattern.sub(lambda _match: f"{_BEGIN}{table(found)}\n{_END}", text)


def documented(text: str) -> dict[str, dict[str, bool]]:
    """The outcomes in a document's table, by emulator."""
    inside = text.partition(_BEGIN)[2].partition(_END)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in inside.splitlines()]
    names = {title: name for name, title in TITLES.items()}
    return {
        names[title]: {row[0]: row[column] == "yes" for row in rows[2:] if row[0]}
        for column, title in enumerate(rows[0] if rows else [])
        if title in names
    }


def compare(found: Mapping[str, Outcomes], expected: Mapping[str, Outcomes]) -> Iterator[str]:
    """What is not as the document says, a sentence each."""
    for name, outcomes in found.items():
        for question in dict.fromkeys([*outcomes, *expected.get(name, {})]):
            now, then = outcomes.get(question), expected.get(name, {}).get(question)
            if now != then:
                said = {True: "yes", False: "no", None: "nothing"}
                yield f"{TITLES[name]}, {question}: {said[now]}, and the document says {said[then]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
