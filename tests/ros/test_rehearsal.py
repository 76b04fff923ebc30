"""Real nodes in real processes over DDS: a press by action, and what becomes of the force when one of them is gone."""

import json
import math
import os
import re
import socket
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
from action_msgs.msg import GoalStatus
from geometry_msgs.msg import WrenchStamped
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from massage_arm.control.plan import PressPlan, plan_yaml
from massage_arm.native import GuardLimits, InputError, SetPoint, Task
from massage_arm_ros.controller import misdated
from massage_arm_ros.figures import PRESS, How, held, kill, pressing
from massage_arm_ros.messages import NEWEST, set_point_message
from massage_arm_ros.process import keep_to_this_machine
from massage_arm_ros.recorder import TOPICS
from massage_arm_ros.rehearsal import Parts, rehearsable
from massage_arm_ros.simulated_arm import refusal
from massage_arm_ros.stage import set_stage
from massage_msgs.action import RunMassage
from massage_msgs.msg import JointEffort, StopInput
from massage_msgs.srv import Activate, Relimit, Tare
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from rclpy.action import ActionClient


def rehearse(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "massage_arm_ros.rehearsal", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=150)


def test_a_press_by_action_ends_as_its_plan_says(tmp_path: Path, domain: int) -> None:
    file = tmp_path / "press.yaml"
    file.write_text(plan_yaml(PressPlan(force_n=20.0, hold_s=1.0)))
    record = tmp_path / "all.mcap"
    done = rehearse(str(file), "--record", str(record), "--domain", str(domain), "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["done"] and shown["text"] == "" and 6.0 < shown["seconds"] < 20.0
    steps = [line.split("start: ")[1] for line in done.stderr.splitlines() if "start: " in line]
    assert steps[0] == "the arm is heard" and "the controller holds the arm" in steps
    forces, counts = [], dict.fromkeys(TOPICS, 0)
    with record.open("rb") as stream:
        for _, channel, _, message in make_reader(stream, decoder_factories=[DecoderFactory()]).iter_decoded_messages():
            counts[channel.topic.removeprefix("/")] += 1
            if channel.topic == "/arm/status":
                forces.append(message.force_true)
    assert [topic for topic, count in counts.items() if not count] == ["arm/target"], "of another kind of arm"
    assert counts["arm/joint_states"] > 400 * shown["seconds"]
    assert 19.0 < max(forces) < 22.0 and forces[-1] < 1.0


def test_a_record_that_is_there_is_not_written_over(tmp_path: Path, domain: int) -> None:
    record = tmp_path / "all.mcap"
    record.write_bytes(b"mine")
    done = rehearse("trigger_point_3_steps", "--record", str(record), "--domain", str(domain))
    assert done.returncode == 2 and "is there already" in done.stderr and "Traceback" not in done.stderr
    assert record.read_bytes() == b"mine"


def test_what_may_not_be_done_is_refused_before_anything_starts(tmp_path: Path, domain: int) -> None:
    file = tmp_path / "press.yaml"
    file.write_text(plan_yaml(PressPlan(force_n=400.0)))
    done = rehearse(str(file), "--domain", str(domain))
    assert done.returncode == 2 and "force_n: 400 N is not allowed" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("part", "how", "cause"),
    [
        ("controller", How.KILL, "torques stopped coming"),
        ("controller", How.FREEZE, "torques stopped coming"),
        ("session", How.KILL, "session is silent"),
        ("supervisor", How.FREEZE, "the supervisor is silent"),
    ],
)
def test_whoever_dies_or_freezes_the_force_is_let_out(part: str, how: How, cause: str, domain: int) -> None:
    found = kill(part, how, domain)
    assert found.unloaded_s < 0.5  # the figure is 0.3; a shared machine gets some room
    assert found.latched and cause in found.cause


def test_a_goal_is_one_at_a_time_and_can_be_cancelled_under_load(domain: int) -> None:
    with held(domain, replace(PRESS, force_n=20.0)) as (_, watch):
        client = ActionClient(watch, RunMassage, "run_massage")
        assert client.wait_for_server(10.0)
        again = client.send_goal_async(RunMassage.Goal())
        rclpy.spin_until_future_complete(watch, again, timeout_sec=10.0)
        assert not again.result().accepted
        cancelled = watch.goal.result().cancel_goal_async()
        result = watch.goal.result().get_result_async()
        rclpy.spin_until_future_complete(watch, result, timeout_sec=20.0)
        assert cancelled.done() and result.result().status == GoalStatus.STATUS_CANCELED
        forces = [force for _, force in watch.forces]
        assert max(forces) < 22.0 and abs(forces[-1]) < 1.0
        assert watch.cause_text == "" and watch.arm_text == ""


@pytest.mark.parametrize("topic", ["controller/set_point", "arm/wrench"])
def test_a_second_sender_ends_the_press_and_is_named(topic: str, domain: int) -> None:
    with held(domain, replace(PRESS, force_n=20.0)) as (_, watch):
        harder = SetPoint()
        harder.force, harder.force_rate, harder.task = 60.0, 60.0, Task.PRESS
        message = WrenchStamped() if topic == "arm/wrench" else set_point_message(harder, watch.now, "base")
        intruder = watch.create_publisher(type(message), topic, NEWEST)
        since = watch.now
        while watch.now < since + 1.5:
            intruder.publish(message)
            watch.until(watch.now + 0.005)
        assert f"two publishers on {topic}" in watch.cause_text
        assert watch.forces[-1][1] < 5.0
        assert max(force for _, force in watch.forces) < 24.0


def test_nothing_is_changed_while_it_presses(domain: int) -> None:
    """Whoever activates, tares, lifts the limits or deactivates under load would make it press more, or drop it."""
    with held(domain, replace(PRESS, force_n=20.0)) as (_, watch):

        def ask(kind: Any, name: str, request: Any) -> Any:
            client = watch.create_client(kind, name)
            assert client.wait_for_service(10.0)
            future = client.call_async(request)
            rclpy.spin_until_future_complete(watch, future, timeout_sec=10.0)
            return future.result()

        limits = {name: float(value) for name, value in asdict(GuardLimits()).items()}
        more = Relimit.Request(force_max=70.0, names=list(limits), values=list(limits.values()))
        for answer in (
            ask(Activate, "controller/activate", Activate.Request()),
            ask(Tare, "controller/tare", Tare.Request(wrench=np.array([0.0, 0.0, -20.0, 0.0, 0.0, 0.0]))),
            ask(Relimit, "controller/relimit", more),
        ):
            assert not answer.done and "on its way to, on or from the body" in answer.text
        off = ChangeState.Request()
        off.transition.id = Transition.TRANSITION_DEACTIVATE
        assert not ask(ChangeState, "controller/change_state", off).success
        watch.until(watch.now + 0.5)
        assert abs(watch.forces[-1][1] - 20.0) < 1.5 and watch.cause_text == ""


def test_a_controller_alone_is_never_active(domain: int) -> None:
    """Nor does configuring it anew, or ending it in any state, go wrong."""
    node = None
    keep_to_this_machine()
    os.environ["ROS_DOMAIN_ID"] = str(domain)
    rclpy.init()
    try:
        node = rclpy.create_node("tester")
        with Parts(PRESS, domain, parts=("controller",)) as parts:
            client = node.create_client(ChangeState, "controller/change_state")
            assert client.wait_for_service(30.0)

            def change(transition: int) -> bool:
                request = ChangeState.Request()
                request.transition.id = transition
                future = client.call_async(request)
                rclpy.spin_until_future_complete(node, future, timeout_sec=20.0)
                return bool(future.result().success)

            assert not change(Transition.TRANSITION_ACTIVATE)
            for _ in range(2):
                assert change(Transition.TRANSITION_CONFIGURE)
                assert not change(Transition.TRANSITION_ACTIVATE)  # no arm is there
                assert change(Transition.TRANSITION_CLEANUP)
            assert not parts.dead
            assert change(Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.shutdown()


@pytest.mark.parametrize(
    ("asked_at", "valid_until", "said"),
    [
        (10.0, 10.1, ""),
        (10.04, 10.14, ""),
        (10.06, 10.16, "ahead of the arm's clock"),
        (1e9, 1e9, "ahead of the arm's clock"),
        (10.0, 10.2, "good for 0.20 s"),
        (9.9, 1e9, "at most 0.1 s"),
        (math.nan, 10.1, "ahead of"),
        (10.0, math.nan, "good for nan"),
        (10.0, math.inf, "good for inf"),
    ],
)
def test_a_set_point_that_would_outlive_its_sender_is_refused(asked_at: float, valid_until: float, said: str) -> None:
    why = misdated(asked_at, valid_until, 10.0)
    assert said in why and bool(why) == bool(said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"faults": "sensor_cut@6.5"}, "faults: sensor_cut@6.5 is not allowed in a rehearsal"),
        ({"person": "nobody"}, "person: 'nobody' is not known"),
        ({"force_n": 400.0}, "force_n: 400 N is not allowed"),
    ],
)
def test_what_a_rehearsal_cannot_do_is_refused(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        set_stage(tmp_path, rehearsable(replace(PressPlan(), **change)))


def test_the_person_of_a_plan_stays_unless_another_is_named() -> None:
    plan = PressPlan(person="man_76_slim", force_n=10.0)
    assert rehearsable(plan, None).person == "man_76_slim"
    assert rehearsable(plan, "average").person == "average"


@pytest.mark.parametrize("what", ["pressed", "silent", "flooded"])
def test_a_stop_is_never_missed(what: str, domain: int) -> None:
    """Pressed, its line cut, or its messages pushed out by another hand that says all is well."""
    said = {"pressed": "a stop is asked for", "silent": "the stop input is silent", "flooded": "two publishers on stop"}
    with held(domain, replace(PRESS, force_n=20.0)) as (_, watch):
        if what == "pressed":
            watch.hand.stop = True
        if what == "silent":
            watch.hand.__exit__()
        if what == "flooded":
            intruder = watch.create_publisher(StopInput, "stop", 10)
            for _ in range(2000):
                intruder.publish(StopInput(stop=False))
        watch.until(watch.now + 2.0)
        assert said[what] in watch.cause_text
        assert watch.forces[-1][1] < 5.0


def test_a_second_sender_of_torques_is_not_followed_and_named(domain: int) -> None:
    with held(domain, replace(PRESS, force_n=20.0)) as (_, watch):
        watch.create_publisher(JointEffort, "arm/effort", NEWEST)
        watch.until(watch.now + 1.5)
        assert "two publishers on arm/effort" in watch.arm_text
        assert watch.forces[-1][1] < 5.0


@pytest.mark.parametrize(
    ("names", "effort", "age", "said"),
    [
        (["a", "b"], [1.0, 2.0], 0.02, ""),
        (["b", "a"], [1.0, 2.0], 0.02, "a, b is needed, in this order"),
        (["a", "b"], [1.0], 0.02, "1 torques of a, b"),
        (["a", "b"], [1.0, math.nan], 0.02, "no numbers"),
        (["a", "b"], [-math.inf, 2.0], 0.02, "no numbers"),
        (["a", "b"], [1.0, 2.0], 0.0401, "stopped coming 40 ms ago"),
        (["a", "b"], [1.0, 2.0], math.nan, "stopped coming"),
    ],
)
def test_torques_that_make_no_sense_are_refused(names: list[str], effort: list[float], age: float, said: str) -> None:
    why = refusal(JointEffort(names=names, effort=effort), ("a", "b"), age)
    assert said in why and bool(why) == bool(said)


def test_nodes_listen_on_this_machine_only(domain: int) -> None:
    with pressing(domain) as (parts, watch):
        watch.until(0.2)
        bound = {at for process in parts.processes.values() for at in bound_by(process.pid)}
    assert bound and all(at.startswith("127.") or at.startswith("239.255.") for at in bound), bound
    assert os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "SUBNET"


def bound_by(pid: int) -> set[str]:
    """Addresses of the UDP sockets of a process, as the kernel lists them."""
    links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    mine = {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}
    rows = [line.split() for line in Path(f"/proc/{pid}/net/udp").read_text().splitlines()[1:]]
    return {socket.inet_ntoa(bytes.fromhex(row[1][:8])[::-1]) for row in rows if row[9] in mine}
