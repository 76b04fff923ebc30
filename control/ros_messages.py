"""ROS 2 messages of fixed size, encoded whole blocks at a time.

A message whose strings and lengths never change during a run has the same CDR layout every time. So the constant
bytes are laid out once as a template, the numbers are fields of a NumPy structured dtype over it, and a block of
messages is one array fill: no Python per message. CDR (XCDR version 1, little endian) as ROS 2 writes it: 4 bytes of
encapsulation, then every primitive aligned to its own size, counted from behind those 4 bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .ticks import TICK_FIELDS

ENCAPSULATION = b"\x00\x01\x00\x00"  # plain CDR, little endian
_SEPARATOR = "=" * 80


@dataclass(frozen=True)
class FixedMessage:
    """A message type with its constant parts filled in."""

    ros_type: str
    """Such as `sensor_msgs/msg/JointState`."""
    definition: str
    """Text of the .msg and of every type it uses, as MCAP embeds it (encoding `ros2msg`)."""
    dtype: np.dtype[np.void]
    """The fields that change, at their place in the encoded message."""
    template: bytes
    """The encoded message with every changing field zero."""

    def blank(self, count: int) -> npt.NDArray[np.void]:
        """`count` encoded messages to fill in; `.tobytes()` of one is its CDR encoding."""
        return np.frombuffer(bytearray(self.template * count), dtype=self.dtype)


class _Layout:
    """Lays out a message field by field, in the order of its definition."""

    def __init__(self) -> None:
        self._bytes = bytearray(ENCAPSULATION)
        self._fields: list[tuple[str, str | tuple[str, tuple[int]], int]] = []

    def _align(self, size: int) -> None:
        self._bytes += bytes(-(len(self._bytes) - len(ENCAPSULATION)) % size)

    def _constant(self, number: int) -> None:
        self._align(4)
        self._bytes += number.to_bytes(4, "little")

    def integer(self, name: str, kind: str) -> None:
        """A 32-bit number that changes: kind `<i4` or `<u4`."""
        self._align(4)
        self._fields.append((name, kind, len(self._bytes)))
        self._bytes += bytes(4)

    def array(self, name: str, count: int) -> None:
        """`count` float64 of a fixed-size array (or, one after the other, of a message made of float64)."""
        self._align(8)
        self._fields.append((name, "<f8" if count == 1 else ("<f8", (count,)), len(self._bytes)))
        self._bytes += bytes(8 * count)

    def sequence(self, name: str, count: int) -> None:
        """A float64 sequence whose length stays `count`."""
        self._constant(count)
        if count == 1:
            self._align(8)
            self._fields.append((name, ("<f8", (1,)), len(self._bytes)))
            self._bytes += bytes(8)
        else:
            self.array(name, count)

    def text(self, value: str) -> None:
        """A string that stays `value`."""
        encoded = value.encode() + b"\0"
        self._constant(len(encoded))
        self._bytes += encoded

    def texts(self, values: Sequence[str]) -> None:
        """A string sequence that stays `values`."""
        self._constant(len(values))
        for value in values:
            self.text(value)

    def header(self, frame: str) -> None:
        """std_msgs/Header: stamp as `sec` and `nanosec`, and a constant frame."""
        self.integer("sec", "<i4")
        self.integer("nanosec", "<u4")
        self.text(frame)

    def message(self, ros_type: str, definition: str) -> FixedMessage:
        """The finished message."""
        names, formats, offsets = zip(*self._fields, strict=True)
        dtype = np.dtype(
            {"names": list(names), "formats": list(formats), "offsets": list(offsets), "itemsize": len(self._bytes)}  # type: ignore[call-overload]
        )
        return FixedMessage(ros_type, definition, dtype, bytes(self._bytes))


def _definition(text: str, *uses: str) -> str:
    """`text` of a .msg followed by the definitions of the types it `uses`."""
    return f"\n{_SEPARATOR}\n".join([text.strip(), *(f"MSG: {name}\n{_PARTS[name]}" for name in uses)]) + "\n"


_PARTS = {
    "std_msgs/Header": "builtin_interfaces/Time stamp\nstring frame_id",
    "builtin_interfaces/Time": "int32 sec\nuint32 nanosec",
    "geometry_msgs/Wrench": "geometry_msgs/Vector3 force\ngeometry_msgs/Vector3 torque",
    "geometry_msgs/Vector3": "float64 x\nfloat64 y\nfloat64 z",
    "geometry_msgs/Pose": "geometry_msgs/Point position\ngeometry_msgs/Quaternion orientation",
    "geometry_msgs/Point": "float64 x\nfloat64 y\nfloat64 z",
    "geometry_msgs/Quaternion": "float64 x 0\nfloat64 y 0\nfloat64 z 0\nfloat64 w 1",
}
_HEADER = ("std_msgs/Header", "builtin_interfaces/Time")


def joint_state(joint_names: Sequence[str]) -> FixedMessage:
    """sensor_msgs/msg/JointState of these joints; fields position, velocity, effort."""
    layout = _Layout()
    layout.header("")
    layout.texts(joint_names)
    for name in ("position", "velocity", "effort"):
        layout.sequence(name, len(joint_names))
    text = "std_msgs/Header header\nstring[] name\nfloat64[] position\nfloat64[] velocity\nfloat64[] effort"
    return layout.message("sensor_msgs/msg/JointState", _definition(text, *_HEADER))


def wrench_stamped(frame: str) -> FixedMessage:
    """geometry_msgs/msg/WrenchStamped in `frame`; field `wrench`: force then moment."""
    layout = _Layout()
    layout.header(frame)
    layout.array("wrench", 6)
    text = "std_msgs/Header header\ngeometry_msgs/Wrench wrench"
    uses = (*_HEADER, "geometry_msgs/Wrench", "geometry_msgs/Vector3")
    return layout.message("geometry_msgs/msg/WrenchStamped", _definition(text, *uses))


def pose_stamped(frame: str) -> FixedMessage:
    """geometry_msgs/msg/PoseStamped in `frame`; fields position and orientation (x y z w)."""
    layout = _Layout()
    layout.header(frame)
    layout.array("position", 3)
    layout.array("orientation", 4)
    text = "std_msgs/Header header\ngeometry_msgs/Pose pose"
    uses = (*_HEADER, "geometry_msgs/Pose", "geometry_msgs/Point", "geometry_msgs/Quaternion")
    return layout.message("geometry_msgs/msg/PoseStamped", _definition(text, *uses))


def tick_definition() -> str:
    """Text of massage_msgs/msg/Tick: one definition for every arm, so what is per joint is a sequence."""
    lines = ["# Everything one control cycle saw and did."]
    for field in TICK_FIELDS:
        kind = "float64" if field.width == 1 else f"float64[{field.width or ''}]"
        lines.append(f"{kind} {field.name}  # {field.meaning}")
    return "\n".join(lines) + "\n"


def tick_message(n: int) -> FixedMessage:
    """massage_msgs/msg/Tick of an arm with `n` joints; fields as in `tick_dtype(n)`."""
    layout = _Layout()
    for field in TICK_FIELDS:
        if field.width is None:
            layout.sequence(field.name, n)
        else:
            layout.array(field.name, field.width)
    return layout.message("massage_msgs/msg/Tick", tick_definition())
