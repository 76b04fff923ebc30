"""Heartbeats from devices and recorded series reach a session with their times; what is no heart's is left out."""

import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rclpy
from hypothesis import given
from hypothesis import strategies as st
from massage_arm.control.pacing import Pacing
from massage_arm.native import InputError
from massage_arm_ros.biosignal import Intervals, read_series
from massage_arm_ros.heartbeats import Belt, Listener, refusal
from massage_arm_ros.process import keep_to_this_machine
from massage_msgs.msg import Biosignal
from std_msgs.msg import Float32


def beat(rr_s: float = 0.8, age_s: float = 0.0, quality: float = 1.0) -> Biosignal:
    return Biosignal(rr_s=rr_s, age_s=age_s, quality=quality)


# A recorded series.


@pytest.mark.parametrize(("unit", "lines"), [("ms", "# a night\n812\n\n 790.5 \n"), ("s", "0.812\n7.905e-1")])
def test_a_series_is_read_in_its_unit(tmp_path: Path, unit: str, lines: str) -> None:
    (tmp_path / "rr.txt").write_text(lines)
    assert read_series(tmp_path / "rr.txt", unit) == pytest.approx([0.812, 0.7905])


@pytest.mark.parametrize(
    ("unit", "content", "said"),
    [
        ("", b"812", "unit: '' is not allowed; s or ms"),
        ("s", b"812\n790\n0.8", "1 of 3 intervals are 0.3 to 2 s long; more than half must be. Is s their unit?"),
        ("ms", b"", "0 of 0 intervals"),
        ("ms", b"812\nrr,790\n", r"rr\.txt:2: 'rr,790' is not allowed; one number is"),
        ("ms", b"\xff\xfe", "cannot be read"),
    ],
)
def test_what_is_no_series_is_refused(tmp_path: Path, unit: str, content: bytes, said: str) -> None:
    (tmp_path / "rr.txt").write_bytes(content)
    with pytest.raises(InputError, match=said) as raised:
        read_series(tmp_path / "rr.txt", unit)
    assert "\n" not in str(raised.value)


def test_a_series_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.txt' cannot be read"):
        read_series(tmp_path / "none.txt", "s")


# Intervals become beats.


def test_intervals_that_come_at_once_are_told_apart() -> None:
    intervals = Intervals()
    assert intervals.heartbeat(0.8, 10.0).age_s == 0.0
    ages = [intervals.heartbeat(0.5, 11.6).age_s for _ in range(3)]
    assert ages == pytest.approx([1.1, 0.6, 0.1])
    assert intervals.heartbeat(0.8, 12.0).age_s == 0.0  # earlier than it can have been: the clocks differ
    assert intervals.heartbeat(0.8, 30.0).age_s == 0.0  # after a gap


@given(st.lists(st.tuples(st.floats(0.3, 2.0), st.floats(0.0, 3.0)), max_size=50))
def test_a_session_takes_every_beat_of_a_heart(given: list[tuple[float, float]]) -> None:
    intervals, now = Intervals(), 0.0
    for rr, later in given:
        now += later
        assert refusal(intervals.heartbeat(rr, now)) == ""


@pytest.mark.parametrize("rr", [0.0, 0.29, 2.01, -0.8, 812.0, math.nan, math.inf, -math.inf])
def test_an_interval_of_no_heart_is_counted_and_told(rr: float) -> None:
    intervals = Intervals()
    why = intervals.heartbeat(rr, 1.0)
    assert isinstance(why, str) and "is left out; 0.3 to 2 s" in why and intervals.left_out == 1
    assert intervals.heartbeat(0.8, 2.0).quality == 0.5
    for _ in range(24):
        last = intervals.heartbeat(0.8, 3.0)
    assert last.quality == 1.0


# What a session takes.


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (beat(), ""),
        (beat(rr_s=math.nan), "rr_s: nan s is not allowed; 0.3 to 2 s is"),
        (beat(rr_s=812.0), "rr_s: 812 s"),
        (beat(age_s=math.nan), "age_s: nan s is not allowed; 0 to 2 s is"),
        (beat(age_s=-1.0), "age_s: -1 s"),
        (beat(age_s=30.0), "age_s: 30 s"),
        (beat(quality=math.nan), "quality: nan is not allowed; 0.8 to 1 is"),
        (beat(quality=0.5), "quality: 0.5"),
        (beat(quality=1.5), "quality: 1.5"),
    ],
)
def test_a_beat_that_makes_no_sense_is_refused(message: Biosignal, said: str) -> None:
    why = refusal(message)
    assert said in why and bool(why) == bool(said)


class Heard(Pacing):
    def __init__(self) -> None:
        super().__init__(0.0, 0.0)
        self.beats: list[tuple[float, float]] = []

    def beat(self, time_s: float, rr_s: float) -> None:
        self.beats.append((time_s, rr_s))


def listening(*, needed: bool = True) -> tuple[Listener, Callable[[Any], None], Callable[[int], None], list[str]]:
    """A listener, what hears for it, what tells of publishers, and its log."""
    log: list[str] = []
    made: dict[str, Any] = {}

    def subscribe(kind: Any, topic: str, hear: Any, qos: Any, event_callbacks: Any) -> None:
        made["hear"], made["matched"] = hear, event_callbacks.matched

    node: Any = SimpleNamespace(get_logger=lambda: SimpleNamespace(error=log.append), create_subscription=subscribe)
    listener = Listener(node)
    listener.begin(needed=needed)
    return listener, made["hear"], lambda count: made["matched"](SimpleNamespace(current_count=count)), log


def test_beats_reach_pacing_on_the_clock_of_the_session() -> None:
    listener, hear, _, log = listening()
    heart = Heard()
    hear(beat(age_s=1.0))
    hear(beat(rr_s=math.nan))
    hear(beat(rr_s=0.9))
    listener.tell(heart, 4.0)
    assert heart.beats == [(3.0, 0.8), (4.0, 0.9)] and log == [
        "heartbeats are left out: rr_s: nan s is not allowed; 0.3 to 2 s is"
    ]
    hear(beat(rr_s=5.0))
    listener.tell(heart, 5.0)
    assert len(heart.beats) == 2 and len(log) == 1 and listener.told == [f"4.0 s: {log[0]}"]


def test_beats_from_before_a_session_are_not_of_it() -> None:
    listener, hear, _, _ = listening()
    hear(beat())
    listener.begin(needed=True)
    heart = Heard()
    listener.tell(heart, 1.0)
    assert not heart.beats


@pytest.mark.parametrize("needed", [True, False])
def test_silence_is_told_where_a_heart_was_heard_or_is_needed(needed: bool) -> None:
    listener, hear, _, log = listening(needed=needed)
    heart = Heard()
    listener.tell(heart, 5.1)
    assert (log == ["the sensor of the heart has been silent for 5 s"]) == needed
    hear(beat())
    listener.tell(heart, 20.0)
    listener.tell(heart, 24.9)
    assert len(log) == needed
    listener.tell(heart, 25.1)
    assert log == ["the sensor of the heart has been silent for 5 s"]


def test_a_second_sender_is_named_and_nobody_is_heard_any_more() -> None:
    listener, hear, matched, log = listening()
    heart = Heard()
    matched(2)
    hear(beat())
    listener.tell(heart, 1.0)
    matched(1)
    hear(beat())
    listener.tell(heart, 2.0)
    assert not heart.beats and log == ["two publishers on biosignal; one is allowed; the heart is not heard any more"]


def test_a_belt_tells_a_beat_when_there_is_one_before_it() -> None:
    sent: list[Biosignal] = []
    node: Any = SimpleNamespace(create_publisher=lambda *_: SimpleNamespace(publish=sent.append))
    belt = Belt(node)
    for beats, now in ((0.0, 0.0), (1.0, 0.5), (1.0, 0.6), (2.0, 1.4)):
        belt.tell(beats, now)
    assert [message.rr_s for message in sent] == pytest.approx([0.9])
    assert sent[0].header.stamp.sec == 1 and refusal(sent[0]) == ""


# The node.


def started(domain: int, folder: Path, **parameters: object) -> subprocess.Popen[str]:
    keep_to_this_machine()
    os.environ["ROS_DOMAIN_ID"] = str(domain)
    given = [word for name, value in parameters.items() for word in ("-p", f"{name}:={value}")]
    command = [sys.executable, "-m", "massage_arm_ros.biosignal", "--ros-args", *given]
    environment = os.environ | {"ROS_LOG_DIR": str(folder)}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def test_intervals_of_a_device_become_beats_and_a_second_device_ends_it(tmp_path: Path, domain: int) -> None:
    process = started(domain, tmp_path, device="topic")
    rclpy.init()
    node = rclpy.create_node("tester")
    heard: list[Biosignal] = []
    try:
        node.create_subscription(Biosignal, "biosignal", heard.append, 10)
        device = node.create_publisher(Float32, "rr_ms", 10)

        def until(there: Callable[[], bool]) -> None:
            end = time.monotonic() + 20.0
            while not there():
                assert time.monotonic() < end
                rclpy.spin_once(node, timeout_sec=0.05)

        until(lambda: device.get_subscription_count() == 1 and node.count_publishers("biosignal") == 1)
        for rr_ms in (812.0, math.nan, 5000.0, 790.0):
            device.publish(Float32(data=rr_ms))
        until(lambda: len(heard) == 2)
        node.create_publisher(Float32, "rr_ms", 10)
        until(lambda: process.poll() is not None)
    finally:
        process.kill()
        said = process.communicate()[1]
        node.destroy_node()
        rclpy.shutdown()
    assert [message.rr_s for message in heard] == pytest.approx([0.812, 0.790], abs=1e-6)
    assert heard[1].quality == 0.5
    assert "nan s is left out" in said and "5 s is left out" in said
    assert process.returncode == 2 and "two publishers on rr_ms; one is allowed" in said


def test_a_recorded_series_is_replayed_to_its_end(tmp_path: Path, domain: int) -> None:
    (tmp_path / "rr.txt").write_text("400\n300\n100\n400\n")
    process = started(domain, tmp_path, device="file", file=tmp_path / "rr.txt", unit="ms")
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 0
    assert "series of 4 intervals has ended" in said and "1 intervals were left out" in said
