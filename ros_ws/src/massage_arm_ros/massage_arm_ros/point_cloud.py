"""A PointCloud2 as points, whatever order, width, gaps and byte order its fields have."""

from __future__ import annotations

import numpy as np
from massage_arm.native import InputError
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField

Floats = NDArray[np.float64]

_FLOATS = {PointField.FLOAT32: "f4", PointField.FLOAT64: "f8"}
_AXES = ("x", "y", "z")


def points_of(name: str, message: PointCloud2) -> Floats:
    """(N, 3) the finite points in the message's own frame and unit, row by row; `name` stands before every refusal.

    Raises InputError where x, y or z is missing or no float, and where the sizes that the message tells do not fit.
    """
    dtype = _layout(name, message)
    height, width, row = int(message.height), int(message.width), int(message.row_step)
    if row < width * dtype.itemsize:
        raise InputError(
            f"{name}: row_step {row}; {width} points of {dtype.itemsize} bytes need {width * dtype.itemsize}"
        )
    if len(message.data) != row * height:
        raise InputError(f"{name}: {len(message.data)} bytes of data; {height} rows of {row} bytes are {row * height}")
    if not height * width:
        return np.empty((0, 3))
    cells = np.ndarray((height, width), dtype, bytes(message.data), strides=(row, dtype.itemsize))
    points = np.stack([cells[axis].astype(float).ravel() for axis in _AXES], axis=-1)
    finite: Floats = points[np.isfinite(points).all(axis=1)]
    return finite


def _layout(name: str, message: PointCloud2) -> np.dtype[np.void]:
    """Where x, y and z lie in the bytes of a point."""
    order, step = ">" if message.is_bigendian else "<", int(message.point_step)
    formats, offsets = [], []
    for axis in _AXES:
        found = [field for field in message.fields if field.name == axis]
        if len(found) != 1:
            there = ", ".join(field.name for field in message.fields) or "none"
            raise InputError(f"{name}: {len(found)} fields {axis}; one is needed (fields: {there})")
        field = found[0]
        if field.datatype not in _FLOATS or field.count != 1:
            raise InputError(
                f"{name}: {axis} is {field.count} of datatype {field.datatype}; one FLOAT32 (7) or FLOAT64 (8), "
                "in metres, is allowed"
            )
        formats.append(order + _FLOATS[field.datatype])
        offsets.append(int(field.offset))
        if offsets[-1] + np.dtype(formats[-1]).itemsize > step:
            raise InputError(f"{name}: {axis} at byte {offsets[-1]} does not fit into a point_step of {step} bytes")
    return np.dtype({"names": list(_AXES), "formats": formats, "offsets": offsets, "itemsize": step})
