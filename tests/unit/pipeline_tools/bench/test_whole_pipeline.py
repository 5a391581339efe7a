from __future__ import annotations

import subprocess
import sys

from pipeline_tools.bench import whole_pipeline

_PROGRAM = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import sys; kept = b'x' * 50_000_000; print(); sys.stdin.read()"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_the_memory_of_a_process_is_with_all_that_it_started() -> None:
    line = [sys.executable, "-c", _PROGRAM]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert child in whole_pipeline._with_descendants(process.pid)
        assert whole_pipeline.DeployedPipeline(None, {}, process.pid).resident() > 50_000_000  # type: ignore[arg-type]
        process.communicate("")
