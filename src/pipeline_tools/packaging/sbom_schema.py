"""Holds build/package/sbom.cdx.json to CycloneDX's schema. It runs in checkov's environment, which has the schema."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from pipeline_tools.environments import ROOT
from pipeline_tools.packaging import sbom

FILE = ROOT / "build" / "package" / sbom.NAME


def main(arguments: Sequence[str]) -> int:
    """`[FILE]`: exit code 0, or 1 where the file is not a CycloneDX 1.6."""
    file = Path(arguments[0]) if arguments else FILE
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(file.read_text(encoding="utf-8"))
    if error:
        print(f"error: {file} breaks CycloneDX 1.6 at {error.data.json_path}: {error.data.message}", file=sys.stderr)
        return 1
    print(f"{file.name} is valid CycloneDX 1.6")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
