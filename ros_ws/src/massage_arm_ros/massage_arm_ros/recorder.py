"""Records what goes between the nodes into one MCAP file, as it is: Foxglove, PlotJuggler and rosbag2 open it."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from geometry_msgs.msg import WrenchStamped
from massage_arm.native import InputError
from massage_msgs.msg import (
    ArmStatus,
    Biosignal,
    CartesianTarget,
    ControllerStatus,
    Heartbeat,
    JointEffort,
    Safety,
    SessionState,
    SetPoint,
    StopInput,
)
from mcap.writer import Writer
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState

from .process import serve

TOPICS: dict[str, Any] = {
    "arm/joint_states": JointState,
    "arm/wrench": WrenchStamped,
    "arm/effort": JointEffort,
    "arm/status": ArmStatus,
    "arm/target": CartesianTarget,
    "controller/set_point": SetPoint,
    "controller/status": ControllerStatus,
    "session/state": SessionState,
    "biosignal": Biosignal,
    "safety": Safety,
    "stop": StopInput,
    "heartbeat": Heartbeat,
}
"""What is recorded."""
_QUEUE = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)  # hears reliable senders, too
_SEPARATOR = "=" * 80
_FIELD = re.compile(r"^\s*([A-Za-z]\w*/(?:msg/)?\w+|[A-Z]\w*)", re.MULTILINE)  # a field of another message


class Recorder(Node):
    """Writes every message that comes, with the time at which it came."""

    def __init__(self) -> None:
        super().__init__("recorder")
        self.declare_parameter("file", "")
        file = Path(str(self.get_parameter("file").value))
        if file.exists():
            raise InputError(f"file: {file} is there already; a new one is allowed")
        try:
            self._stream = file.open("xb")
        except OSError as error:
            raise InputError(f"file: {file} cannot be written ({error.strerror})") from None
        self._writer = Writer(self._stream)
        self._writer.start(profile="ros2", library="massage-arm")
        self._lock = threading.Lock()
        for topic, kind in TOPICS.items():
            self.create_subscription(kind, topic, self._keep(topic, kind), _QUEUE, raw=True)

    def work(self, stop: threading.Event) -> None:
        """Until it is stopped; then the file is closed."""
        stop.wait()
        with self._lock:
            self._writer.finish()  # type: ignore[no-untyped-call]
            self._stream.close()

    def _keep(self, topic: str, kind: Any) -> Callable[[bytes], None]:
        name = _type_of(kind)
        schema = self._writer.register_schema(name, "ros2msg", definition(name).encode())
        channel = self._writer.register_channel(f"/{topic}", "cdr", schema)

        def keep(message: bytes) -> None:
            with self._lock:
                if not self._stream.closed:
                    now = time.time_ns()
                    self._writer.add_message(channel, now, message, now)

        return keep


def _type_of(kind: Any) -> str:
    """Such as `sensor_msgs/msg/JointState`."""
    return f"{kind.__module__.split('.')[0]}/msg/{kind.__name__}"


def definition(name: str) -> str:
    """The text of a type such as `sensor_msgs/msg/JointState`, and of every type that it uses, as MCAP wants it."""
    texts, wanted = {name: _text(name)}, [name]
    while wanted:
        package = wanted[0].split("/")[0]
        for found in _FIELD.findall(texts[wanted.pop(0)]):
            parts = found.split("/")
            used = f"{parts[0] if len(parts) > 1 else package}/msg/{parts[-1]}"
            if used not in texts and (text := _text(used, missing_ok=len(parts) == 1)):
                texts[used] = text
                wanted.append(used)
    first, *others = texts.items()
    more = [f"{_SEPARATOR}\nMSG: {used.replace('/msg/', '/')}\n{text}" for used, text in others]
    return "\n".join([first[1], *more])


def _text(name: str, *, missing_ok: bool = False) -> str:
    package, _, message = name.split("/")
    prefixes = [*filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)), sys.prefix]
    for prefix in prefixes:
        file = Path(prefix) / "share" / package / "msg" / f"{message}.msg"
        if file.exists():
            # Names of constants look like types: comments and constants are left out.
            lines = file.read_text(encoding="utf-8").splitlines()
            return "\n".join(line.split("#")[0].rstrip() for line in lines if line.split("#")[0].strip())
    if missing_ok:
        return ""
    raise InputError(f"{name}: its .msg file is in none of {', '.join(prefixes)}")


def main() -> None:
    """Entry point of the process."""
    serve(Recorder)


if __name__ == "__main__":
    main()
