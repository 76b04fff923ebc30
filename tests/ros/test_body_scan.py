"""A camera's clouds become a body as good as a scan in process; what is no scan of one person is named."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
from action_msgs.msg import GoalStatus
from massage_arm.control.body import load_body
from massage_arm.native import InputError
from massage_arm.sim.camera import Camera as Seeing
from massage_arm.sim.camera import Lying, feel_landmarks, look
from massage_arm.sim.scan import scan_person
from massage_arm_ros.body_scan import TOPIC, new_file, placed_camera, write_new
from massage_arm_ros.cloud_series import Camera, CloudSeries
from massage_arm_ros.messages import stamp
from massage_arm_ros.process import keep_to_this_machine
from massage_msgs.action import ScanBody
from rclpy.action import ActionClient
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2, PointField

NAME = "woman_38_average"
BODY = load_body(NAME)
LYING = Lying(x=0.03, y=-0.01, turn=0.03)
POSE_GIVEN = {"x_m": 0.36, "y_m": 0.05, "z_m": 1.1, "roll_deg": 178.0, "pitch_deg": 3.0, "yaw_deg": 90.0}
CAMERA = Camera.at("camera", np.array([*POSE_GIVEN.values()][:3]), np.array([*POSE_GIVEN.values()][3:]))


def seen(seed: int, lying: Lying = LYING) -> np.ndarray:
    """(N, 3) m, body frame; as few pixels as such a camera has, for a machine that others use, too."""
    return look(BODY, np.random.default_rng(seed), lying, Seeing(width=424, height=240, frames=30))


def message_of(points: np.ndarray, at: float = 10.0, frame: str = "camera") -> PointCloud2:
    """Points (N, 3) of the body frame as the camera sends them."""
    local = CAMERA.turn.inv().apply(points - CAMERA.place).astype("<f4")
    fields = [PointField(name=name, offset=4 * k, datatype=PointField.FLOAT32, count=1) for k, name in enumerate("xyz")]
    message = PointCloud2(
        height=1, width=len(local), fields=fields, point_step=12, row_step=12 * len(local), data=local.tobytes()
    )
    message.header.stamp, message.header.frame_id = stamp(at), frame
    return message


CLOUD = seen(1)
BRIEF = "2 s is less than a breath: the back is as high as it happened to be"


def series(length: float = 5.0) -> CloudSeries:
    return CloudSeries("body_cloud", CAMERA, 9.0, length)


def two_bodies() -> np.ndarray:
    back = CLOUD[(CLOUD[:, 2] > 0.05) & (np.abs(CLOUD[:, 1]) < 0.3)]
    return np.concatenate([CLOUD, back + np.array([0.0, 0.8, 0.0])])


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (CLOUD[:500], "finite points; 2000 or more"),
        (np.empty((0, 3)), "0 points; a cloud of 2000 or more"),
        (CAMERA.place + 1000.0 * (CLOUD - CAMERA.place), "m or more from the camera; .*may be millimetres"),
        (two_bodies(), "2 bodies.*one is allowed"),
        (CLOUD[CLOUD[:, 2] < 0.02], "no back in view"),
    ],
)
def test_a_cloud_that_is_no_scan_of_one_back_is_refused(points: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=f"^body_cloud: .*{said}") as raised:
        series().take(message_of(points), 10.1)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("at", "frame", "said"),
    [
        (10.0, "base", "frame_id 'base' is not allowed; 'camera', whose place is known, is"),
        (0.0, "camera", "without a time"),
        (11.0, "camera", "from 0.9 s ahead of this machine's clock; at most 0.5 s"),
    ],
)
def test_a_cloud_of_another_frame_or_time_is_refused(at: float, frame: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        series().take(message_of(CLOUD, at, frame), 10.1)


def test_old_clouds_do_not_count_and_are_told_when_nothing_else_came() -> None:
    one, marks = series(), feel_landmarks(BODY, np.random.default_rng(0), LYING)
    with pytest.raises(InputError, match="body_cloud: no cloud came within 5 s"):
        one.register("a", marks)
    one.take(message_of(CLOUD, 6.5), 9.1)
    assert one.clouds == 0
    with pytest.raises(InputError, match=r"only clouds from before .* the last 2\.5 s older"):
        one.register("a", marks)


def test_of_many_clouds_some_are_taken() -> None:
    one = series(5.0)
    for at in (9.1, 9.1, 9.2, 9.34, 9.36, 9.5, 9.62):  # at most one in a quarter of a second
        one.take(message_of(CLOUD, at), 10.0)
    assert one.clouds == 3


def test_somebody_who_moves_is_named() -> None:
    one = series()
    one.take(message_of(CLOUD, 9.5), 10.0)
    with pytest.raises(InputError, match="body_cloud: the person has moved"):
        one.take(message_of(seen(2, Lying(x=0.03, y=0.02, turn=0.03)), 10.0), 10.0)


def test_what_a_person_should_know_is_told() -> None:
    one = series(2.0)
    one.take(message_of(CLOUD[CLOUD[:, 2] > 0.04], 9.5), 10.0)
    assert len(one.warnings) == 3
    for told, word in zip(
        one.warnings, ("less than a breath", "one cloud only", "too little of the table"), strict=True
    ):
        assert word in told
    good = series(5.0)
    for at in (9.5, 10.0):
        good.take(message_of(CLOUD, at), 10.0)
    assert not good.warnings


@pytest.mark.parametrize("name", ["", "../anna", "a b", "a.npz", "/tmp/a"])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="letters, digits, _ and - are"):
        new_file(tmp_path, name)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    file = new_file(tmp_path, "anna")
    write_new(file, b"mine")
    with pytest.raises(InputError, match="is there already"):
        new_file(tmp_path, "anna")
    with pytest.raises(InputError, match=r"anna\.npz cannot be written \(File exists\)"):
        write_new(file, b"yours")
    assert file.read_bytes() == b"mine" and os.listdir(tmp_path) == ["anna.npz"]


def landmarks_file(folder: Path, marks: dict[str, np.ndarray]) -> Path:
    lines = [f"  {name}: [{1e3 * x:.2f}, {1e3 * y:.2f}]" for name, (x, y) in marks.items()]
    file = folder / "landmarks.yaml"
    file.write_text("\n".join(["schema: massage-arm/landmarks/1", "landmarks_mm:", *lines]))
    return file


def parameters(values: dict[str, Any]) -> list[str]:
    return [word for name, value in values.items() for word in ("-p", f"{name}:={value}")]


COMMAND = [sys.executable, "-m", "massage_arm_ros.body_scan", "--ros-args"]


@contextmanager
def scanning(folder: Path, domain: int) -> Iterator[tuple[Node, ActionClient]]:
    """A body_scan process, and a node beside it with a client."""
    keep_to_this_machine()
    os.environ["ROS_DOMAIN_ID"] = str(domain)
    given = parameters({"camera_frame": "camera", "folder": folder, **POSE_GIVEN})
    process = subprocess.Popen([*COMMAND, *given], env=os.environ | {"ROS_LOG_DIR": str(folder)})
    rclpy.init()
    node = rclpy.create_node("tester")
    try:
        client = ActionClient(node, ScanBody, "scan_body")
        assert client.wait_for_server(30.0)
        yield node, client
    finally:
        process.terminate()
        assert process.wait(10.0) == 0
        node.destroy_node()
        rclpy.shutdown()


def test_a_body_comes_out_as_good_as_of_a_scan_and_a_scan_can_be_cancelled(tmp_path: Path, domain: int) -> None:
    marks = {name: mark[:2] for name, mark in BODY.landmarks.items()}
    marks = {name: LYING.place(np.array([*mark, 0.0]))[:2] for name, mark in marks.items()}
    goal = ScanBody.Goal(seconds=2.0, name="anna", landmarks=str(landmarks_file(tmp_path, marks)))
    clouds = [message_of(seen(seed)) for seed in range(3)]
    told: list[Any] = []
    with scanning(tmp_path, domain) as (node, client):
        publisher = node.create_publisher(PointCloud2, TOPIC, 2)

        def until(done: Callable[[], bool]) -> None:
            for count in range(300):
                if done():
                    return
                message = clouds[count % len(clouds)]
                message.header.stamp = node.get_clock().now().to_msg()
                publisher.publish(message)
                rclpy.spin_once(node, timeout_sec=0.2)
            raise AssertionError("nothing came of it")

        def send() -> Any:
            sent = client.send_goal_async(goal, feedback_callback=told.append)
            until(sent.done)
            return sent.result()

        first = send()
        until(lambda: bool(told))
        assert not send().accepted  # one at a time
        first.cancel_goal_async()
        ended = first.get_result_async()
        until(ended.done)
        assert ended.result().status == GoalStatus.STATUS_CANCELED and not list(tmp_path.glob("anna*"))
        ended = send().get_result_async()
        until(ended.done)
        result = ended.result().result
        again = send().get_result_async()
        until(again.done)
        assert not again.result().result.done and "is there already" in again.result().result.text
    assert result.done and result.text == "" and list(map(str, result.warnings)) == [BRIEF], result
    assert told[-1].feedback.clouds >= 2 and told[-1].feedback.points > 100_000
    body = load_body(result.file)
    assert list(result.sites) == list(BODY.sites) and 0.0 < result.fit < 0.01 and result.seen > 0.6
    assert Path(result.file).with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    off = [np.linalg.norm(LYING.place(site.position) - body.sites[name].position) for name, site in BODY.sites.items()]
    for name, at in zip(result.sites, result.positions, strict=True):
        assert body.sites[name].position == pytest.approx([at.x, at.y, at.z])
    in_process = [one.off_mm for one in scan_person(NAME, 0, LYING).errors]
    assert 1e3 * np.mean(off) < np.mean(in_process) + 1.0 and 1e3 * max(off) < max(in_process) + 2.0


@pytest.mark.parametrize(
    ("frame", "change", "said"),
    [
        ("", {}, "camera_frame: missing"),
        ("camera", {"yaw_deg": None}, "yaw_deg: missing; a number is needed"),
        ("camera", {"x_m": np.nan}, "x_m: nan is not allowed"),
        ("camera", {"x_m": True}, "x_m: True is not allowed"),
        ("camera", {"x_m": "left"}, "x_m: 'left' is not allowed"),
    ],
)
def test_a_camera_whose_place_is_not_known_is_refused(frame: str, change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        placed_camera(frame, POSE_GIVEN | change)


def test_whole_numbers_place_a_camera() -> None:
    camera = placed_camera("camera", {"x_m": 1, "y_m": 0, "z_m": 2, "roll_deg": 180, "pitch_deg": 0, "yaw_deg": 90})
    assert camera.on_table(np.array([[0.1, 0.2, 0.5]]))[0] == pytest.approx([1.2, 0.1, 1.5])


def test_a_node_that_does_not_know_its_camera_ends_with_a_sentence(tmp_path: Path, domain: int) -> None:
    given = parameters({"camera_frame": "camera", "folder": tmp_path, **POSE_GIVEN} | {"x_m": "left"})
    done = subprocess.run([*COMMAND, *given], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "error: x_m: 'left'" in done.stderr and "Traceback" not in done.stderr
