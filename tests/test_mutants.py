"""A sample of the mutants of guard, limits and supervisor; all of them: `python -m bench.mutants`."""

import subprocess
import sys
from pathlib import Path

import pytest

EVERY = {"guard": 25, "limits": 15, "supervisor": 10}


@pytest.mark.parametrize("module", EVERY)
def test_no_mutant_of_the_sample_survives_without_a_reason(module: str) -> None:
    command = [sys.executable, "-m", "bench.mutants", "--module", module, "--every", str(EVERY[module]), "--jobs", "1"]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
