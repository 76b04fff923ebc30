"""What an onlooker makes of messages: silence is never good news, and nothing is drawn that is no number."""

import math
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rclpy
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from massage_arm.control.plan import PressPlan
from massage_arm.native import Cause, ContactState, Level, Limit, Status
from massage_arm_ros.diagnostics import ERROR, OK, STALE, STALE_S, WARN, Arrivals, Coming, Known, diagnose, status_of
from massage_arm_ros.markers import AMBER, FELT_N, GREEN, GREY, M_PER_N, RED, markers
from massage_arm_ros.messages import status_message
from massage_arm_ros.process import keep_to_this_machine
from massage_arm_ros.rehearsal import rehearsable
from massage_arm_ros.stage import set_stage
from massage_msgs.msg import ArmStatus, Heartbeat, Safety, SessionState
from visualization_msgs.msg import Marker, MarkerArray

GOOD = Coming(rate_hz=100.0, longest_s=0.012, silent_s=0.004)
GONE = Coming(rate_hz=0.0, longest_s=9.0, silent_s=9.0)
NEVER = Coming(rate_hz=0.0, longest_s=math.inf, silent_s=math.inf)


def status(force: float = 20.0, level: Level = Level.NONE, causes: int = 0, limited: int = 0) -> Status:
    """Pressing downwards at a place, as the controller would tell it."""
    made = Status(7)
    made.values[0], made.values[1] = ContactState.HOLD, causes
    made.position[:], made.quaternion[:] = (0.5, 0.1, 0.3), (1.0, 0.0, 0.0, 0.0)
    made.set_position[:], made.set_quaternion[:] = (0.5, 0.1, 0.29), (1.0, 0.0, 0.0, 0.0)
    made.press_direction[:] = (0.0, 0.0, -1.0)
    # The scalars have no setters: where each of them is, is asked of the record itself.
    for name, value in (("force_measured", force), ("force_reference", 20.0), ("level", level), ("limited", limited)):
        made.values[index_of(name)] = value
    return made


def index_of(name: str) -> int:
    """Of a number in the record of the compiled core."""
    probe = Status(7)
    for i in range(len(probe.values)):
        probe.values[:] = 0.0
        probe.values[i] = 1.0
        if getattr(probe, name) == 1.0:
            return i
    raise AssertionError(name)


def all_well() -> Known:
    return Known(
        nodes=dict.fromkeys(("arm", "controller", "session", "supervisor"), GOOD),
        joints=GOOD,
        statuses=GOOD,
        states=GOOD,
        arm=ArmStatus(ready=True, command_age=0.002, force_true=math.nan),
        controller=status_message(status(), 1.0, 0.01),
        session=SessionState(state="running", text="effleurage", force_asked=20.0, force_measured=19.9),
        safety=Safety(stop=False),
    )


def told(known: Known) -> dict[str, tuple[int, str, dict[str, str]]]:
    array = diagnose(known, "fr3", Time(sec=5))
    assert array.header.stamp.sec == 5 and all(one.hardware_id == "fr3" for one in array.status)
    return {
        one.name.removeprefix("massage: "): (one.level[0], one.message, {pair.key: pair.value for pair in one.values})
        for one in array.status
    }


def test_levels_are_those_of_the_message() -> None:
    names = (DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR, DiagnosticStatus.STALE)
    assert [level[0] for level in names] == [OK, WARN, ERROR, STALE]


def test_all_is_well_with_numbers_and_their_units() -> None:
    found = told(all_well())
    assert {name: level for name, (level, _, _) in found.items()} == dict.fromkeys(found, OK)
    assert set(found) == {"arm", "controller", "session", "supervisor"}
    values = found["controller"][2]
    assert values["force measured [N]"] == "20.00" and values["age of set-point [ms]"] == "10.0"
    assert values["rate [Hz]"] == "100.0" and values["contact"] == "hold"
    assert "true force [N]" not in found["arm"][2]  # of a real arm nobody knows it: it is not shown as 0


@pytest.mark.parametrize("name", ["arm", "controller", "session", "supervisor"])
def test_a_node_that_is_silent_is_stale_and_nothing_of_before_is_told(name: str) -> None:
    known = all_well()
    found = told(replace(known, nodes={**known.nodes, name: GONE}))
    level, text, values = found[name]
    assert (level, text, list(values)) == (STALE, "silent for 9.0 s", ["silent for [s]"])
    assert [other for other in found if found[other][0] != OK] == [name]
    nobody = told(Known({}, NEVER, NEVER, NEVER))
    assert nobody[name][:2] == (STALE, "has not been heard")


def test_whoever_else_is_heard_is_told_of_too() -> None:
    known = all_well()
    assert told(replace(known, nodes={**known.nodes, "body_scan": GONE}))["body_scan"][0] == STALE


@pytest.mark.parametrize(
    ("change", "name", "level", "text"),
    [
        ({"arm": ArmStatus(ready=False, text="torques stopped coming")}, "arm", ERROR, "not ready: torques stopped"),
        ({"joints": GONE}, "arm", ERROR, "no joint states come"),
        ({"safety": Safety(stop=True, text="session is silent")}, "supervisor", ERROR, "stop: session is silent"),
        ({"session": SessionState(state="faulted", text="over force")}, "session", ERROR, "faulted: over force"),
        ({"session": SessionState(state="paused")}, "session", WARN, "paused"),
        ({"states": GONE}, "session", OK, "waits for a goal; the last one ended running"),
        ({"statuses": GONE}, "controller", OK, "not active"),
        (
            {"controller": status_message(status(level=Level.DROP, causes=Cause.OVER_CAP), 1.0, 0.01)},
            "controller", ERROR, "drop: over cap",
        ),
        ({"controller": status_message(status(), 1.0, 0.01, "two publishers")}, "controller", ERROR, "two publishers"),
        ({"controller": status_message(status(), 1.0, 0.06)}, "controller", WARN, "60 ms old; 100 ms is allowed"),
        ({"controller": status_message(status(math.nan), 1.0, 0.01)}, "controller", ERROR, "is no number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_node_and_nowhere_else(
    change: dict[str, object], name: str, level: int, text: str
) -> None:
    found = told(replace(all_well(), **change))  # type: ignore[arg-type]
    assert found[name][0] == level and text in found[name][1], found[name]
    assert all(found[other][0] == OK for other in found if other != name)


def test_a_controller_that_was_deactivated_still_tells_why_it_let_go() -> None:
    let_go = status_message(status(level=Level.DROP, causes=Cause.OVER_FORCE), 1.0, 0.01)
    level, text, values = told(replace(all_well(), statuses=GONE, controller=let_go))["controller"]
    assert (level, text) == (ERROR, "not active; it let go: over force")
    assert "force measured [N]" not in values  # an old force is no force


def test_a_status_of_another_version_is_refused_and_not_read_wrongly() -> None:
    other = status_message(status(), 1.0, 0.01)
    other.values = list(other.values)[:-1]
    assert status_of(other) is None
    level, text, _ = told(replace(all_well(), controller=other))["controller"]
    assert level == ERROR and "another version" in text


def test_a_short_silence_that_could_have_stopped_is_a_warning() -> None:
    known = all_well()
    found = told(replace(known, nodes={**known.nodes, "session": replace(GOOD, longest_s=0.13)}))
    assert found["session"][0] == WARN and "was silent for 130 ms" in found["session"][1]


def test_arrivals_count_and_find_the_longest_wait_also_the_one_that_goes_on() -> None:
    arrivals = Arrivals(10.0)
    assert arrivals.coming(11.0).silent_s == math.inf
    for now in (11.2, 11.5, 11.6):
        arrivals.hear(now)
    coming = arrivals.coming(12.0)
    assert coming.rate_hz == pytest.approx(3.0)
    assert coming.longest_s == pytest.approx(0.4) and coming.silent_s == pytest.approx(0.4)
    assert arrivals.coming(12.0 + STALE_S).stale


def test_the_arrow_is_the_force_along_the_press_direction() -> None:
    found = {marker.ns: marker for marker in markers(status(25.0), [np.zeros(3), np.ones(3)], "base", True).markers}
    assert {marker.header.frame_id for marker in found.values()} == {"base"}
    start, end = found["force"].points
    assert (start.x, start.y, start.z) == pytest.approx((0.5, 0.1, 0.3))
    assert (end.x, end.y, end.z) == pytest.approx((0.5, 0.1, 0.3 - 25.0 * M_PER_N))
    assert found["text"].text == "25.0 N, asked 20.0 N" and found["force"].color == GREEN
    assert len(found["way"].points) == 2 and len(found["set_point"].points) == 6
    assert found["set_point"].points[5].z == pytest.approx(0.29 - 0.05)  # the tool's z points into the body


@pytest.mark.parametrize(
    ("what", "live", "shade", "text"),
    [
        (status(), True, GREEN, ""),
        (status(limited=Limit.TORQUE_RATE), True, AMBER, "torque rate"),
        (status(level=Level.DROP, causes=Cause.OVER_CAP), True, RED, "over cap"),
        (status(level=Level.DROP, causes=Cause.OVER_CAP), False, GREY, "old: nothing is heard"),
    ],
)
def test_colours_say_what_binds(what: Status, live: bool, shade: object, text: str) -> None:
    found = {marker.ns: marker for marker in markers(what, [], "base", live).markers}
    assert found["force"].color == shade and found["text"].color == shade
    assert text in found["text"].text


def test_what_is_no_number_or_too_small_is_taken_away_and_never_drawn() -> None:
    lost = status(math.nan)
    lost.set_position[1] = math.nan
    found = {marker.ns: marker for marker in markers(lost, [np.zeros(3)], "base", True).markers}
    assert {name for name, marker in found.items() if marker.action == Marker.DELETE} == {"force", "set_point", "way"}
    assert found["text"].text == "no number, asked 20.0 N"
    small = {marker.ns: marker for marker in markers(status(0.9 * FELT_N), [], "base", True).markers}
    assert small["force"].action == Marker.DELETE


def test_over_dds_it_tells_of_who_speaks_and_who_does_not(
    tmp_path: Path, domain: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = set_stage(tmp_path, rehearsable(PressPlan()))
    keep_to_this_machine()
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    command = [sys.executable, "-m", "massage_arm_ros.onlooker", "--ros-args", "-p", f"station:={stage.station}"]
    process = subprocess.Popen(command, env=os.environ | {"ROS_LOG_DIR": str(tmp_path)})
    rclpy.init()
    try:
        node = rclpy.create_node("others")
        reports: list[DiagnosticArray] = []
        drawn: list[MarkerArray] = []
        node.create_subscription(DiagnosticArray, "/diagnostics", reports.append, 10)
        node.create_subscription(MarkerArray, "markers", drawn.append, 10)
        beats = node.create_publisher(Heartbeat, "heartbeat", 10)
        statuses = node.create_publisher(type(status_message(status(), 1.0, 0.0)), "controller/status", 10)
        until = time.monotonic() + 12.0
        while time.monotonic() < until and not (reports and reports[-1].status[1].level != DiagnosticStatus.STALE):
            beats.publish(Heartbeat(node="controller"))
            statuses.publish(status_message(status(), 1.0, 0.01))
            rclpy.spin_once(node, timeout_sec=0.02)
        levels = {one.name: one.level[0] for one in reports[-1].status}
        assert levels.pop("massage: controller") in (OK, WARN)  # WARN: a busy machine was late
        assert levels == dict.fromkeys(("massage: arm", "massage: session", "massage: supervisor"), STALE)
        assert drawn and drawn[-1].markers[1].text == "20.0 N, asked 20.0 N"
    finally:
        process.terminate()
        assert process.wait(5.0) == 0
        rclpy.try_shutdown()
