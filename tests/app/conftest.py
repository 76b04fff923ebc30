"""A press without physics: the shape of `sim.press.simulate`, and hand-made ticks."""

import sys
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from massage_arm.app.cli import main
from massage_arm.control.plan import PressPlan
from massage_arm.control.ticks import Ticks, tick_dtype
from massage_arm.native import ContactState
from massage_arm.native.errors import InputError

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fcffff3f0300080502"
    "fe6b1d1d4d0000000049454e44ae426082"
)
JOINTS = tuple(f"joint_{k}" for k in range(1, 8))
LIMITS = (320.0, 320.0, 176.0, 176.0, 110.0, 40.0, 40.0)

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """Runs `massage-arm …` in an empty folder; exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["massage-arm", *map(str, arguments)])
        with pytest.raises(SystemExit) as exited:
            main()
        captured = capsys.readouterr()
        return int(exited.value.code or 0), captured.out, captured.err

    return call


class FakeSimulation:
    """Follows the plan's phases with a first-order force and seeded noise."""

    joint_names = JOINTS
    torque_limits = LIMITS

    def __init__(self, plan: PressPlan) -> None:
        if plan.arm == "missing":
            raise InputError("arm: 'missing' is not known")
        lengths = (0.5, 0.1, plan.ramp_s, plan.hold_s, plan.release_s, 0.5)
        states = tuple(ContactState)[1:7]
        self._plan = plan
        self._schedule = list(zip(states, np.cumsum(lengths), strict=True))
        self.duration_s = float(sum(lengths))
        self.metadata = {"seed": str(plan.seed), "simulator": "fake"}
        self.input_files = {"arm.urdf": b"<robot/>", "tool.yaml": b"name: thumb\n"}
        self._random = np.random.default_rng(plan.seed)
        self._force = self.force_true = 0.0
        self.time = 0.0
        self._done = 0
        self.closed = False
        self.contact_state = ContactState.IDLE
        self.refusals: list[str] = []

    def withdraw(self) -> None:
        after = {ContactState.RELEASE: self._plan.release_s, ContactState.RETRACT: self._plan.release_s + 0.5}
        self._schedule = [(state, self.time + seconds) for state, seconds in after.items()]

    def advance(self, ticks: int) -> Ticks | None:
        left = round(1000 * self._schedule[-1][1]) - self._done
        if left <= 0:
            return None
        block = np.zeros(min(ticks, left), tick_dtype(len(JOINTS)))
        for tick in block:
            self._fill(tick)
        return block

    def _fill(self, tick: np.void) -> None:
        self.time = self._done / 1000
        ends = [until for _, until in self._schedule]
        phase = next(k for k, until in enumerate(ends) if self.time < until)
        state, until = self._schedule[phase]
        begin = ends[phase - 1] if phase else 0.0
        share = (self.time - begin) / max(1e-9, until - begin)
        full = self._plan.force_n
        asked = {ContactState.RAMP: full * share, ContactState.HOLD: full, ContactState.RELEASE: full * (1 - share)}
        breathing = 0.003 * full * np.sin(2 * np.pi * 0.25 * self.time)
        target = asked.get(state, 0.0)
        self._force += (target - self._force) * 0.02
        self.force_true = self._force + (breathing if target else 0.0)
        tick["time"], tick["contact_state"] = self.time, state
        tick["force_asked"] = tick["force_reference"] = target
        tick["force_true"] = self.force_true
        tick["force_measured"] = self.force_true + 0.1 * self._random.standard_normal()
        tick["depth"] = 0.0168 * np.log1p(0.28 * max(0.0, self.force_true)) / np.log1p(11.2)
        sway = 3 * np.sin(0.4 * self.time + np.arange(7)) * (1, 2, 1, 1, 0.5, 0.2, 0.05)
        tick["torque"] = np.array((4, 62, 6, -38, 2, 5, 0.2)) + sway
        tick["torque"] += self._force * np.array((0.1, 0.3, 0.05, 0.25, 0, 0.05, 0))
        tick["torque_share"] = np.max(np.abs(tick["torque"]) / LIMITS)
        tick["tcp_quaternion"] = tick["set_point_quaternion"] = (1, 0, 0, 0)
        tick["press_direction"] = (0, 0, -1)
        self.contact_state = state
        self._done += 1

    told: tuple[str, ...] = ()
    thresholds_kpa: Mapping[str, float] = MappingProxyType({})

    def picture(self) -> bytes:
        return PNG

    def close(self) -> None:
        self.closed = True


def fake_simulate(plan: PressPlan, *, gui: bool = False) -> FakeSimulation:
    return FakeSimulation(plan)


@pytest.fixture
def simulate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., FakeSimulation]]:
    """Puts the fake in the place of `massage_arm.sim.runs`."""
    module = types.ModuleType("massage_arm.sim.runs")
    module.simulate = fake_simulate  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "massage_arm.sim.runs", module)
    yield fake_simulate


@pytest.fixture
def finished_run(tmp_path: Path) -> Path:
    """The folder of a short fake run, without its report."""
    from massage_arm.app.run import press

    press(PressPlan(hold_s=1.0, ramp_s=1.0, release_s=1.0), tmp_path / "run", fake_simulate)
    return tmp_path / "run"
