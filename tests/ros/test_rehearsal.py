"""Real nodes in real processes over DDS: a press by action, and what becomes of the force when one of them is gone."""

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import rclpy
from action_msgs.msg import GoalStatus
from massage_arm.control.plan import PressPlan, plan_yaml
from massage_arm.native import SetPoint
from massage_arm_ros.figures import PRESS, How, kill, pressing
from massage_arm_ros.messages import NEWEST, set_point_message
from massage_arm_ros.recorder import TOPICS
from massage_arm_ros.simulated_arm import refusal
from massage_msgs.action import RunMassage
from massage_msgs.msg import JointEffort, StopInput
from massage_msgs.msg import SetPoint as SetPointMessage
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
    assert all(counts.values()), counts
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
    with pressing(domain, replace(PRESS, force_n=20.0)) as (_, watch):
        watch.until_held()
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


def test_a_second_sender_of_set_points_ends_the_press_and_is_named(domain: int) -> None:
    with pressing(domain) as (_, watch):
        watch.until_held()
        intruder = watch.create_publisher(SetPointMessage, "controller/set_point", NEWEST)
        intruder.publish(set_point_message(SetPoint(), watch.now, "base"))
        watch.until(watch.now + 1.5)
        assert "two publishers on controller/set_point" in watch.cause_text
        assert watch.forces[-1][1] < 5.0


@pytest.mark.parametrize("what", ["pressed", "silent", "flooded"])
def test_a_stop_is_never_missed(what: str, domain: int) -> None:
    """Pressed, its line cut, or its messages pushed out by another hand that says all is well."""
    said = {"pressed": "a stop is asked for", "silent": "the stop input is silent", "flooded": "two publishers on stop"}
    with pressing(domain, replace(PRESS, force_n=20.0)) as (_, watch):
        watch.until_held()
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
    with pressing(domain, replace(PRESS, force_n=20.0)) as (_, watch):
        watch.until_held()
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
        mine = {process.pid for process in parts.processes.values()}
        listed = subprocess.run(["ss", "-uapnH"], capture_output=True, text=True)
        if listed.returncode:
            pytest.skip("ss is not installed")
        bound = [line.split()[3] for line in listed.stdout.splitlines() if any(f"pid={pid}," in line for pid in mine)]
        assert bound and all(address.startswith(("127.0.0.1:", "239.255.0.1:", "127.")) for address in bound), bound
    assert os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "SUBNET"
