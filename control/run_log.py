"""The record of one run: `run.mcap`, ROS 2 encodings, opened by Foxglove, PlotJuggler and rosbag2 as it is.

| topic | type | rate |
|---|---|---|
| `/tick` | massage_msgs/msg/Tick: every field of the tick, exact | every tick |
| `/joint_states` | sensor_msgs/msg/JointState | 100 Hz |
| `/wrench`, `/wrench_true` | geometry_msgs/msg/WrenchStamped, on the tool at the TCP, frame `tcp` | 100 Hz |
| `/tcp_pose`, `/set_point_pose` | geometry_msgs/msg/PoseStamped, frame `world` | 100 Hz |

What the run was (seed, versions, plan, hashes of the inputs) stands in a metadata record at the start, so that it
survives a kill; a second one at the end says that the run was closed. The bytes depend on ticks and metadata alone.
"""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import zstandard
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Footer, Header, McapRecord, Metadata, Schema
from mcap.stream_reader import CRCValidationError, StreamReader, get_chunk_data_stream

from ..native.errors import InputError
from .mcap_blocks import BlockWriter, Topic
from .ros_messages import FixedMessage, joint_state, pose_stamped, tick_message, wrench_stamped
from .ticks import Ticks, tick_dtype

RUN_FILE = "run.mcap"
SIMULATED_EPOCH_NS = 946_684_800 * 10**9  # 2000-01-01 UTC: simulated time needs a date, ROS takes zero for "no time"
_START, _END = "massage_arm/run", "massage_arm/summary"
_CHUNK_TICKS = 250  # at 1 kHz a kill loses at most 0.25 s
_SLOW_PERIOD_NS = 10_000_000  # 100 Hz


class RunLog:
    """Writes `run.mcap` from blocks of ticks, in chunks of 0.25 s: a kill costs that much, not the file."""

    def __init__(
        self,
        path: Path,
        joint_names: Sequence[str],
        metadata: Mapping[str, str],
        epoch_ns: int = SIMULATED_EPOCH_NS,
    ) -> None:
        self.path = path
        self.summary: dict[str, str] = {}
        """What `close` writes behind the ticks; add to it while the run goes on."""
        self._dtype = tick_dtype(len(joint_names))
        self._epoch = epoch_ns
        self._pending = np.empty(_CHUNK_TICKS, self._dtype)
        self._filled = 0
        self._written = 0
        self._slow_written = 0
        self._last_period = -1
        self._open = True
        self._stream = path.open("xb")
        self._writer = BlockWriter(self._stream, "massage-arm")
        self._writer.metadata(_START, {**metadata, "joint_names": json.dumps(list(joint_names))})
        tcp, world = wrench_stamped("tcp"), pose_stamped("world")
        self._tick = self._writer.topic("/tick", tick_message(len(joint_names)))
        self._slow = tuple(
            self._writer.topic(name, message)
            for name, message in (
                ("/joint_states", joint_state(joint_names)),
                ("/wrench", tcp),
                ("/wrench_true", tcp),
                ("/tcp_pose", world),
                ("/set_point_pose", world),
            )
        )

    def write(self, ticks: Ticks) -> None:
        """Append a block of ticks of any length, later than all before it."""
        if ticks.dtype != self._dtype:
            raise ValueError(f"ticks of another layout than this log's: {ticks.dtype}")
        done = 0
        while done < len(ticks):
            part = ticks[done : done + _CHUNK_TICKS - self._filled]
            self._pending[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            done += len(part)
            if self._filled == _CHUNK_TICKS:
                self._write_chunk(self._pending)
                self._filled = 0

    def close(self) -> None:
        """Write what is left, the summary and the index. Calling it again does nothing."""
        if not self._open:
            return
        self._open = False
        try:
            if self._filled:
                self._write_chunk(self._pending[: self._filled])
            self._writer.metadata(_END, {**self.summary, "ticks": str(self._written)})
            self._writer.finish()
        finally:
            self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind:
            self.summary["ended_by"] = kind.__name__
        self.close()

    def _write_chunk(self, ticks: Ticks) -> None:
        """One chunk, messages in the order of time: the ticks, and behind the first of every 10 ms the slow topics."""
        stamps = self._epoch + np.rint(ticks["time"] * 1e9).astype(np.int64)
        periods = stamps // _SLOW_PERIOD_NS
        slow = np.flatnonzero(np.diff(periods, prepend=self._last_period) > 0)
        self._last_period = int(periods[-1])

        tick_records = self._tick_records(ticks, stamps)
        slow_records = [self._slow_records(topic, ticks[slow], stamps[slow]) for topic in self._slow]
        data = _interleave(tick_records, self._tick.record_size, slow_records, slow)

        order = np.arange(len(ticks))
        slow_size = sum(topic.record_size for topic in self._slow)
        behind = np.arange(len(slow))
        slow_begin = (slow + 1) * self._tick.record_size + behind * slow_size
        index = {
            self._tick.channel: (
                stamps.astype(np.uint64),
                order * self._tick.record_size + np.searchsorted(slow, order) * slow_size,
            )
        }
        for topic in self._slow:
            if len(slow):
                index[topic.channel] = (stamps[slow].astype(np.uint64), slow_begin)
            slow_begin = slow_begin + topic.record_size
        self._writer.chunk(data, index)
        self._written += len(ticks)
        self._slow_written += len(slow)

    def _tick_records(self, ticks: Ticks, stamps: npt.NDArray[np.int64]) -> bytearray:
        data, messages = self._tick.records(stamps.astype(np.uint64), self._written)
        for name in self._dtype.names or ():
            messages[name] = ticks[name]
        return data

    def _slow_records(self, topic: Topic, ticks: Ticks, stamps: npt.NDArray[np.int64]) -> bytearray:
        data, messages = topic.records(stamps.astype(np.uint64), self._slow_written)
        messages["sec"], messages["nanosec"] = np.divmod(stamps, 10**9)
        for target, source in _SLOW_FIELDS[topic.name]:
            messages[target] = ticks[source]
        return data


_SLOW_FIELDS = {
    "/joint_states": (("position", "q"), ("velocity", "dq"), ("effort", "torque")),
    "/wrench": (("wrench", "wrench"),),
    "/wrench_true": (("wrench", "true_wrench"),),
    "/tcp_pose": (("position", "tcp_position"), ("orientation", "tcp_quaternion")),
    "/set_point_pose": (("position", "set_point_position"), ("orientation", "set_point_quaternion")),
}


def _interleave(ticks: bytearray, tick_size: int, slow: Sequence[bytearray], places: npt.NDArray[np.intp]) -> bytes:
    """Tick records with the k-th record of every slow topic behind tick `places[k]`."""
    pieces: list[memoryview] = []
    done = 0
    views = [(memoryview(records), len(records) // max(1, len(places))) for records in slow]
    whole = memoryview(ticks)
    for k, place in enumerate(places.tolist()):
        until = (place + 1) * tick_size
        pieces.append(whole[done:until])
        pieces.extend(records[k * size : (k + 1) * size] for records, size in views)
        done = until
    pieces.append(whole[done:])
    return b"".join(pieces)


@dataclass(frozen=True)
class Run:
    """A run read back from its folder."""

    metadata: dict[str, str]
    """What `RunLog` was given, and `joint_names` (JSON)."""
    ticks: Ticks
    complete: bool
    """The run came to its end; False when it was killed or broken off, and the ticks are those up to then."""
    summary: dict[str, str]
    """The summary of the `RunLog`; empty when the process was killed."""

    @property
    def joint_names(self) -> list[str]:
        """Names of the joints in the order of the per-joint fields."""
        return list(json.loads(self.metadata["joint_names"]))


def read_run(folder: Path) -> Run:
    """The run in `folder` (or in that `.mcap` file), also when its log was cut short.

    Raises InputError when there is no log, or when it is not one of ours.
    """
    path = folder if folder.suffix == ".mcap" else folder / RUN_FILE
    expected = f"expected the {RUN_FILE} of a massage-arm run"
    try:
        stream = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {expected}") from None
    with stream:
        found = _Found()
        # A file cut short ends in the middle of a record; the library then raises one of these.
        try:
            for record in StreamReader(stream, emit_chunks=True, record_size_limit=path.stat().st_size).records:
                found.take(record)
        except (McapError, CRCValidationError, zstandard.ZstdError, struct.error, ValueError, EOFError, OverflowError):
            found.complete = False
    if found.start is None:
        what = "is empty" if path.stat().st_size == 0 else "holds no run" if found.is_mcap else "is not an MCAP file"
        raise InputError(f"{path}: {what}; {expected}")
    message = tick_message(found.joints)
    if found.schema not in (None, message.definition):
        raise InputError(f"{path}: /tick has another layout than this version writes; {expected} of this version")
    return Run(found.start, found.ticks(message), found.complete, found.summary)


class _Found:
    """What has been read of a log so far."""

    def __init__(self) -> None:
        self.is_mcap = self.complete = False
        self.start: dict[str, str] | None = None
        self.joints = 0
        self.summary: dict[str, str] = {}
        self.schema: str | None = None
        self._tick_schema = self._tick_channel = -1
        self._messages: list[bytes] = []

    def take(self, record: McapRecord) -> None:
        if isinstance(record, Header):
            self.is_mcap = True
        elif isinstance(record, Metadata) and record.name == _START:
            self.joints = _joint_count(record.metadata)
            self.start = record.metadata
        elif isinstance(record, Metadata) and record.name == _END:
            self.summary = record.metadata
        elif isinstance(record, Schema) and record.name == "massage_msgs/msg/Tick":
            self._tick_schema, self.schema = record.id, record.data.decode()
        elif isinstance(record, Channel) and record.schema_id == self._tick_schema:
            self._tick_channel = record.id
        elif isinstance(record, Chunk):
            self._messages.extend(_messages_of(record, self._tick_channel))
        elif isinstance(record, Footer):
            self.complete = bool(self.summary) and "ended_by" not in self.summary

    def ticks(self, message: FixedMessage) -> Ticks:
        whole = [encoded for encoded in self._messages if len(encoded) == len(message.template)]
        encoded = np.ndarray(len(whole), message.dtype, b"".join(whole))
        ticks = np.empty(len(encoded), tick_dtype(self.joints))
        for name in ticks.dtype.names or ():
            ticks[name] = encoded[name]
        return ticks


def _joint_count(metadata: Mapping[str, str]) -> int:
    """Number of joints; ValueError when the metadata is damaged."""
    names = json.loads(metadata.get("joint_names", ""))
    if not isinstance(names, list):
        raise ValueError("joint_names is not a list")
    return len(names)


def _messages_of(chunk: Chunk, channel: int) -> Iterator[bytes]:
    """The messages of one channel in a chunk; raises when the chunk is cut or damaged."""
    stream, length = get_chunk_data_stream(chunk, validate_crc=True)
    data = stream.read(length)
    place = 0
    while place < length:
        opcode, size, of = struct.unpack_from("<BQH", data, place)
        if opcode == Opcode.MESSAGE and of == channel:
            yield data[place + 31 : place + 9 + size]
        place += 9 + size
