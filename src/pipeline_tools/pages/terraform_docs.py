"""`python -m pipeline_tools.pages.terraform_docs`: writes the tables and examples of the Terraform READMEs.

The tables are those of terraform-docs, which no Python package has; python-hcl2 reads the files.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pipeline_tools.crosscheck import hcl
from pipeline_tools.crosscheck.hcl import Expression
from pipeline_tools.environments import ROOT
from pipeline_tools.terraform import INFRA

# The marks of terraform-docs: what stands between them is generated, the rest is written by hand.
BEGIN = "<!-- BEGIN_TF_DOCS -->"
END = "<!-- END_TF_DOCS -->"
_Blocks = Sequence[tuple[tuple[str, ...], Mapping[str, Expression]]]
_REGISTRY = "https://registry.terraform.io/providers/hashicorp/aws/latest/docs"


class PageError(ValueError):
    """A page cannot be generated; the message says what its folder lacks."""


def folders(infra: Path = INFRA) -> list[Path]:
    """The folders that have a page: the configurations and every module."""
    return [infra, infra / "bootstrap", *sorted(path for path in (infra / "modules").iterdir() if path.is_dir())]


def page(folder: Path) -> str:
    """The README of a folder as it has to be: by hand as it is there, with the generated part anew.

    Raises:
        PageError: there is no README with both marks, or an input or output has no description.
    """
    file = folder / "README.md"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise PageError(f"{file}: no lines {BEGIN} and {END}; the generated part stands between them")
    return f"{before}{BEGIN}\n{generated(folder)}{END}{after}"


def generated(folder: Path) -> str:
    """The examples, requirements, inputs, outputs, modules and resources of a folder. Raises PageError."""
    blocks = [block for file in sorted(folder.glob("*.tf")) for block in hcl.labelled(file)]
    parts = [
        *_examples(folder),
        _table("Requirements", ("Name", "Version"), _requirements(blocks)),
        _table("Inputs", ("Name", "Description", "Type", "Default", "Required"), _inputs(folder, blocks)),
        _table("Outputs", ("Name", "Description"), _outputs(folder, blocks)),
        _table("Modules", ("Name", "Source"), _modules(blocks)),
        _table("Resources", ("Name", "Type"), _resources(blocks)),
    ]
    return "\n".join(part for part in parts if part)


def _examples(folder: Path) -> Iterator[str]:
    for file in sorted(folder.glob("examples/*/main.tf")):
        title = "Example" if file.parent.name == "basic" else f"Example: {file.parent.name}"
        yield f"## {title}\n\n```hcl\n{file.read_text(encoding='utf-8').rstrip()}\n```\n"


def _requirements(blocks: _Blocks) -> Iterator[tuple[str, ...]]:
    for labels, attributes in blocks:
        if labels == ("terraform",) and "required_version" in attributes:
            yield "terraform", attributes["required_version"].literal() or ""
        if labels == ("required_providers",):
            for name, provider in attributes.items():
                yield name, provider.items()["version"].literal() or ""


def _inputs(folder: Path, blocks: _Blocks) -> list[tuple[str, ...]]:
    rows = []
    for labels, attributes in blocks:
        if labels[0] == "variable":
            default = attributes.get("default")
            rows.append(
                (
                    labels[1],
                    _description(folder, labels, attributes),
                    _code(attributes["type"].source()) if "type" in attributes else "`any`",
                    _code(default.source()) if default else "n/a",
                    "no" if default else "yes",
                )
            )
    # What has to be given comes first, as in Terraform's registry.
    return sorted(rows, key=lambda row: row[-1] == "no")


def _outputs(folder: Path, blocks: _Blocks) -> list[tuple[str, ...]]:
    return [
        (labels[1], _description(folder, labels, attributes)) for labels, attributes in blocks if labels[0] == "output"
    ]


def _modules(blocks: _Blocks) -> list[tuple[str, ...]]:
    found = [
        (labels[1], attributes["source"].literal() or "") for labels, attributes in blocks if labels[0] == "module"
    ]
    return [(name, f"[{source}]({source})") for name, source in sorted(found)]


def _resources(blocks: _Blocks) -> list[tuple[str, ...]]:
    rows = []
    for labels, _ in blocks:
        if labels[0] in ("resource", "data") and labels[1].startswith("aws_"):
            kind = {"resource": "resources", "data": "data-sources"}[labels[0]]
            link = f"{_REGISTRY}/{kind}/{labels[1].removeprefix('aws_')}"
            rows.append((f"[{labels[1]}.{labels[2]}]({link})", kind.removesuffix("s").replace("-", " ")))
    return sorted(rows)


def _description(folder: Path, labels: tuple[str, ...], attributes: Mapping[str, Expression]) -> str:
    if "description" not in attributes:
        raise PageError(f"{folder.name}: {labels[0]} {labels[1]} has no description")
    source = attributes["description"].source()
    if not source.startswith("<<"):
        return _escaped(source.strip('"').replace('\\"', '"'))
    told: list[str] = []
    for line in map(str.strip, source.splitlines()[1:-1]):
        # What is wrapped in the file is one line of the page.
        if told and not told[-1].endswith("."):
            told[-1] += f" {line}"
        else:
            told.append(line)
    return "<br/>".join(map(_escaped, told))


def _escaped(text: str) -> str:
    """With `<name>` as text: Markdown would take it for HTML, but not between backticks."""
    return "`".join(part if number % 2 else part.replace("<", "\\<") for number, part in enumerate(text.split("`")))


def _code(source: str) -> str:
    first, *rest = source.splitlines()
    if not rest:
        return f"`{source}`"
    text = "\n".join(rest)
    return f"<pre>{'<br/>'.join([first, *textwrap.dedent(text).splitlines()])}</pre>"


def _table(title: str, columns: tuple[str, ...], rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"## {title}", "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", *lines, ""])


def main(arguments: Sequence[str], infra: Path = INFRA) -> int:
    """Exit codes: 0 all pages are up to date; 1 one cannot be generated, or is not up to date with --check; 2 usage."""
    parser = argparse.ArgumentParser(prog="python -m pipeline_tools.pages.terraform_docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a page is not up to date")
    options = parser.parse_args(arguments)
    wrong = []
    for folder in folders(infra):
        file = folder / "README.md"
        try:
            wanted = page(folder)
        except (PageError, hcl.HclError) as error:
            wrong.append(str(error))
            continue
        if file.read_text(encoding="utf-8") == wanted:
            continue
        if options.check:
            shown = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
            wrong.append(f"{shown} is not up to date: python -m pipeline_tools.pages.terraform_docs writes it")
        else:
            file.write_text(wanted, encoding="utf-8")
    for line in wrong:
        print(f"error: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
