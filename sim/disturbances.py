"""What separates a real arm from an ideal one, as data (`disturbances.yaml`) and as one seeded draw of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..control.yaml_file import Field, read_yaml
from ..native import Chain, InputError

Floats = NDArray[np.float64]
FILE = Path(__file__).with_name("disturbances.yaml")
PRESETS = ("ideal", "realistic", "harsh")


@dataclass(frozen=True)
class Disturbances:
    """One preset; units are in the names, sources in the file."""

    coulomb_nm: tuple[float, float]
    viscous_nms: tuple[float, float]
    presliding_mrad: float
    torque_lag_ms: float
    delay_cycles: int
    gravity_residual_nm: tuple[float, float]
    link_mass_error: float
    link_com_error_mm: float
    tool_mass_error: float
    encoder_bits: float
    velocity_filter_ms: float
    sensor_noise_n: float
    sensor_noise_nm: float
    sensor_delay_ms: float
    sensor_quantum_n: float
    sensor_quantum_nm: float
    sensor_drift_n_per_10min: float
    cycle_jitter_ms: float
    lost_cycles: float
    surface_error_mm: float
    surface_error_deg: float
    breathing_mm: float
    breathing_hz: float


@cache
def load_disturbances(name: str) -> Disturbances:
    """The preset `name`; raises InputError for another name or a broken file."""
    if name not in PRESETS:
        raise InputError(f"disturbances: {name!r} is not known; one of {', '.join(PRESETS)} is allowed")
    kinds: dict[str, type | tuple[type, ...]] = {"int": int, "float": float, "tuple[float, float]": (float, float)}
    numbers = {f.name: Field(kinds[str(f.type)], minimum=0.0) for f in fields(Disturbances)}
    return Disturbances(**read_yaml(FILE, "massage-arm/disturbances/1", dict.fromkeys(PRESETS, numbers))[name])


def over_joints(ends: tuple[float, float], n: int) -> Floats:
    """A value per joint, from the shoulder's to the wrist's."""
    return np.linspace(*ends, n)


def wrong_chain(chain: Chain, d: Disturbances, rng: np.random.Generator) -> Chain:
    """The chain as the controller believes it: masses and centres of mass off by up to the preset's errors."""
    from dataclasses import replace

    scale = 1.0 + d.link_mass_error * rng.uniform(-1.0, 1.0, chain.n)
    shift = d.link_com_error_mm * 1e-3 * rng.uniform(-1.0, 1.0, (chain.n, 3)) / np.sqrt(3.0)
    return replace(
        chain,
        mass=chain.mass * scale,
        com=chain.com + shift,
        inertia=chain.inertia * scale[:, None, None],
    )


def wrong_surface(
    position: Floats, normal: Floats, d: Disturbances, rng: np.random.Generator
) -> tuple[Floats, Floats, float]:
    """A point and normal as a camera would report them, and by how much (m) the point is off along the normal."""
    error = d.surface_error_mm * 1e-3 * rng.uniform(-1.0, 1.0)
    axis = np.cross(normal, rng.standard_normal(3))
    axis /= np.linalg.norm(axis)
    tilt = np.deg2rad(d.surface_error_deg) * rng.uniform(0.0, 1.0)
    turned = normal * np.cos(tilt) + np.cross(axis, normal) * np.sin(tilt)
    return position + error * normal, turned, error
