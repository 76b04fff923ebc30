"""The compiled tissue against the readable one, and what tissue does."""

from pathlib import Path
from typing import Any

import massage_arm.control
import numpy as np
import pytest
import yaml
from massage_arm.native import Tissue, TissueLaw
from massage_arm.native.reference import ReferenceTissue
from massage_arm.native.tissue import cell_places

LAW = TissueLaw(k0=500.0, beta=130.0, bone_depth=0.014, bone=4.0 * 1000.0**1.5, threshold=300e3)
SITES = yaml.safe_load((Path(massage_arm.control.__file__).parent / "sites.yaml").read_text(encoding="utf-8"))


def flat(kind: Any = Tissue, law: TissueLaw = LAW, **changes: Any) -> Any:
    return kind(np.zeros((8, 8)), 0.0, 0.0, 0.01, law, **changes)


def static_force(site: str, depth: float) -> float:
    """N by the elastic law alone: pressed at once, nothing has relaxed yet."""
    t = SITES[site]["tissue"]
    bone = t["bone_n_mm15"] * 1000.0**1.5
    law = TissueLaw(t["k0_n_mm"] * 1e3, t["beta_per_mm"] * 1e3, t["bone_depth_mm"] * 1e-3, bone, t["ppt_kpa"] * 1e3)
    return float(flat(law=law).step([0.035, 0.035, -depth], [0.0, 0.0, 0.0], 0.0, 0.0, 1e-9)[0][2])


def test_tissue_is_the_reference() -> None:
    rng = np.random.default_rng(6)
    for _ in range(20):
        coefficients = rng.normal(0.0, 0.01, (9, 12))
        place = (-0.1, 0.2, 0.03)
        ours, readable = Tissue(coefficients, *place, LAW), ReferenceTissue(coefficients, *place, LAW)
        p = np.array([0.02, 0.37, ours.surface(0.02, 0.37)[0] - 0.002])
        for _ in range(300):
            v = rng.normal(0.0, 0.1, 3)
            p = p + v * 0.001
            lift, lift_rate = rng.normal(0.0, 0.003), rng.normal(0.0, 0.02)
            force, depth = ours.step(p, v, lift, lift_rate, 0.001)
            expected, expected_depth = readable.step(p, v, lift, lift_rate, 0.001)
            assert depth == pytest.approx(expected_depth, rel=1e-12, abs=1e-12)
            np.testing.assert_allclose(force, expected, rtol=1e-12, atol=1e-12 * max(1.0, np.abs(expected).max()))


def test_tissue_is_the_reference_wherever_the_tip_wanders() -> None:
    """Over a map of laws that differ from cell to cell, with rests of many seconds away from a place."""
    rng = np.random.default_rng(61)
    places = cell_places((12, 12), 0.0, 0.0, 0.01, 0.015)
    law = np.array(LAW) * rng.uniform(0.5, 1.5, (*map(len, places), 6))
    law[..., 5] = rng.uniform(0.0, 1.0, law.shape[:2])
    ours, readable = (kind(np.zeros((12, 12)), 0.0, 0.0, 0.01, law) for kind in (Tissue, ReferenceTissue))
    p = to = np.array([0.05, 0.05, -0.005])
    for k in range(3000):
        to = rng.uniform([0.02, 0.02, -0.012], [0.09, 0.09, 0.003]) if k % 20 == 0 else to
        v = np.clip(50.0 * (to - p), -1.0, 1.0)
        p = p + v * 0.001
        dt = 5.0 if k % 500 == 499 else 0.001
        force, depth = ours.step(p, v, 0.0, 0.0, dt, 1.3)
        expected, expected_depth = readable.step(p, v, 0.0, 0.0, dt, 1.3)
        assert depth == pytest.approx(expected_depth, rel=1e-12, abs=1e-12)
        np.testing.assert_allclose(force, expected, rtol=1e-9, atol=1e-9)


def test_a_sliding_tip_feels_no_jumps_and_memory_stays_with_the_skin() -> None:
    tissue, fresh = flat(), flat()
    for _ in range(20_000):
        tissue.step([0.035, 0.035, -0.01], [0.0, 0.0, 0.0], 0.0, 0.0, 0.001)
    here = tissue.step([0.035, 0.035, -0.01], [0.0, 0.0, 0.0], 0.0, 0.0, 0.001)[0][2]
    normals = [
        tissue.step([0.035 - 1e-5 * k, 0.035, -0.01], [0.0, 0.0, 0.0], 0.0, 0.0, 0.001)[0][2] for k in range(3000)
    ]
    assert np.abs(np.diff([here, *normals])).max() < 0.01
    elsewhere = fresh.step([0.005, 0.035, -0.01], [0.0, 0.0, 0.0], 0.0, 0.0, 0.001)[0][2]
    assert here < 0.8 * elsewhere
    assert normals[-1] > 0.8 * elsewhere  # new skin: only its own three seconds of relaxing
    for k in range(300):
        back = tissue.step([0.005 + 1e-4 * k, 0.035, -0.01], [0.0, 0.0, 0.0], 0.0, 0.0, 0.001)[0][2]
    assert back < 0.95 * fresh.step([0.035, 0.035, -0.01], [0.0, 0.0, 0.0], 0.0, 0.0, 0.001)[0][2]


def test_surface_is_the_reference_inside_and_beyond_the_edge() -> None:
    rng = np.random.default_rng(7)
    coefficients = rng.normal(0.0, 0.01, (7, 9))
    ours, readable = Tissue(coefficients, 0.1, -0.1, 0.02, LAW), ReferenceTissue(coefficients, 0.1, -0.1, 0.02, LAW)
    for x, y in rng.uniform(-0.3, 0.4, (2000, 2)):
        np.testing.assert_allclose(ours.surface(x, y), readable.surface(x, y), rtol=1e-12, atol=1e-12)


def test_slopes_are_those_of_the_heights() -> None:
    tissue = Tissue(np.random.default_rng(8).normal(0.0, 0.01, (9, 9)), 0.0, 0.0, 0.02, LAW)
    for x, y in np.random.default_rng(9).uniform(0.021, 0.139, (200, 2)):
        _, slope_x, slope_y = tissue.surface(x, y)
        run = 1e-6
        assert slope_x == pytest.approx(
            (tissue.surface(x + run, y)[0] - tissue.surface(x - run, y)[0]) / 2 / run, abs=1e-7
        )
        assert slope_y == pytest.approx(
            (tissue.surface(x, y + run)[0] - tissue.surface(x, y - run)[0]) / 2 / run, abs=1e-7
        )


@pytest.mark.parametrize(
    ("site", "force", "depth_mm"),
    [
        ("upper_trapezius", 10.0, 9.9),
        ("upper_trapezius", 20.0, 14.0),
        ("upper_trapezius", 40.0, 16.1),
        ("lumbar_erector", 10.0, 9.8),
        ("lumbar_erector", 40.0, 20.4),
    ],
)
def test_static_depth_is_the_reviews(site: str, force: float, depth_mm: float) -> None:
    assert static_force(site, (depth_mm - 0.06) * 1e-3) < force < static_force(site, (depth_mm + 0.06) * 1e-3)


def test_held_tissue_relaxes_to_what_does_not_relax() -> None:
    tissue = flat()
    forces = [tissue.step([0.035, 0.035, -0.01], [0.0, 0.0, 0.0], 0.0, 0.0, 0.01)[0][2] for _ in range(60_000)]
    elastic = LAW.k0 / LAW.beta * np.expm1(LAW.beta * 0.01)
    assert np.all(np.diff(forces) <= 0.0)
    assert forces[0] == pytest.approx(elastic, rel=0.01)
    assert forces[-1] == pytest.approx(0.7 * elastic, rel=1e-3)


def test_held_force_creeps_deeper() -> None:
    tissue, depth, rate = flat(), 0.005, 0.0
    depths = []
    for _ in range(20_000):
        force = tissue.step([0.035, 0.035, -depth], [0.0, 0.0, -rate], 0.0, 0.0, 0.001)[0][2]
        rate = (15.0 - force) / 2000.0
        depth += rate * 0.001
        depths.append(depth)
    assert depths[-1] > depths[10_000] > depths[5_000]


def test_friction_stays_below_coulomb_and_nothing_pulls() -> None:
    rng = np.random.default_rng(10)
    for _ in range(20):
        tissue = Tissue(rng.normal(0.0, 0.005, (12, 12)), -0.06, -0.06, 0.01, LAW)
        p, v = np.array([0.0, 0.0, 0.0]), np.zeros(3)
        for _ in range(1000):
            v = 0.98 * v + rng.normal(0.0, 0.05, 3)
            p = np.clip(p + v * 0.001, [-0.04, -0.04, -0.02], [0.04, 0.04, 0.02])
            force, depth = tissue.step(p, v, 0.0, 0.0, 0.001)
            _, slope_x, slope_y = tissue.surface(p[0], p[1])
            n = np.array([-slope_x, -slope_y, 1.0]) / np.sqrt(1.0 + slope_x**2 + slope_y**2)
            normal = force @ n
            assert normal >= -1e-12
            assert np.linalg.norm(force - normal * n) <= 0.10 * normal * (1.0 + 1e-9) + 1e-9
            assert depth > 0.0 or not force.any()


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
@pytest.mark.parametrize("name", [*TissueLaw._fields, "damping", "friction", "shear", "cell_spacing"])
def test_constants_that_make_no_sense_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} = {value}: a finite number"):
        if name in TissueLaw._fields:
            flat(law=LAW._replace(**{name: value}))
        else:
            flat(**{name: value})


@pytest.mark.parametrize(
    "change", [{"share": (0.5, 0.3, 0.2)}, {"share": (0.1,)}, {"tau": (0.3, 0.0, 60.0)}, {"tau": (1.0,) * 4}]
)
def test_memories_that_make_no_sense_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="allowed"):
        flat(**change)


def test_surfaces_without_a_whole_patch_are_refused() -> None:
    for heights in (np.zeros((3, 8)), np.zeros((8, 3)), np.zeros(16), np.full((5, 5), np.nan)):
        with pytest.raises(ValueError, match="4 x 4 finite coefficients"):
            Tissue(heights, 0.0, 0.0, 0.01, LAW)
    with pytest.raises(ValueError, match="spacing"):
        Tissue(np.zeros((8, 8)), 0.0, 0.0, 0.0, LAW)
