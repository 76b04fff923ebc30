"""Height maps of one person, seen one after the other: whether they lay still, and the mean of the maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..native import InputError
from .scan import SPACING, HeightMap

Floats = NDArray[np.float64]

_OFF = 0.016  # m, by which a tenth of the heights may differ. On the simulated camera noise of one frame is 9 mm and a
# deep breath (10 mm) 14 mm; 10 mm to the side, 20 mm along the table or a turn by 2 deg are 16 mm. Measured.


def check_still(name: str, first: HeightMap, later: HeightMap) -> None:
    """Raise InputError where a person has moved between two maps; breathing is no moving."""
    heights, known = _together([first, later])
    both = known.all(axis=0)
    if not both.any():
        raise InputError(f"{name}: the person has moved: nothing of their back is where it was; scan again")
    off = float(np.quantile(np.abs(heights[1] - heights[0])[both], 0.9))
    if off > _OFF:
        raise InputError(
            f"{name}: the person has moved: a tenth of the heights differ by {1e3 * off:.0f} mm or more; "
            f"at most {1e3 * _OFF:.0f} mm is allowed; scan again"
        )


def mean_map(maps: Sequence[HeightMap]) -> HeightMap:
    """The mean height of every cell over the maps that know it; known is what half of them know."""
    x, y = _grid(maps)
    heights, known = _together(maps)
    count = known.sum(axis=0)
    mean = np.where(count > 0, np.sum(known * heights, axis=0) / np.maximum(count, 1), heights.mean(axis=0))
    return HeightMap(x, y, mean, 2 * count >= len(maps))


def _grid(maps: Sequence[HeightMap]) -> tuple[Floats, Floats]:
    """(nx,), (ny,) m: the smallest grid that holds all; grids lie on multiples of the spacing."""
    axes = []
    for of in ("x", "y"):
        ends = [(getattr(one, of)[0], getattr(one, of)[-1]) for one in maps]
        low, high = np.rint(min(end[0] for end in ends) / SPACING), np.rint(max(end[1] for end in ends) / SPACING)
        axes.append(SPACING * np.arange(low, high + 1.0))
    return axes[0], axes[1]


def _together(maps: Sequence[HeightMap]) -> tuple[Floats, NDArray[np.bool_]]:
    """(maps, nx, ny) m and known, on the grid that holds all; 0 m, unknown, beside a map."""
    x, y = _grid(maps)
    heights, known = np.zeros((len(maps), len(x), len(y))), np.zeros((len(maps), len(x), len(y)), bool)
    for k, one in enumerate(maps):
        i, j = (round((own[0] - whole[0]) / SPACING) for own, whole in ((one.x, x), (one.y, y)))
        place = (k, slice(i, i + len(one.x)), slice(j, j + len(one.y)))
        heights[place], known[place] = one.height, one.known
    return heights, known
