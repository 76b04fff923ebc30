"""Figures of the nodes, measured on real processes over DDS: `python -m massage_arm_ros.figures kills --runs 5`.

All times are of the arm's own clock, which goes slower where the machine is too slow for real time.
"""

from __future__ import annotations

import json
import math
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Any

import numpy as np
import rclpy
import typer
from massage_arm.control.figure import Figure, spell
from massage_arm.control.plan import PressPlan
from massage_arm.native import ContactState, ControllerSettings, InputError
from massage_arm.sim.press import PressSimulation
from massage_msgs.action import RunMassage
from massage_msgs.msg import ArmStatus, ControllerStatus, Safety
from numpy.typing import NDArray
from rclpy.node import Node

from .messages import NEWEST, seconds
from .performance import SENSOR_TIMEOUT
from .process import keep_to_this_machine
from .rehearsal import ADAPTED_HZ, CONTROL_HZ, Hand, Parts, offered

Floats = NDArray[np.float64]

PRESS = PressPlan(force_n=40.0, ramp_s=1.0, hold_s=60.0, control_hz=CONTROL_HZ)
UNLOADED_N = 5.0
_HELD_S = 0.5  # of the arm's clock in hold before something is done to a process
_AFTER_S = 1.5  # for which it is watched then
_PATIENCE_S = 45.0  # of this machine's clock, for all of it
_TRIES = 3  # a shared machine now and then stops a process for 0.3 s, and then the press rightly ends before it is held
_Arm = Annotated[str | None, typer.Option(help="Play the driver of this arm: a profile by name or file.")]
_Command = Annotated[str | None, typer.Option(help="How it is commanded: set_points or effort.")]
_PlayedBy = Annotated[str, typer.Option(help="The simulated arm that plays it.")]
app = typer.Typer(help=__doc__, no_args_is_help=True)


class How(StrEnum):
    """What happens to a process."""

    KILL = "kill"
    FREEZE = "freeze"


@dataclass(frozen=True)
class Kill:
    """What followed when a process died or froze while 40 N were pressed."""

    part: str
    how: How
    unloaded_s: float
    """Until less than 5 N were left, for good; inf: never."""
    latched: bool
    """Nothing was pressed again, not even when a frozen process went on."""
    cause: str
    """What was told."""


class Watch(Node):
    """Listens to arm and controller."""

    hand: Hand
    """The stop input."""
    goal: Any
    """Future of the handle of the goal."""

    def __init__(self, truth: str = "arm/status") -> None:
        """`truth`: the topic on which the simulated arm tells its force."""
        super().__init__("watch")
        self.forces: list[tuple[float, float]] = []
        """(time, true force)."""
        self.statuses: list[tuple[float, float, float, int]] = []
        """(time, force asked for, age of the set-point, contact state)."""
        self.arm_text = self.cause_text = self.safety_text = ""
        self.create_subscription(ArmStatus, truth, self._hear_truth, 10)
        self.create_subscription(ArmStatus, "arm/status", self._hear_status, 10)
        self.create_subscription(ControllerStatus, "controller/status", self._hear_controller, NEWEST)
        self.create_subscription(Safety, "safety", self._hear_safety, NEWEST)

    def _hear_safety(self, message: Safety) -> None:
        self.safety_text = message.text

    @property
    def now(self) -> float:
        """The arm's clock, s."""
        return self.forces[-1][0] if self.forces else 0.0

    def until(self, time_s: float) -> None:
        """Listen until the arm's clock says `time_s`. Raises InputError where it does not get there."""
        patience = time.monotonic() + _PATIENCE_S
        while self.now < time_s:
            if time.monotonic() > patience:
                raise InputError(f"the arm's clock stands at {self.now:.2f} s")
            rclpy.spin_once(self, timeout_sec=0.05)

    def until_commanded(self) -> None:
        """Listen until the controller holds the arm."""
        patience = time.monotonic() + _PATIENCE_S
        while not self.statuses:
            if time.monotonic() > patience:
                raise InputError(f"the arm was not held within {_PATIENCE_S:g} s: {self.arm_text}")
            rclpy.spin_once(self, timeout_sec=0.05)

    def until_held(self) -> None:
        """Listen until the force has been held for a while."""
        patience, since = time.monotonic() + _PATIENCE_S, math.inf
        while self.now < since + _HELD_S:
            if time.monotonic() > patience:
                raise InputError(f"nothing was held within {_PATIENCE_S:g} s: {self.cause_text or self.arm_text}")
            rclpy.spin_once(self, timeout_sec=0.05)
            if since == math.inf and self.statuses and self.statuses[-1][3] == ContactState.HOLD:
                since = self.now

    def _hear_truth(self, message: ArmStatus) -> None:
        self.forces.append((seconds(message.header.stamp), message.force_true))

    def _hear_status(self, message: ArmStatus) -> None:
        self.arm_text = message.text

    def _hear_controller(self, message: ControllerStatus) -> None:
        at = seconds(message.header.stamp)
        self.statuses.append((at, message.force_asked, message.set_point_age, message.contact_state))
        self.cause_text = message.cause_text


@contextmanager
def pressing(
    domain: int, plan: PressPlan = PRESS, arm: str | None = None, command: str | None = None
) -> Iterator[tuple[Parts, Watch]]:
    """All processes of a press, which has begun."""
    keep_to_this_machine()
    os.environ["ROS_DOMAIN_ID"] = str(domain)
    rclpy.init()
    watch = Watch("simulated_arm/status" if arm else "arm/status")
    try:
        with Parts(plan, domain, arm=arm, command=command) as parts, Hand(watch) as hand:
            watch.hand = hand
            watch.goal = offered(watch, parts).send_goal_async(RunMassage.Goal())
            yield parts, watch
    finally:
        watch.destroy_node()
        rclpy.shutdown()


@contextmanager
def held(
    domain: int, plan: PressPlan = PRESS, arm: str | None = None, command: str | None = None
) -> Iterator[tuple[Parts, Watch]]:
    """All processes of a press whose force is held; InputError when this machine does not get there in three tries."""
    for left in reversed(range(_TRIES)):
        with pressing(domain, plan, arm, command) as (parts, watch):
            try:
                watch.until_held()
            except InputError:
                if not left:
                    raise
                continue
            yield parts, watch
            return


def played(arm: str | None, played_by: str) -> PressPlan:
    """The press of the figures, with an adapter between if a profile's driver is played."""
    return PRESS if arm is None else replace(PRESS, arm=played_by, control_hz=ADAPTED_HZ)


def kill(
    part: str, how: How, domain: int, arm: str | None = None, command: str | None = None, played_by: str = "panda"
) -> Kill:
    """Kill or freeze a process of a press at 40 N, and see what becomes of the force."""
    with held(domain, played(arm, played_by), arm, command) as (parts, watch):
        at, process = watch.now, parts.processes[part]
        process.send_signal(signal.SIGKILL if how is How.KILL else signal.SIGSTOP)
        watch.until(at + _AFTER_S)
        cause = "; ".join(filter(None, (watch.safety_text, watch.cause_text, watch.arm_text)))
        if how is How.FREEZE:
            process.send_signal(signal.SIGCONT)
            watch.until(watch.now + _AFTER_S)
        after = [(t - at, force) for t, force in watch.forces if t > at]
        loaded = [t for t, force in after if force >= UNLOADED_N]
        unloaded = max(loaded, default=0.0)
        again = [t for t, force in after if t > _AFTER_S and force >= UNLOADED_N]
        return Kill(part, how, unloaded if after[-1][1] < UNLOADED_N else math.inf, not again and bool(cause), cause)


def compare(
    domain: int, hold_s: float = 60.0, arm: str | None = None, command: str | None = None, played_by: str = "panda"
) -> list[Figure]:
    """The same press in one process and over DDS: RMS error of the true force while it is held."""
    plan = replace(played(arm, played_by), hold_s=hold_s)
    began = time.monotonic()
    with pressing(domain, plan, arm, command) as (_, watch):
        watch.until_commanded()
        started = time.monotonic() - began
        watch.until_held()
        watch.until(watch.now + hold_s - 2.0 * _HELD_S)
        forces, statuses = np.array(watch.forces), np.array(watch.statuses)
    held = statuses[statuses[:, 3] == ContactState.HOLD]
    true = np.interp(held[:, 0], forces[:, 0], forces[:, 1])
    over_dds = float(np.sqrt(np.mean((true - held[:, 1]) ** 2)))
    in_process = _in_process(plan)
    ages = statuses[:, 2][~np.isnan(statuses[:, 2])]
    return [
        Figure("ros.rms_in_process", "N", in_process),
        Figure("ros.rms_over_dds", "N", over_dds),
        Figure("ros.rms_difference", "N", abs(over_dds - in_process), 0.1),
        Figure("ros.set_point_age_p999", "s", float(np.quantile(ages, 0.999)), 0.02),
        Figure("ros.start", "s", started, 10.0),
    ]


def _in_process(plan: PressPlan) -> float:
    simulation = PressSimulation(plan, pictured=False, settings=ControllerSettings(sensor_timeout=SENSOR_TIMEOUT))
    errors = []
    while simulation.advance(CONTROL_HZ // 100) is not None:  # read as often as the nodes tell
        if simulation.contact_state is ContactState.HOLD:
            errors.append(simulation.pressing_n - simulation.controller.status.force_reference)
    simulation.close()
    return float(np.sqrt(np.mean(np.square(errors))))


@app.command("kills")
def kills_command(
    runs: Annotated[int, typer.Option(min=1, help="Of each process and each way to go.")] = 5,
    arm: _Arm = None,
    command: _Command = None,
    played_by: _PlayedBy = "panda",
    domain: Annotated[int, typer.Option(min=0, max=101, help="ROS_DOMAIN_ID.")] = 78,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")] = False,
) -> None:
    """Kill and freeze controller, session, supervisor, and an adapter, at 40 N, again and again."""
    done = []
    for number in range(runs):
        for part in ("controller", "session", "supervisor", *(("arm_adapter",) if arm else ())):
            for how in How:
                done.append(kill(part, how, domain, arm, command, played_by))
                if not as_json:
                    one = done[-1]
                    print(
                        f"{number + 1}/{runs} {part} {how}: below {UNLOADED_N:g} N after {one.unloaded_s:.3f} s, "
                        f"{'latched' if one.latched else 'NOT LATCHED'}: {one.cause}",
                        flush=True,
                    )
    slowest = []
    for part, how in sorted({(one.part, one.how) for one in done}):
        longest = max(one.unloaded_s for one in done if (one.part, one.how) == (part, how))
        slowest.append(Figure(f"ros.{part}_{how}_unloaded", "s", longest, 0.3))
    _show([*slowest, Figure("ros.not_latched", "1", float(sum(not k.latched for k in done)), 0.0)], as_json)


@app.command("compare")
def compare_command(
    hold_s: Annotated[float, typer.Option(min=5.0, max=90.0, help="s for which 40 N are held.")] = 60.0,
    arm: _Arm = None,
    command: _Command = None,
    played_by: _PlayedBy = "panda",
    domain: Annotated[int, typer.Option(min=0, max=101, help="ROS_DOMAIN_ID.")] = 79,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")] = False,
) -> None:
    """The same press in one process and over DDS."""
    _show(compare(domain, hold_s, arm, command, played_by), as_json)


def _show(figures: list[Figure], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"figures": [figure.as_dict() for figure in figures]}, indent=2))
    else:
        for figure in figures:
            goal = "" if figure.goal is None else f"goal {spell(figure.goal, figure.unit)}"
            print(f"{figure.name:32} {spell(figure.value, figure.unit):>12}  {goal}")
    raise typer.Exit(1 if any(figure.met is False for figure in figures) else 0)


if __name__ == "__main__":
    app()
