"""What a tick of the simulated person costs, and what their tissue does to energy: `python -m bench.person [--json]`.

Time: `press_with` in its compiled loop, tissue, reflexes, release and heart together. Energy: a tip that goes in and
comes out again (what it gives must not come back as more), and a mass that falls on tissue and bounces off.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from massage_arm.app.figures import print_json, print_table
from massage_arm.control.figure import Figure
from massage_arm.native import Person, Tissue, TissueLaw, press_with

LAW = TissueLaw(k0=500.0, beta=130.0, bone_depth=0.014, bone=4.0 * 1000.0**1.5, threshold=300e3, trigger=1.0)
FLAT = (np.zeros((12, 12)), 0.0, 0.0, 0.01)
PLACE = (0.052, 0.047)
ELASTIC = {"share": (0.0, 0.0, 0.0), "damping": 0.0}
_STEPS = 200_000


def tick_us(repeats: int = 20) -> float:
    """µs per tick of 1 ms, the least of some repeats."""
    force, own = np.full(_STEPS, 30.0), np.zeros(_STEPS)
    noise = np.random.default_rng(0).standard_normal(_STEPS)
    best = float("inf")
    for _ in range(repeats):
        tissue, person = Tissue(*FLAT, LAW), Person()
        begin = time.perf_counter()
        press_with(tissue, person, PLACE, force, own, noise, tip_radius=0.012, contact_radius=0.010, every=1000)
        best = min(best, time.perf_counter() - begin)
    return best / _STEPS * 1e6


def allocations() -> int:
    """Blocks that ten times as many ticks allocate beyond what few do; their rows do not count."""

    def blocks(steps: int) -> int:
        tissue, person = Tissue(*FLAT, LAW), Person()
        given = (np.full(steps, 30.0), np.zeros(steps), np.zeros(steps))
        before = sys.getallocatedblocks()
        rows = press_with(tissue, person, PLACE, *given, tip_radius=0.012, contact_radius=0.010, every=steps)
        after = sys.getallocatedblocks()
        del rows
        return after - before

    blocks(100)
    return max(0, blocks(100_000) - blocks(10_000))


def cycle_work(hz: float, depth: float, slide: float, dt: float = 0.001) -> float:
    """J that a tip loses to the tissue in three closed cycles `depth` [m] deep that `slide` [m] along the skin."""
    tissue, lost = Tissue(*FLAT, LAW), 0.0
    time_ = np.arange(round(3.0 / hz / dt)) * dt
    turn = 2.0 * np.pi * hz
    for t in time_:
        at = (PLACE[0] + slide * np.sin(turn * t), PLACE[1], -depth * (1.0 - np.cos(turn * t)) / 2.0)
        v = (slide * turn * np.cos(turn * t), 0.0, -depth * turn * np.sin(turn * t) / 2.0)
        force, _ = tissue.step(at, v, 0.0, 0.0, dt)
        lost -= float(force @ v) * dt
    return lost


def bounce(dt: float, mass: float = 3.0, speed: float = 0.3, **tissue_constants: object) -> float:
    """Share of its energy that a mass keeps when it bounces off tissue at `speed` [m/s]; semi-implicit steps."""
    tissue, z, v = Tissue(*FLAT, LAW, **tissue_constants), 0.0, -speed
    while z <= 0.0:
        force, _ = tissue.step((*PLACE, z), (0.0, 0.0, v), 0.0, 0.0, dt)
        v += float(force[2]) / mass * dt
        z += v * dt
    return (v / speed) ** 2


def energy_figures() -> list[Figure]:
    """Nothing comes back as more; the step hardly matters."""
    lost = [cycle_work(hz, d, s) for hz in (0.1, 1.0, 5.0) for d in (0.005, 0.012, 0.018) for s in (0.0, 0.01)]
    elastic, coarse, fine = bounce(1e-3, **ELASTIC), bounce(1e-3), bounce(1e-4)
    return [
        Figure("tissue.energy_created", "J", max(0.0, -min(lost)), 0.0),
        Figure("tissue.energy_kept_elastic_error", "1", abs(elastic - 1.0), 1e-3),
        Figure("tissue.energy_step_dependence", "1", abs(coarse - fine) / fine, 2e-3),
    ]


def figures() -> list[Figure]:
    """All of them."""
    return [
        Figure("person.tick", "us", tick_us(), 3.0),
        Figure("person.allocations", "1", allocations(), 0.0),
        *energy_figures(),
    ]


if __name__ == "__main__":
    (print_json if "--json" in sys.argv else print_table)(figures())
