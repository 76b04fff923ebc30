"""What a person sees of the command line: answers, refusals, exit codes. The simulation is a fake (conftest)."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from massage_arm.app.cli import main
from massage_arm.control.figure import Figure
from massage_arm.control.plan import PressPlan, load_plan
from massage_arm.control.run_log import read_run
from massage_arm.native import ContactState

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, simulate: object
) -> Command:
    """Runs `massage-arm …` in an empty folder; exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["massage-arm", *map(str, arguments)])
        with pytest.raises(SystemExit) as exited:
            main()
        captured = capsys.readouterr()
        return int(exited.value.code or 0), captured.out, captured.err

    return call


SHORT = ("--hold", "1", "--quiet")


def test_help_names_the_commands(command: Command) -> None:
    code, out, _ = command("--help")
    assert code == 0
    assert all(name in out for name in ("run", "report", "replay", "bench", "--version"))


def test_help_comes_at_once_because_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, massage_arm.app.cli; "
        "print([name for name in ('numpy', 'pybullet', 'mcap', 'yaml', 'jinja2') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_version(command: Command) -> None:
    code, out, _ = command("--version")
    assert (code, out.split()[0]) == (0, "massage-arm")


def test_a_run_leaves_log_report_picture_and_inputs(command: Command, tmp_path: Path) -> None:
    code, out, _ = command("run", *SHORT)
    assert code == 0
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.endswith("-interscapular_right")
    files = {path.name for path in folder.rglob("*") if path.is_file()}
    expected = {
        "run.mcap",
        "report.html",
        "scene.png",
        "plan.yaml",
        "sites.yaml",
        "arm.urdf",
        "tool.yaml",
        "hashes.json",
    }
    assert files == expected
    assert "steady error" in out
    assert all(f"{folder.relative_to(tmp_path)}/{name}" in out for name in ("run.mcap", "report.html", "scene.png"))


def test_options_override_the_file(command: Command, tmp_path: Path) -> None:
    Path("plan.yaml").write_text("schema: massage-arm/press/1\nforce_n: 20\nseed: 5\nhold_s: 3\n")
    code, _, _ = command("run", "plan.yaml", *SHORT, "--force", 30, "--site", "lumbar_erector_left", "--out", "here")
    assert code == 0
    plan = load_plan(tmp_path / "here" / "inputs" / "plan.yaml")
    assert plan == PressPlan(force_n=30.0, seed=5, hold_s=1.0, site="lumbar_erector_left")


def test_json_prints_one_object_and_nothing_else(command: Command) -> None:
    code, out, _ = command("run", "--json", "--hold", 1, "--out", "here")
    data = json.loads(out)
    assert code == 0
    assert data["plan"]["force_n"] == 40.0
    assert data["log"] == "here/run.mcap"
    assert {figure["name"] for figure in data["metrics"]} >= {"steady_error", "rms_error", "contact_peak"}
    assert not data["interrupted"]


def test_the_same_run_twice_gives_the_same_log(command: Command) -> None:
    for name in ("a", "b"):
        command("run", *SHORT, "--out", name)
    assert Path("a/run.mcap").read_bytes() == Path("b/run.mcap").read_bytes()
    assert Path("a/run.mcap").stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--force", "-3"), "force_n: -3 N"),
        (("--force", "nan"), "force_n: nan N"),
        (("--force", "51"), "at most 50 N"),
        (("--site", "knee"), "'knee'"),
        (("--tool", "hammer"), "hammer"),
        (("--hold", "1000"), "hold_s: 1000 s"),
        (("--disturbances", "wild"), "'wild'"),
        (("--arm", "missing"), "'missing'"),
        (("no-such-plan.yaml",), "no-such-plan.yaml"),
    ],
)
def test_bad_input_is_one_line_with_exit_code_2_and_leaves_nothing(
    command: Command, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = command("run", *arguments, "--out", "here")
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err
    assert not Path("here").exists()


def test_a_folder_that_holds_something_is_refused_and_kept(command: Command) -> None:
    Path("here").mkdir()
    Path("here/precious").write_text("data")
    code, _, err = command("run", *SHORT, "--out", "here")
    assert code == 2
    assert "here: is not empty" in err
    assert [path.name for path in Path("here").iterdir()] == ["precious"]


def test_an_empty_folder_is_used(command: Command) -> None:
    Path("here").mkdir()
    assert command("run", *SHORT, "--out", "here")[0] == 0


@pytest.mark.parametrize("place", ["file/below", "/proc/nothing/here"])
def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(
    command: Command, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(sys.modules["massage_arm.sim.runs"], "simulate", None)
    Path("file").touch()
    code, _, err = command("run", *SHORT, "--out", place)
    assert code == 2
    assert "cannot be written" in err


def test_a_wrong_option_is_exit_code_2(command: Command) -> None:
    assert command("run", "--frce", 3)[0] == 2


def test_replay_of_a_run_is_the_same(command: Command) -> None:
    command("run", *SHORT, "--out", "here")
    code, out, _ = command("replay", "here", "--quiet")
    assert (code, out) == (0, "same: 6100 ticks, bit for bit\n")


def test_replay_says_where_a_changed_result_differs_first(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    command("run", *SHORT, "--out", "here")
    module = sys.modules["massage_arm.sim.runs"]
    original = module.simulate

    def changed(plan: PressPlan, *, gui: bool = False) -> object:
        simulation = original(plan, gui=gui)
        simulation.input_files["arm.urdf"] = b"<robot name='other'/>"
        advance = simulation.advance

        def nudged(count: int) -> object:
            block = advance(count)
            if block is not None and block["time"][0] == 2.0:
                block["depth"][34] += 1e-15
            return block

        simulation.advance = nudged
        return simulation

    monkeypatch.setattr(module, "simulate", changed)
    code, out, _ = command("replay", "here", "--quiet")
    assert code == 1
    assert out.startswith("different: first at 2.0340 s in depth")
    assert "changed since: arm.urdf" in out


def test_replay_of_a_killed_run_compares_what_was_logged(command: Command) -> None:
    command("run", *SHORT, "--out", "here")
    whole = Path("here/run.mcap").read_bytes()
    Path("here/run.mcap").write_bytes(whole[: len(whole) // 2])
    code, out, _ = command("replay", "here", "--quiet")
    assert code == 0
    assert "bit for bit; the log was cut short there" in out


@pytest.mark.parametrize("name", ["report", "replay"])
def test_a_missing_run_is_one_line_with_exit_code_2(command: Command, name: str) -> None:
    code, _, err = command(name, "nowhere")
    assert code == 2
    assert "nowhere/run.mcap: cannot be read" in err


def test_report_is_made_again_from_the_log(command: Command) -> None:
    command("run", *SHORT, "--out", "here")
    first = Path("here/report.html").read_bytes()
    Path("here/report.html").unlink()
    code, out, _ = command("report", "here")
    assert (code, out) == (0, "here/report.html\n")
    assert Path("here/report.html").read_bytes() == first


def test_a_stop_by_the_controller_is_told_and_ends_with_exit_code_1(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = sys.modules["massage_arm.sim.runs"].simulate.__globals__["FakeSimulation"]  # type: ignore[attr-defined]
    fill = fake._fill

    def fail_late(self: object, tick: object) -> None:
        fill(self, tick)
        if self.time > 4.0:  # type: ignore[attr-defined]
            tick["contact_state"] = self.contact_state = ContactState.FAULT  # type: ignore[attr-defined,index]
            tick["causes"] = 256  # type: ignore[index]

    monkeypatch.setattr(fake, "_fill", fail_late)
    code, out, _ = command("run", *SHORT, "--out", "here")
    assert code == 1
    assert "stopped by the controller: over force" in out
    assert "over force" in Path("here/report.html").read_text()


def test_ctrl_c_withdraws_the_arm_and_closes_the_log(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    _interrupt_at(monkeypatch, [3.0])
    code, out, err = command("run", "--quiet", "--out", "here")
    assert code == 130
    assert "withdrawing" in err
    assert "interrupted: the arm was withdrawn, the log is closed" in out
    run = read_run(Path("here"))
    assert run.complete
    assert run.ticks["contact_state"][-1] == ContactState.RETRACT
    assert run.ticks["time"][-1] < 6.0
    assert "Interrupted at" in Path("here/report.html").read_text()
    monkeypatch.undo()


def test_an_interrupted_run_replays(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulate: Callable[..., object]
) -> None:
    from massage_arm.app.run import replay

    with monkeypatch.context() as only_here:
        _interrupt_at(only_here, [3.0])
        command("run", "--quiet", "--out", "here")
    assert replay(tmp_path / "here", simulate).same  # type: ignore[arg-type]


def test_a_second_ctrl_c_aborts_and_the_log_stays_readable(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    _interrupt_at(monkeypatch, [3.0, 3.5])
    code, _, err = command("run", "--quiet", "--out", "here")
    assert code == 130
    assert "aborted" in err
    run = read_run(Path("here"))
    assert not run.complete
    assert 3.0 < run.ticks["time"][-1] < 3.6


def _interrupt_at(monkeypatch: pytest.MonkeyPatch, times: list[float]) -> None:
    """Press Ctrl-C when the simulation gets to each of these times (s)."""
    fake = sys.modules["massage_arm.sim.runs"].simulate.__globals__["FakeSimulation"]  # type: ignore[attr-defined]
    advance = fake.advance
    left = list(times)

    def with_interrupt(self: object, ticks: int) -> object:
        if left and self.time >= left[0]:  # type: ignore[attr-defined]
            left.pop(0)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.001)
        return advance(self, ticks)

    monkeypatch.setattr(fake, "advance", with_interrupt)


@pytest.mark.parametrize(("value", "code", "met"), [(0.01, 0, True), (0.06, 1, False), (float("nan"), 0, None)])
def test_bench_prints_one_list_and_fails_when_a_goal_is_missed(
    command: Command, monkeypatch: pytest.MonkeyPatch, value: float, code: int, met: bool | None
) -> None:
    module = type(sys)("massage_arm.sim.bench")

    def press_bench(
        seeds: range, jobs: int, on_progress: Callable[[int, int], None], *, disturbances: str
    ) -> list[Figure]:
        on_progress(1, 2)
        assert (list(seeds), jobs, disturbances) == ([0, 1, 2], 2, "harsh")
        return [Figure("press.steady_error_5n", "N", value, 0.05, 0.3)]

    module.press_bench = press_bench  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "massage_arm.sim.bench", module)
    got, out, err = command("bench", "press", "--json", "--seeds", 3, "--jobs", 2, "--disturbances", "harsh")
    assert got == code
    assert ("missed: press.steady_error_5n" in err) == (met is False)
    shown = None if met is None else value
    common = {"name": "press.steady_error_5n", "unit": "N", "goal": 0.05, "best_published": 0.3}
    assert json.loads(out) == [common | {"value": shown, "met": met}]
