"""One run on disk: the folder, what went in, the log, the picture; and the same run once more from its folder.

runs/<date-time>-<site>/
inputs/      plan.yaml and every file that the run was made from, with their sha256 in hashes.json
run.mcap     the log (`control/run_log.py`)
fault-1.mcap the 10 s before the first fault and the second after it, in the same format; fault-2.mcap …
scene.png    the scene in the hold
report.html  made from the two above
thresholds.yaml  what the person's word has found, if it has
"""

import hashlib
import json
import os
import platform
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType, TracebackType
from typing import Protocol, Self

import numpy as np

from ..control.flight_recorder import FlightRecorder
from ..control.plan import PressPlan, SessionPlan, check_any, parse_plan, plan_yaml
from ..control.run_log import RUN_FILE, RunLog, read_run
from ..control.sites import SITES_FILE
from ..control.thresholds import thresholds_yaml
from ..control.ticks import Ticks, all_causes
from ..native import ContactState
from ..native.errors import InputError

PICTURE_FILE = "scene.png"
THRESHOLDS_FILE = "thresholds.yaml"
REPORT_FILE = "report.html"
FAULT_STEM = "fault"
_BLOCK = 100  # ticks between looks at Ctrl-C and the progress bar


class Simulation(Protocol):
    """What this module needs of `sim.runs.simulate`."""

    @property
    def joint_names(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def torque_limits(self) -> Sequence[float]:
        """Nm or N, per joint."""

    @property
    def duration_s(self) -> float:
        """Estimate of the whole run."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the log should say about the simulation; nothing that differs between equal runs."""

    @property
    def input_files(self) -> Mapping[str, bytes]:
        """File name to content of every file it was made from, such as arm.urdf and tool.yaml."""

    @property
    def time(self) -> float:
        """s, simulated."""

    @property
    def contact_state(self) -> ContactState: ...  # noqa: D102
    @property
    def refusals(self) -> Sequence[str]:
        """What was asked on the way and refused, and why."""

    @property
    def told(self) -> Sequence[str]:
        """What happened on the way, when, in words."""

    @property
    def thresholds_kpa(self) -> Mapping[str, float]:
        """Pain thresholds on 1 cm² that were found, by site."""

    @property
    def force_true(self) -> float:
        """N, along the press direction."""

    def advance(self, ticks: int) -> Ticks | None:
        """Up to that many further ticks; None when the run is over."""

    def withdraw(self) -> None:
        """Ask for release and retract, at the next tick."""

    def picture(self) -> bytes:
        """The scene as a PNG; changes nothing in the simulation."""

    def close(self) -> None: ...  # noqa: D102


Simulate = Callable[..., Simulation]
"""`simulate(plan, *, gui=False)`."""


class Interrupt:
    """Ctrl-C as a request: the first one sets `asked`, the second raises KeyboardInterrupt."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


def package_version() -> str:
    """Version of the installed distribution."""
    try:
        return version("massage-arm")
    except PackageNotFoundError:
        return "not installed"


def prepare_folder(folder: Path) -> None:
    """Make the run folder; InputError when it cannot be written to or holds something already."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InputError(f"{folder}: is not empty; a run needs a new or an empty folder")
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"{folder}: cannot be written to ({error.strerror}); give a folder with --out") from None


def fault_records(folder: Path) -> list[Path]:
    """The records of faults in a run folder, the first fault first."""
    records = (path for path in folder.glob(f"{FAULT_STEM}-*.mcap") if _fault_number(path).isdecimal())
    return sorted(records, key=lambda path: int(_fault_number(path)))


def _fault_number(path: Path) -> str:
    return path.stem.removeprefix(f"{FAULT_STEM}-")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)


def press(
    plan: PressPlan | SessionPlan,
    folder: Path,
    simulate: Simulate,
    *,
    gui: bool = False,
    interrupt: Interrupt | None = None,
    on_progress: Callable[[Simulation], None] = lambda _: None,
) -> None:
    """Carry out `plan` in simulation and leave log and picture in `folder`.

    Everything that can be refused is refused before the first tick, and then leaves no folder behind. An interrupt
    withdraws the arm; the log then says at which tick.
    """
    check_any(plan)
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    prepare_folder(folder)
    try:
        simulation = simulate(plan, gui=gui)
    except BaseException:
        for path in new:
            path.rmdir()
        raise
    with closing(simulation):
        hashes = _write_inputs(folder, plan, simulation.input_files)
        metadata = {
            "plan": plan_yaml(plan),
            "input_sha256": json.dumps(hashes),
            "torque_limits": json.dumps([float(limit) for limit in simulation.torque_limits]),
            "version": package_version(),
            "versions": json.dumps({"python": platform.python_version(), "numpy": np.__version__}),
            **simulation.metadata,
        }
        with RunLog(folder / RUN_FILE, simulation.joint_names, metadata) as log:
            _record(
                simulation,
                plan.person,
                log,
                folder,
                interrupt or Interrupt(),
                on_progress,
                _Faults(folder, plan.control_hz, simulation.joint_names, metadata),
            )


class _Faults:
    """Writes `fault-N.mcap`."""

    def __init__(self, folder: Path, control_hz: int, joints: Sequence[str], metadata: Mapping[str, str]) -> None:
        self._folder, self._joints, self._metadata = folder, joints, metadata
        self._recorder = FlightRecorder(control_hz)
        self._written = 0

    def take(self, block: Ticks) -> None:
        self._write(self._recorder.take(block))

    def close(self) -> None:
        self._write(self._recorder.close())

    def _write(self, records: Sequence[Ticks]) -> None:
        for record in records:
            self._written += 1
            path = self._folder / f"{FAULT_STEM}-{self._written}.mcap"
            with RunLog(path, self._joints, {**self._metadata, "causes": ", ".join(all_causes(record))}) as log:
                log.write(record)


def _write_inputs(folder: Path, plan: PressPlan | SessionPlan, files: Mapping[str, bytes]) -> dict[str, str]:
    """Copies of all that the run is made from, and their sha256 by file name."""
    inputs = folder / "inputs"
    inputs.mkdir()
    contents = {"plan.yaml": plan_yaml(plan).encode(), "sites.yaml": SITES_FILE.read_bytes(), **files}
    for name, content in contents.items():
        write_whole(inputs / name, content)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(contents.items())}
    write_whole(inputs / "hashes.json", (json.dumps(hashes, indent=2) + "\n").encode())
    return hashes


def _record(
    simulation: Simulation,
    person: str,
    log: RunLog,
    folder: Path,
    interrupt: Interrupt,
    on_progress: Callable[[Simulation], None],
    faults: _Faults,
) -> None:
    """Run to the end, into the log and the records of faults."""
    done = 0
    pictured = False
    while (block := simulation.advance(_BLOCK)) is not None:
        log.write(block)
        faults.take(block)
        done += len(block)
        if not pictured and simulation.contact_state == ContactState.HOLD:
            write_whole(folder / PICTURE_FILE, simulation.picture())
            pictured = True
        if interrupt.asked and "withdrawn_at_tick" not in log.summary:
            simulation.withdraw()
            log.summary["withdrawn_at_tick"] = str(done)
        on_progress(simulation)
    if not pictured:
        write_whole(folder / PICTURE_FILE, simulation.picture())
    faults.close()
    if simulation.thresholds_kpa:
        source = f"own assessment, {datetime.now():%Y-%m-%d}"
        text = thresholds_yaml(person, simulation.thresholds_kpa, source)
        write_whole(folder / THRESHOLDS_FILE, text.encode())
    if simulation.told:
        log.summary["told"] = "; ".join(simulation.told)
    if simulation.refusals:
        log.summary["refused"] = "; ".join(simulation.refusals)
    log.summary["final_state"] = ContactState(simulation.contact_state).name.lower()


@dataclass(frozen=True)
class Replay:
    """What came out of doing a run again."""

    same: bool
    message: str


def replay(folder: Path, simulate: Simulate, on_progress: Callable[[Simulation], None] = lambda _: None) -> Replay:
    """Simulate the run in `folder` again from its stored inputs and compare the ticks bit for bit.

    A run that was interrupted withdraws at the same tick; of one that was killed, what was logged is compared.
    """
    run = read_run(folder)
    withdraw_at = int(run.summary.get("withdrawn_at_tick", -1))
    done = 0
    with closing(simulate(_stored_plan(folder))) as simulation:
        changed = _changed_inputs(folder, simulation.input_files)
        because = f" (changed since: {', '.join(changed)})" if changed else ""
        if list(simulation.joint_names) != run.joint_names:
            return Replay(False, f"different: the arm has other joints{because}")
        while done < len(run.ticks) or run.complete:
            block = simulation.advance(_BLOCK)
            if block is None:
                break
            recorded = run.ticks[done : done + len(block)]
            difference = _first_difference(recorded, block[: len(recorded)])
            if difference:
                return Replay(False, f"different: {difference}{because}")
            if len(block) > len(recorded) and run.complete:
                return Replay(False, f"different: the log ends at tick {len(run.ticks)}, the replay goes on{because}")
            done += len(block)
            if done == withdraw_at:
                simulation.withdraw()
            on_progress(simulation)
    if done < len(run.ticks):
        return Replay(False, f"different: the replay ends at tick {done}, the log goes on{because}")
    cut = "" if run.complete else "; the log was cut short there"
    return Replay(True, f"same: {len(run.ticks)} ticks, bit for bit{cut}{because}")


def _stored_plan(folder: Path) -> PressPlan | SessionPlan:
    """The plan of the run, with its own copies of the files that the person had given by path."""
    inputs = folder / "inputs"
    plan = parse_plan((inputs / "plan.yaml").read_text())
    arm, tool = inputs / "arm.urdf", inputs / "tool.yaml"
    if arm.exists() and Path(plan.arm).suffix:
        plan = replace(plan, arm=str(arm))
    if isinstance(plan, SessionPlan):
        plan = replace(plan, session=str(inputs / "session.yaml"))
    elif tool.exists() and Path(plan.tool).suffix:
        plan = replace(plan, tool=str(tool))
    if (inputs / "limits.yaml").exists():
        plan = replace(plan, limits=str(inputs / "limits.yaml"))
    if isinstance(plan, SessionPlan) and (inputs / "thresholds.yaml").exists():
        plan = replace(plan, thresholds=str(inputs / "thresholds.yaml"))
    if isinstance(plan, SessionPlan) and (inputs / "dose.npz").exists():
        plan = replace(plan, dose=str(inputs / "dose.npz"))
    if (inputs / "body.npz").exists():
        plan = replace(plan, person=str(inputs / "body.npz"))
    return plan


def _changed_inputs(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    """Names of the inputs whose content is not what the run was made from."""
    try:
        hashes = json.loads((folder / "inputs" / "hashes.json").read_bytes())
    except (OSError, ValueError):
        return ["inputs/hashes.json"]
    now = {"sites.yaml": SITES_FILE.read_bytes(), **files}
    return [name for name, content in now.items() if hashes.get(name) != hashlib.sha256(content).hexdigest()]


def _first_difference(recorded: Ticks, again: Ticks) -> str | None:
    """Where two blocks differ first, in words; equal means equal bits, so NaN equals NaN."""
    if recorded.tobytes() == again.tobytes():
        return None
    for was, now in zip(recorded, again, strict=True):
        for name in recorded.dtype.names or ():
            if was[name].tobytes() != now[name].tobytes():
                return f"first at {was['time']:.4f} s in {name}: was {was[name]}, is {now[name]}"
    return "in length"
