"""The whole performance on this machine: simulated arm, controller and session as processes, the plan as an action.

`python -m massage_arm_ros.rehearsal back_relaxing` prints every step of the start and how it goes on.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import rclpy
import typer
from action_msgs.msg import GoalStatus
from massage_arm.control.plan import PressPlan, SessionPlan, check_any, find_plan
from massage_arm.native import InputError
from massage_msgs.action import RunMassage
from massage_msgs.msg import StopInput
from rclpy.action import ActionClient
from rclpy.node import Node

from .process import keep_to_this_machine
from .stage import set_stage

PARTS = ("simulated_arm", "controller", "supervisor", "session")
"""Processes of a rehearsal."""
ADAPTED = ("simulated_driver", "arm_adapter", "controller", "supervisor", "session")
"""The same where a real arm's driver is played."""
CONTROL_HZ = 500
"""Cycles of the controller: what Python and DDS on two busy cores carry without losing more than a few in a hundred."""
ADAPTED_HZ = 250
"""The same with an adapter between; the springs are those of the controller beside the driver, at 1 kHz."""
START_S = 60.0
"""s until the action is offered: each process builds the person and the arm first."""
_END_S = 5.0


class Parts(AbstractContextManager["Parts"]):
    """The processes of a rehearsal, ended with it."""

    def __init__(
        self,
        plan: PressPlan | SessionPlan,
        domain: int,
        record: Path | None = None,
        arm: str | None = None,
        command: str | None = None,
        parts: Sequence[str] | None = None,
    ) -> None:
        """`record`: the file into which all that goes between them is recorded; `arm`: whose driver is played,
        and the kind of `command` that it takes, if not the one that it prefers.

        Raises InputError for what may not or cannot be done, before anything is started.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="rehearsal-")
        try:
            self.stage = set_stage(Path(self._folder.name), plan, arm, command)
        except BaseException:
            self._folder.cleanup()
            raise
        parts = parts or (ADAPTED if arm else PARTS)
        environment = os.environ | {"ROS_DOMAIN_ID": str(domain), "ROS_LOG_DIR": self._folder.name}
        self.processes = {}
        if record is not None:
            self.processes["recorder"] = _start("recorder", {"file": record}, environment)
        for part in parts:
            plan_file = self.stage.plan if part.startswith("simulated") else self.stage.known
            given = {"plan": plan_file, "station": self.stage.station}
            self.processes[part] = _start(part, given, environment)

    @property
    def dead(self) -> str:
        """Those that ended by themselves, with their exit codes; empty: none."""
        codes = {part: process.poll() for part, process in self.processes.items()}
        return ", ".join(f"{part} ended with exit code {code}" for part, code in codes.items() if code is not None)

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
        self._folder.cleanup()


def _start(part: str, parameters: dict[str, Path], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    given = [word for name, value in parameters.items() for word in ("-p", f"{name}:={value}")]
    command = [sys.executable, "-m", f"massage_arm_ros.{part}", "--ros-args", *given]
    return subprocess.Popen(command, env=environment, stdout=sys.stderr)


class Hand(AbstractContextManager["Hand"]):
    """The stop input of a rehearsal: says 20 times a second that nothing is to be stopped, until `stop`."""

    def __init__(self, node: Node) -> None:
        self.stop = False
        self._over = threading.Event()
        self._says = node.create_publisher(StopInput, "stop", 10)
        self._thread = threading.Thread(target=self._hold, daemon=True)
        self._thread.start()

    def _hold(self) -> None:
        while not self._over.wait(0.05):
            self._says.publish(StopInput(stop=self.stop))

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def offered(node: Node, parts: Parts) -> ActionClient:
    """A client of the action, once it is offered; InputError where it is not."""
    client = ActionClient(node, RunMassage, "run_massage")
    until = time.monotonic() + START_S
    while not client.server_is_ready():
        if parts.dead:
            raise InputError(parts.dead)
        if time.monotonic() > until:
            raise InputError(f"nobody offers run_massage within {START_S:g} s")
        rclpy.spin_once(node, timeout_sec=0.05)
    return client


def run_by_action(node: Node, parts: Parts, on_feedback: Any = None) -> tuple[int, RunMassage.Result]:
    """Ask for the session and wait for its end: (status of the goal, result). InputError where it does not begin."""
    client = offered(node, parts)
    goal = client.send_goal_async(RunMassage.Goal(), feedback_callback=on_feedback)
    rclpy.spin_until_future_complete(node, goal)
    handle = goal.result()
    if handle is None or not handle.accepted:
        raise InputError("run_massage was refused; the session's log says why")
    result = handle.get_result_async()
    while not result.done():
        rclpy.spin_once(node, timeout_sec=0.05)
        if parts.dead:
            raise InputError(parts.dead)
    answer = result.result()
    assert answer is not None
    return int(answer.status), answer.result


def rehearsable(
    plan: PressPlan | SessionPlan, person: str | None = None, arm: str | None = None, body: str | None = None
) -> PressPlan | SessionPlan:
    """The plan as it is rehearsed on `person`; InputError for what it may not, or what no node does yet.

    `arm`: the profile whose driver is played; `body`: the simulated arm that plays it.
    """
    if plan.faults:
        raise InputError(f"faults: {plan.faults} is not allowed in a rehearsal; massage-arm run takes it")
    control_hz = CONTROL_HZ if arm is None else ADAPTED_HZ
    plan = replace(plan, person=person or plan.person, arm=body or plan.arm, control_hz=control_hz)
    check_any(plan)
    return plan


def main(
    what: Annotated[str, typer.Argument(help="A session or profile by name, or a plan's file.")] = "back_relaxing",
    person: Annotated[str | None, typer.Option(help="A body, or SEED/NUMBER of a population; else the plan's.")] = None,
    record: Annotated[Path | None, typer.Option(help="A new MCAP file for all that goes between the nodes.")] = None,
    arm: Annotated[str | None, typer.Option(help="Play the driver of this arm: a profile by name or file.")] = None,
    played_by: Annotated[str | None, typer.Option(help="The simulated arm that plays; else the plan's.")] = None,
    command: Annotated[str | None, typer.Option(help="How it is commanded: set_points or effort.")] = None,
    look: Annotated[bool, typer.Option(help="An onlooker, too: /diagnostics, and markers for RViz.")] = False,
    domain: Annotated[int, typer.Option(min=0, max=101, help="ROS_DOMAIN_ID of the rehearsal.")] = 77,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")] = False,
) -> None:
    """Rehearse a session: simulated arm, controller and session as ROS 2 nodes, in real time, by action."""
    try:
        plan = rehearsable(find_plan(what), person, arm, played_by)
        keep_to_this_machine()
        os.environ["ROS_DOMAIN_ID"] = str(domain)
        rclpy.init()
        node = Node("rehearsal")
        names = (ADAPTED if arm else PARTS) + (("onlooker",) if look else ())
        with Parts(plan, domain, record, arm, command, names) as parts, Hand(node):
            status, result = run_by_action(node, parts, None if as_json else _Shown())
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    succeeded = status == GoalStatus.STATUS_SUCCEEDED
    if as_json:
        told = {"done": succeeded, "text": result.text, "seconds": result.seconds, "told": list(result.told)}
        print(json.dumps(told, indent=2))
    else:
        print(f"{'done' if succeeded else 'ended'} after {result.seconds:.1f} s {result.text}")
    raise typer.Exit(0 if succeeded else 1)


class _Shown:
    """Prints what is new, and once a second how it goes."""

    def __init__(self) -> None:
        self._told, self._second = "", -1

    def __call__(self, message: Any) -> None:
        now = message.feedback
        if now.told != self._told:
            self._told = now.told
            print(now.told, flush=True)
        if int(now.seconds) > self._second:
            self._second = int(now.seconds)
            print(
                f"{now.seconds:6.1f} s  {now.state:9} {now.contact:9} asked {now.force_asked:5.1f} N, "
                f"measured {now.force_measured:5.1f} N",
                flush=True,
            )


def entry(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the command."""
    typer.run(main)


if __name__ == "__main__":
    entry()
