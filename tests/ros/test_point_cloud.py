"""PointCloud2: the same points whatever the layout; what does not fit together is named."""

import math
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from massage_arm.native import InputError
from massage_arm_ros.point_cloud import points_of
from sensor_msgs.msg import PointCloud2, PointField

KINDS = {PointField.FLOAT32: "f", PointField.FLOAT64: "d", PointField.UINT8: "B", PointField.INT16: "h"}
coordinates = st.floats(-1e6, 1e6, width=32) | st.sampled_from([math.nan, math.inf, -math.inf])


@st.composite
def clouds(draw: st.DrawFn) -> tuple[PointCloud2, list[tuple[float, float, float]]]:
    """A cloud packed value by value, and the finite points in it."""
    height, width, big = draw(st.integers(1, 4)), draw(st.integers(0, 5)), draw(st.booleans())
    others = draw(st.lists(st.sampled_from(["intensity", "rgb", "ring"]), unique=True))
    message = PointCloud2(height=height, width=width, is_bigendian=big, is_dense=draw(st.booleans()))
    offset = draw(st.integers(0, 3))
    for name in draw(st.permutations(["x", "y", "z", *others])):
        floats = [PointField.FLOAT32, PointField.FLOAT64]
        kind = draw(st.sampled_from(floats if name in "xyz" else list(KINDS)))
        message.fields.append(PointField(name=name, offset=offset, datatype=kind, count=1))
        offset += struct.calcsize(KINDS[kind]) + draw(st.integers(0, 5))
    message.point_step = offset
    message.row_step = offset * width + draw(st.integers(0, 9))
    data = bytearray(draw(st.integers(0, 255)) for _ in range(min(1, height))) * (message.row_step * height)
    expected = []
    for row in range(height):
        for column in range(width):
            point = dict(zip("xyz", draw(st.tuples(coordinates, coordinates, coordinates)), strict=True))
            for field in message.fields:
                at = row * message.row_step + column * message.point_step + field.offset
                struct.pack_into((">" if big else "<") + KINDS[field.datatype], data, at, point.get(field.name, 0))
            if all(map(math.isfinite, point.values())):
                expected.append((point["x"], point["y"], point["z"]))
    message.data = bytes(data)
    return message, expected


@given(clouds())
def test_the_points_are_the_same_whatever_the_layout(
    made: tuple[PointCloud2, list[tuple[float, float, float]]],
) -> None:
    message, expected = made
    assert np.array_equal(points_of("cloud", message), np.array(expected).reshape(-1, 3))


def cloud_of(points: np.ndarray, **changes: Any) -> PointCloud2:
    """Points (N, 3) as most drivers send them."""
    fields = [PointField(name=name, offset=4 * k, datatype=PointField.FLOAT32, count=1) for k, name in enumerate("xyz")]
    told = {
        "height": 1, "width": len(points), "fields": fields, "point_step": 12, "row_step": 12 * len(points),
        "data": points.astype("<f4").tobytes(),
    }  # fmt: skip
    return PointCloud2(**told | changes)


def test_no_points_are_no_points() -> None:
    assert points_of("cloud", cloud_of(np.empty((0, 3)))).shape == (0, 3)
    assert points_of("cloud", cloud_of(np.full((5, 3), np.nan))).shape == (0, 3)


def field(name: str, offset: int, datatype: int = PointField.FLOAT32, count: int = 1) -> PointField:
    return PointField(name=name, offset=offset, datatype=datatype, count=count)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fields": [field("x", 0), field("y", 4)]}, r"0 fields z; one is needed \(fields: x, y\)"),
        ({"fields": []}, r"0 fields x; one is needed \(fields: none\)"),
        ({"fields": [field("x", 0), field("x", 0), field("y", 4), field("z", 8)]}, "2 fields x"),
        (
            {"fields": [field("x", 0), field("y", 4), field("z", 8, PointField.INT32)]},
            "z is 1 of datatype 5; one FLOAT32",
        ),
        ({"fields": [field("x", 0, count=3), field("y", 4), field("z", 8)]}, "x is 3 of datatype 7"),
        ({"fields": [field("x", 0), field("y", 4), field("z", 9)]}, "z at byte 9 does not fit into a point_step of 12"),
        ({"point_step": 0}, "x at byte 0 does not fit into a point_step of 0"),
        ({"row_step": 35}, "row_step 35; 3 points of 12 bytes need 36"),
        ({"data": bytes(35)}, "35 bytes of data; 1 rows of 36 bytes are 36"),
        ({"height": 2}, "36 bytes of data; 2 rows"),
        ({"width": 2**31}, "row_step 36; 2147483648 points"),
    ],
)
def test_a_message_that_contradicts_itself_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=f"cloud: {said}") as raised:
        points_of("cloud", cloud_of(np.ones((3, 3)), **changes))
    assert "\n" not in str(raised.value)
