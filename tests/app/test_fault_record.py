"""What a fault leaves behind, as a user sees it: the last 10 s at full rate, and a report that shows them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from massage_arm.control.run_log import read_run

CALL = (sys.executable, "-c", "from massage_arm.app.cli import main; main()")


def press(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    arguments = (*CALL, "run", "--force", "20", "--out", "press", "--quiet", *more)
    return subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)


def test_a_fault_leaves_the_ticks_around_it_and_the_report_tells_how_it_let_go(tmp_path: Path) -> None:
    done = press(tmp_path, "--hold", "9", "--fault", "sensor_cut@12.5:0:0:1")
    assert done.returncode == 1, done.stderr
    ticks = read_run(tmp_path / "press").ticks
    first = int(np.flatnonzero(ticks["causes"])[0])
    record = read_run(tmp_path / "press" / "fault-1.mcap")
    assert record.ticks.tobytes() == ticks[first - 10_000 : first + 1_001].tobytes()
    assert record.metadata["causes"] == "stale sensor"
    page = (tmp_path / "press" / "report.html").read_text(encoding="utf-8")
    for words in (f"Fault 1 at {ticks['time'][first]:.3f} s: stale sensor", "The last 10 s at full rate"):
        assert words in page
    free = int(np.flatnonzero(ticks["force_true"][first:] < 5.0)[0])
    assert f"below 5 N after {free} ms" in page
    assert not (tmp_path / "press" / "fault-2.mcap").exists()


def test_a_fault_after_an_acknowledgement_has_a_record_of_its_own(tmp_path: Path) -> None:
    asks = ("stop@6", "acknowledge@8", "begin@9", "stop@13")
    done = press(tmp_path, "--hold", "5", *(word for ask in asks for word in ("--ask", ask)))
    assert done.returncode == 1, done.stderr
    assert [path.name for path in sorted((tmp_path / "press").glob("fault-*"))] == ["fault-1.mcap", "fault-2.mcap"]
    page = (tmp_path / "press" / "report.html").read_text(encoding="utf-8")
    assert "Fault 1 at 6.0" in page and "Fault 2 at 13.0" in page and "stop asked" in page


def test_a_press_without_a_fault_leaves_no_record(tmp_path: Path) -> None:
    done = press(tmp_path, "--hold", "1")
    assert done.returncode == 0, done.stderr
    assert not list((tmp_path / "press").glob("fault-*"))
    assert "Fault 1" not in (tmp_path / "press" / "report.html").read_text(encoding="utf-8")
