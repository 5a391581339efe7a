"""`python -m pipeline_tools.pages.cli_docs`: writes docs/cli.md from the commands themselves."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from pipeline import cli
from pipeline_tools.environments import ROOT

FILE = ROOT / "docs" / "cli.md"
_WIDTH = 100
_INTRODUCTION = """\
# The command `pipeline`

This page says how to install the command, how it finds your deployment, and what each command and option does.
`python -m pipeline_tools.pages.cli_docs` generates it.

## Install it

```console
$ uv tool install .        # or: pipx install .  or: pip install .
$ pipeline doctor
```

It needs Python 3.11, and installs boto3, click, jinja2 and rich, but no Spark and no emulator.

## Which deployment

The command uses the first of these that exists:

1. `--stack PLACE`: a file with outputs, as `terraform output -json` or `./noxw -s local` writes it, or a directory in
   which Terraform has been applied;
2. the environment variable `PIPELINE_STACK`, which names such a place;
3. `build/local/outputs.json` of a running `./noxw -s local`, in the current directory or one above it;
4. `infra/` with an initialised Terraform, in the current directory or one above it. `./noxw` keeps a data directory per
   environment: `export TF_DATA_DIR=$PWD/build/terraform/dev/data` chooses dev.

On AWS the command uses your own credentials, as `aws` does, and the region of the deployment. A local deployment
needs no credentials.

## Output and exit codes

Results go to stdout; progress and errors go to stderr, one line per error. `--output json` writes one document to
stdout; the help of each command describes its fields. Times are UTC.

| exit code | meaning |
|---|---|
| 0 | succeeded |
| 1 | the job failed, a hop is missing, or something is wrong |
| 2 | the command is not accepted |
| 3 | the ID names no job, or more than one |
| 4 | the job had not ended in time |
| 130 | interrupted |

## Completion

Your shell can complete names of commands, options, datasets, stages and statuses, and the IDs of the newest jobs:

```console
$ eval "$(_PIPELINE_COMPLETE=bash_source pipeline)"      # in ~/.bashrc
$ eval "$(_PIPELINE_COMPLETE=zsh_source pipeline)"       # in ~/.zshrc
$ _PIPELINE_COMPLETE=fish_source pipeline | source       # in ~/.config/fish/completions/pipeline.fish
```
"""


def text() -> str:
    """What docs/cli.md has to be."""
    return _INTRODUCTION + "".join(f"\n## {title}\n\n```text\n{said}\n```\n" for title, said in _helps())


def _helps() -> Iterator[tuple[str, str]]:
    """A title and the help of each command, as a terminal of a fixed width shows it."""
    top = _context(cli.pipeline, "pipeline", None)
    yield "pipeline", cli.pipeline.get_help(top)
    for name in cli.COMMANDS:
        command = cli.pipeline.get_command(top, name)
        assert command
        yield f"pipeline {name}", command.get_help(_context(command, name, top))


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    return click.Context(
        command, info_name=name, parent=parent, terminal_width=_WIDTH, help_option_names=["-h", "--help"]
    )


def main(arguments: Sequence[str], file: Path = FILE) -> int:
    """Exit codes: 0 written, 2 usage."""
    if arguments:
        print(f"error: {arguments[0]!r} is given; accepted: no arguments", file=sys.stderr)
        return 2
    file.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
