"""Draw the five stops of docs/safety_case.md: `python docs/stop_strips.py`.

Each is one press of 40 N in PyBullet, iiwa 14, `realistic`. In the pictures only the arm moves: the skin that rises or
falls away is part of the force, not of the picture.
"""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib
import numpy as np
from massage_arm.control.plan import PressPlan
from massage_arm.control.ticks import Ticks, all_causes
from massage_arm.sim.press import PressSimulation
from PIL import Image

matplotlib.use("Agg")
import matplotlib.pyplot as plt

FOLDER = Path(__file__).parent / "stops"
AT = 6.5  # s, in the hold
STOPS = {
    "asked": ("A person asks for a stop", {"asks": f"stop@{AT}"}),
    "sensor-cut": ("The force sensor falls silent", {"faults": f"sensor_cut@{AT}"}),
    "contact-lost": ("The surface falls away", {"faults": f"contact_lost@{AT}"}),
    "person-rises": ("The person comes up by 5 cm within 0.3 s", {"faults": f"person_rises@{AT}:0.3"}),
    "encoder-cut": ("A joint's position is NaN: no withdrawal, no stiffness", {"faults": f"encoder_cut@{AT}"}),
}
SEEN = (0.0, 0.1, 0.25, 0.5, 1.0)  # s after AT
WINDOW = (300, 90, 760, 470)  # of the picture, px


def frames(plan: PressPlan) -> tuple[list[Image.Image], Ticks]:
    """Pictures at `SEEN`, and all ticks."""
    simulation = PressSimulation(plan)
    pictures, blocks = [], []
    while (block := simulation.advance(10)) is not None:
        blocks.append(block)
        if len(pictures) < len(SEEN) and simulation.time >= AT + SEEN[len(pictures)]:
            pictures.append(Image.open(io.BytesIO(simulation.picture())).crop(WINDOW))
    simulation.close()
    return pictures, np.concatenate(blocks)


def draw(name: str, title: str, pictures: list[Image.Image], ticks: Ticks) -> None:
    """One strip: pictures above, true force and height of the tool below."""
    figure = plt.figure(figsize=(10, 3.6), constrained_layout=True)
    grid = figure.add_gridspec(2, len(SEEN), height_ratios=(1.7, 1.0))
    for column, (after, picture) in enumerate(zip(SEEN, pictures, strict=False)):
        axes = figure.add_subplot(grid[0, column])
        axes.imshow(picture)
        axes.set_title(f"{1e3 * after:+.0f} ms", fontsize=9)
        axes.axis("off")
    shown = (ticks["time"] > AT - 0.3) & (ticks["time"] < AT + 1.1)
    after_ms = 1e3 * (ticks["time"][shown] - AT)
    axes = figure.add_subplot(grid[1, :])
    axes.plot(after_ms, ticks["force_true"][shown], color="#d55e00", label="true force (N)")
    start = ticks["tcp_position"][shown][0]
    away = -1e3 * np.einsum("ij,ij->i", ticks["tcp_position"][shown] - start, ticks["press_direction"][shown])
    axes.plot(after_ms, away, color="#0072b2", label="tool outwards (mm)")
    axes.axhline(5.0, color="#9aa5af", linewidth=0.6)
    for after in SEEN:
        axes.axvline(1e3 * after, color="#9aa5af", linewidth=0.6, linestyle=":")
    axes.set_xlabel("ms")
    axes.legend(fontsize=8, loc="upper left", frameon=False)
    figure.suptitle(f"{title}: {', '.join(all_causes(ticks)) or 'no cause'}", fontsize=11)
    figure.savefig(FOLDER / f"{name}.png", dpi=90)
    plt.close(figure)


def main() -> None:
    """Draw all strips into docs/stops/."""
    FOLDER.mkdir(exist_ok=True)
    for name, (title, what) in STOPS.items():
        draw(name, title, *frames(PressPlan(force_n=40.0, hold_s=3.0, release_s=1.0, **what)))


if __name__ == "__main__":
    main()
