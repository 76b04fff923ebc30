"""Several maps of one back: breathing is allowed, moving is named, and the mean has less noise than each."""

import numpy as np
import pytest
from massage_arm.control.body import load_body
from massage_arm.control.scan import HeightMap, height_map
from massage_arm.control.scan_series import check_still, mean_map
from massage_arm.native import InputError
from massage_arm.sim.camera import Camera, Lying, look

BODY = load_body("woman_38_average")


def seen(seed: int, lying: Lying) -> HeightMap:
    cloud = look(BODY, np.random.default_rng(seed), lying, Camera(frames=1, mount_mm=0.0, mount_deg=0.0))
    return height_map("cloud", cloud)


FIRST = seen(1, Lying())


@pytest.mark.parametrize("lying", [Lying(), Lying(breath=0.010), Lying(breath=-0.005), Lying(x=0.005, y=0.003)])
def test_breathing_is_no_moving(lying: Lying) -> None:
    check_still("cloud", FIRST, seen(2, lying))


@pytest.mark.parametrize(
    "lying",
    [Lying(breath=0.025), Lying(breath=-0.025), Lying(y=0.02), Lying(x=0.04), Lying(turn=np.radians(4.0))],
)
def test_moving_is_named(lying: Lying) -> None:
    said = (
        r"cloud: the person has moved: a tenth of the heights differ by [23]. mm or more; at most 16 mm .* scan again"
    )
    with pytest.raises(InputError, match=said):
        check_still("cloud", FIRST, seen(2, lying))


def flat(x: int, y: int, height: float, known: bool = True) -> HeightMap:
    """4 by 3 cells that begin at cell (x, y)."""
    shape = (4, 3)
    return HeightMap(
        0.005 * (x + np.arange(4)), 0.005 * (y + np.arange(3)), np.full(shape, height), np.full(shape, known)
    )


def test_somebody_else_at_another_place_has_moved() -> None:
    with pytest.raises(InputError, match="nothing of their back is where it was"):
        check_still("cloud", flat(0, 0, 0.2), flat(40, 0, 0.2))


def test_the_mean_is_of_those_who_know() -> None:
    mean = mean_map([flat(-2, 0, 0.2), flat(0, 1, 0.3), flat(0, 0, 9.0, known=False)])
    assert mean.x == pytest.approx(0.005 * np.arange(-2, 4)) and mean.y == pytest.approx(0.005 * np.arange(4))
    assert mean.height[0, 0] == pytest.approx(0.2) and mean.height[5, 3] == pytest.approx(0.3)
    assert mean.height[2, 1] == pytest.approx(0.25)
    assert mean.known.sum() == 4 and mean.known[2:4, 1:3].all()  # two of three know


def test_the_mean_of_noisy_maps_is_nearer_to_the_truth_than_each() -> None:
    maps = [seen(seed, Lying()) for seed in range(1, 5)]

    def off(one: HeightMap) -> float:
        x, y = (axis.ravel() for axis in np.meshgrid(one.x, one.y, indexing="ij"))
        known = one.known.ravel() & (x > 0.1) & (x < 0.6) & (np.abs(y) < 0.12)
        true = [BODY.height_field.value_and_gradient(*at)[0] for at in np.column_stack([x, y])[known]]
        return float(np.std(one.height.ravel()[known] - true))

    assert off(mean_map(maps)) < 0.75 * min(off(one) for one in maps)
