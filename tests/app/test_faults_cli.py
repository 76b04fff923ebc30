"""`massage-arm faults` from a user's seat: real presses, real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

CALL = (sys.executable, "-c", "from massage_arm.app.cli import main; main()")


def call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CALL, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def test_a_campaign_ends_with_figures_kinds_and_what_repeats_the_worst(tmp_path: Path) -> None:
    done = call(tmp_path, "faults", "--runs", "4", "--seed", "3", "--kind", "encoder_cut", "--kind", "none", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert set(shown["kinds"]) == {"encoder_cut", "none"}
    assert shown["kinds"]["encoder_cut"]["noticed"] == 2
    assert {figure["name"]: figure["value"] for figure in shown["figures"]}["faults.healthy_runs_stopped"] == 0
    assert list(tmp_path.iterdir()) == []


def test_one_run_again_leaves_a_run_that_replays(tmp_path: Path) -> None:
    done = call(tmp_path, "faults", "--seed", "0", "--only", "11", "--out", "again")
    assert done.returncode == 0, done.stderr
    assert "encoder_cut from" in done.stdout and "noticed: not finite state" in done.stdout
    assert (tmp_path / "again" / "report.html").exists()
    replayed = call(tmp_path, "replay", "again", "--quiet")
    assert (replayed.returncode, replayed.stdout[:5]) == (0, "same:"), replayed.stdout


def test_bad_input_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("mine")
    (tmp_path / "other.jsonl").write_text("something\n")
    for arguments, said in [
        (("--kind", "nonsense"), "error: kind: 'nonsense' is not known; one of "),
        (("--only", "3", "--kind", "nonsense"), "error: kind: 'nonsense' is not known; one of "),
        (("--only", "11", "--out", "full"), "error: full: is not empty"),
        (("--runs", "1", "--store", "other.jsonl"), "error: other.jsonl: is not the file of a campaign"),
    ]:
        done = call(tmp_path, "faults", *arguments)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert done.stderr.startswith(said) and done.stderr.count("\n") == 1, done.stderr
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["full", "note.txt", "other.jsonl"]


def test_ctrl_c_says_what_is_kept_and_leaves_no_process(tmp_path: Path) -> None:
    store = tmp_path / "faults.jsonl"
    arguments = ("faults", "--runs", "1000", "--jobs", "2", "--kind", "encoder_cut", "--store", store.name)
    program = subprocess.Popen([*CALL, *arguments], cwd=tmp_path, stderr=subprocess.PIPE, text=True, process_group=0)
    until = time.monotonic() + 60.0
    while (not store.exists() or store.read_text().count("\n") < 3) and time.monotonic() < until:
        time.sleep(0.1)
    os.killpg(program.pid, signal.SIGINT)  # as a terminal does: to all of them
    _, said = program.communicate(timeout=30.0)
    kept = store.read_text().count("\n") - 1
    assert program.returncode == 130
    assert said == f"interrupted after {kept} of 1000 runs: faults.jsonl holds them; the same command goes on\n"
    while group_lives(program.pid) and time.monotonic() < until + 30.0:
        time.sleep(0.1)
    assert not group_lives(program.pid)


def group_lives(number: int) -> bool:
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return False
    return True
