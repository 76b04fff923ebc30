"""The log is read by the libraries that roboticists use, survives a kill, and depends on nothing but the run."""

import io
from pathlib import Path

import numpy as np
import pytest
from massage_arm.control.run_log import SIMULATED_EPOCH_NS, RunLog, read_run
from massage_arm.control.ticks import Ticks, tick_dtype
from massage_arm.native import ContactState
from massage_arm.native.errors import InputError
from mcap.exceptions import McapError
from mcap.reader import NonSeekingReader, make_reader
from mcap_ros2.decoder import DecoderFactory
from rosbags.highlevel import AnyReader

JOINTS = ("a1", "shoulder_2", "a3", "elbow", "a5", "a6", "wrist_seven")


def some_ticks(count: int, joints: int = len(JOINTS), period: float = 1e-3) -> Ticks:
    ticks = np.zeros(count, tick_dtype(joints))
    columns = ticks.view("<f8").reshape(count, ticks.dtype.itemsize // 8)
    columns[:] = np.random.default_rng(1).normal(size=columns.shape)
    ticks["time"] = np.arange(count) * period
    ticks["contact_state"] = ContactState.HOLD
    ticks["true_wrench"][::7] = np.nan
    return ticks


def write(folder: Path, ticks: Ticks, block: int = 100, joints: tuple[str, ...] = JOINTS) -> Path:
    folder.mkdir(exist_ok=True)
    with RunLog(folder / "run.mcap", joints, {"seed": "3"}) as log:
        for begin in range(0, len(ticks), block):
            log.write(ticks[begin : begin + block])
    return folder / "run.mcap"


@pytest.mark.parametrize("count", [0, 1, 249, 250, 251, 1234])
def test_a_run_reads_back_bit_for_bit(tmp_path: Path, count: int) -> None:
    ticks = some_ticks(count)
    write(tmp_path, ticks)
    run = read_run(tmp_path)
    assert run.complete
    assert run.joint_names == list(JOINTS)
    assert run.metadata["seed"] == "3"
    assert run.summary["ticks"] == str(count)
    assert run.ticks.dtype == ticks.dtype
    assert run.ticks.tobytes() == ticks.tobytes()


@pytest.mark.parametrize("joints", [1, 2, 6, 10])
def test_arms_of_any_size_are_logged(tmp_path: Path, joints: int) -> None:
    ticks = some_ticks(30, joints)
    path = write(tmp_path, ticks, joints=tuple(f"j{k}" for k in range(joints)))
    assert read_run(path).ticks.tobytes() == ticks.tobytes()
    with path.open("rb") as stream:
        messages = make_reader(stream, decoder_factories=[DecoderFactory()]).iter_decoded_messages(["/tick"])
        for row, (_, _, _, message) in zip(ticks, messages, strict=True):
            assert np.array_equal(message.torque_bias, row["torque_bias"])


def test_the_mcap_library_decodes_what_was_written(tmp_path: Path) -> None:
    ticks = some_ticks(1000)
    path = write(tmp_path, ticks)
    by_topic: dict[str, list[object]] = {}
    stamps = []
    with path.open("rb") as stream:
        reader = make_reader(stream, validate_crcs=True, decoder_factories=[DecoderFactory()])
        assert reader.get_header().profile == "ros2"
        for _, channel, raw, message in reader.iter_decoded_messages(log_time_order=False):
            by_topic.setdefault(channel.topic, []).append(message)
            stamps.append(raw.log_time)
    assert stamps == sorted(stamps), "messages stand in the file in the order of time"
    for row, message in zip(ticks, by_topic["/tick"], strict=True):
        for name in ticks.dtype.names or ():
            assert np.array_equal(getattr(message, name), row[name], equal_nan=True), name
    for row, state in zip(ticks[::10], by_topic["/joint_states"], strict=True):
        assert state.name == list(JOINTS)  # type: ignore[attr-defined]
        assert np.array_equal(state.velocity, row["dq"])  # type: ignore[attr-defined]


def test_the_rosbags_library_decodes_what_was_written(tmp_path: Path) -> None:
    ticks = some_ticks(500)
    path = write(tmp_path, ticks)
    slow = {"/wrench": 0, "/wrench_true": 0, "/tcp_pose": 0, "/set_point_pose": 0, "/joint_states": 0, "/tick": 0}
    with AnyReader([path]) as reader:
        for connection, stamp, raw in reader.messages():
            message = reader.deserialize(raw, connection.msgtype)
            count = slow[connection.topic]
            slow[connection.topic] += 1
            row = ticks[count if connection.topic == "/tick" else 10 * count]
            assert stamp == SIMULATED_EPOCH_NS + round(1e9 * row["time"])
            _check_rosbags(connection.topic, message, row)
    assert slow.pop("/tick") == 500
    assert set(slow.values()) == {50}


def _check_rosbags(topic: str, message: object, row: np.void) -> None:
    def triple(vector: object) -> list[float]:
        return [vector.x, vector.y, vector.z]  # type: ignore[attr-defined]

    match topic:
        case "/tick":
            assert np.array_equal(message.sensor_wrench, row["sensor_wrench"])  # type: ignore[attr-defined]
            assert np.array_equal(message.torque_walls, row["torque_walls"])  # type: ignore[attr-defined]
            assert message.surface_known_error == row["surface_known_error"]  # type: ignore[attr-defined]
        case "/joint_states":
            assert np.array_equal(message.effort, row["torque"])  # type: ignore[attr-defined]
        case "/wrench" | "/wrench_true":
            source = row["wrench" if topic == "/wrench" else "true_wrench"]
            wrench = message.wrench  # type: ignore[attr-defined]
            assert np.array_equal(triple(wrench.force) + triple(wrench.torque), source, equal_nan=True)
            assert message.header.frame_id == "tcp"  # type: ignore[attr-defined]
        case _:
            start = topic[1:].removesuffix("_pose")
            pose = message.pose  # type: ignore[attr-defined]
            assert np.array_equal(triple(pose.position), row[f"{start}_position"])
            assert np.array_equal([*triple(pose.orientation), pose.orientation.w], row[f"{start}_quaternion"])


def test_slow_topics_stay_at_100_hz_when_control_is_slower(tmp_path: Path) -> None:
    path = write(tmp_path, some_ticks(500, period=4e-3))
    with path.open("rb") as stream:
        counts = make_reader(stream).get_summary().statistics.channel_message_counts  # type: ignore[union-attr]
    assert counts[1] == 500
    assert set(list(counts.values())[1:]) == {200}


def test_the_same_run_gives_the_same_bytes_however_it_was_cut_into_blocks(tmp_path: Path) -> None:
    ticks = some_ticks(1003)
    folders = {"a": 100, "b": 100, "c": 1, "d": 2000}
    contents = {write(tmp_path / name, ticks, block).read_bytes() for name, block in folders.items()}
    assert len(contents) == 1


def test_a_killed_run_is_readable_up_to_the_last_quarter_second(tmp_path: Path) -> None:
    """The file as the operating system has it while the log is still open: what a kill leaves."""
    ticks = some_ticks(990)
    log = RunLog(tmp_path / "run.mcap", JOINTS, {"seed": "3"})
    log.write(ticks)
    run = read_run(tmp_path)
    log.close()
    assert not run.complete
    assert run.metadata["seed"] == "3"
    assert len(run.ticks) > 990 - 250
    assert run.ticks.tobytes() == ticks[: len(run.ticks)].tobytes()


def test_a_log_cut_anywhere_gives_its_whole_chunks_or_one_clear_error(tmp_path: Path) -> None:
    ticks = some_ticks(800)
    whole = write(tmp_path, ticks).read_bytes()
    cuts = {*range(0, 400, 3), *range(400, len(whole), 4999), *range(len(whole) - 2000, len(whole), 37)}
    most = 0
    for cut in sorted(cuts):
        (tmp_path / "run.mcap").write_bytes(whole[:cut])
        try:
            run = read_run(tmp_path)
        except InputError as error:
            assert "run.mcap" in str(error)
            assert most == 0, "once readable, a longer log is readable too"
            continue
        assert not run.complete
        assert len(run.ticks) >= most
        most = len(run.ticks)
        assert run.ticks.tobytes() == ticks[:most].tobytes()
    assert most == 800


def test_other_readers_get_the_whole_chunks_of_a_cut_log(tmp_path: Path) -> None:
    whole = write(tmp_path, some_ticks(800)).read_bytes()
    seen = []
    with pytest.raises(McapError):
        for _, channel, message in NonSeekingReader(io.BytesIO(whole[: len(whole) * 3 // 4])).iter_messages(
            topics="/tick", log_time_order=False
        ):
            seen.append((channel.topic, message.log_time))
    assert len(seen) == 500


def test_damaged_bytes_never_raise_anything_but_an_input_error(tmp_path: Path) -> None:
    ticks = some_ticks(300)
    whole = write(tmp_path, ticks).read_bytes()
    random = np.random.default_rng(0)
    places = [*range(0, 700, 7), *random.integers(0, len(whole), 150)]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= int(random.integers(1, 256))
        (tmp_path / "run.mcap").write_bytes(damaged)
        try:
            read_run(tmp_path)
        except InputError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"not a log at all" * 9, "not an MCAP"), (b"\x89MCAP0\r\n", "not an MCAP")],
)
def test_a_file_that_is_no_log_is_named_with_what_is_expected(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "run.mcap").write_bytes(content)
    with pytest.raises(InputError, match=rf"run\.mcap: .*{said}.*expected"):
        read_run(tmp_path)


def test_a_folder_without_a_log_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"run\.mcap: cannot be read"):
        read_run(tmp_path)


def test_a_log_of_somebody_else_is_refused(tmp_path: Path) -> None:
    from mcap.writer import Writer

    with (tmp_path / "run.mcap").open("wb") as stream:
        writer = Writer(stream)
        writer.start("ros2")
        writer.finish()  # type: ignore[no-untyped-call]
    with pytest.raises(InputError, match="holds no run"):
        read_run(tmp_path)


def test_a_log_of_another_version_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, some_ticks(10))
    path.write_bytes(path.read_bytes().replace(b"surface_known_error", b"surface_other_error"))
    with pytest.raises(InputError, match="another layout"):
        read_run(tmp_path)


def test_a_log_never_overwrites_another(tmp_path: Path) -> None:
    path = write(tmp_path, some_ticks(10))
    with pytest.raises(FileExistsError):
        RunLog(path, JOINTS, {})


def test_closing_twice_is_harmless_and_a_broken_off_run_says_so(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "run.mcap", JOINTS, {})
    with pytest.raises(ZeroDivisionError), log:
        log.write(some_ticks(10))
        raise ZeroDivisionError
    log.close()
    run = read_run(tmp_path)
    assert not run.complete
    assert run.summary["ended_by"] == "ZeroDivisionError"
    assert len(run.ticks) == 10
