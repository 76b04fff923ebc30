"""How far the tool goes when contact is lost, and how fast a stop lets go: `python -m bench.stops [--json]`.

At 30 and 60 N on the lumbar erector, with two arms under `realistic` and `harsh`; the worst counts. Exit code 1 when a
goal is missed.
"""

from __future__ import annotations

import sys

from massage_arm.app.figures import print_json, print_table
from massage_arm.control.figure import Figure
from massage_arm.control.plan import PressPlan
from massage_arm.sim.campaign import ARMS, FaultRun, Outcome, outcome

FORCES_N = (30.0, 60.0)
AT_S = 7.5  # in the hold
TRAVEL_MM, UNLOAD_S = 20.0, 0.2
SILENT = "sensor_cut@{at}:0:0:1"  # says that it has no reading
STOPS = {"sensor_cut": SILENT, "sensor_nan": "sensor_nan@{at}", "set_point_stale": "set_point_stale@{at}"}


def stopped(force_n: float, fault: str) -> list[Outcome]:
    """The outcomes of a fault at a force, for every arm and preset."""
    plans = [
        PressPlan(
            arm=arm,
            site="lumbar_erector_right",
            force_n=force_n,
            ramp_s=1.5,
            hold_s=4.0,
            release_s=2.0,
            disturbances=disturbances,
            faults=fault.format(at=AT_S),
        )
        for arm in ARMS
        for disturbances in ("realistic", "harsh")
    ]
    return [outcome(FaultRun(0, 0, fault.partition("@")[0], plan)) for plan in plans]


def figures() -> list[Figure]:
    """Travel after loss of contact, and time from being noticed to less than 5 N for each kind of stop."""
    found = []
    for force in FORCES_N:
        lost = max(1e3 * one.travel_m for one in stopped(force, "contact_lost@{at}"))
        found.append(Figure(f"stops.travel_after_loss_{force:g}n", "mm", lost, TRAVEL_MM))
        for name, fault in STOPS.items():
            slowest = max(one.unloaded_s for one in stopped(force, fault))
            found.append(Figure(f"stops.unloaded_after_{name}_{force:g}n", "s", slowest, UNLOAD_S))
    return found


if __name__ == "__main__":
    shown = figures()
    (print_json if "--json" in sys.argv else print_table)(shown)
    sys.exit(any(figure.met is False for figure in shown))
