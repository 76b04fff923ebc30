"""Draws docs/strokes/*.png and writes the strokes into docs/strokes.md: `python docs/strokes_page.py`."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from massage_arm.control.body import Body, load_body
from massage_arm.control.strokes import Stroke, load_strokes

matplotlib.use("Agg")
import matplotlib.pyplot as plt

FOLDER = Path(__file__).parent
PAGE, PICTURES = FOLDER / "strokes.md", FOLDER / "strokes"
BEGIN, END = "<!-- strokes -->", "<!-- /strokes -->"
SITES = {"line": "thoracic_erector_right", "circle": "infraspinatus_right", "across": "lumbar_erector_right"}
SPOTS = {"tapotement": "gluteal_right", "rolling": "lumbar_erector_right", "vibration": "thoracic_erector_right"}
AREA = (-0.19, 0.19, 0.02, 0.76)  # m, of the back that is shown: y from right to left, x towards the head
BLUE, GREY = "#1f5fa8", "#8a8a8a"


def site_of(stroke: Stroke) -> str:
    """Where it is drawn."""
    return SPOTS.get(stroke.name, SITES.get(stroke.path, "upper_trapezius_right"))


def draw_way(axes: plt.Axes, body: Body, stroke: Stroke) -> None:
    left, right, low, high = AREA
    x, y = np.arange(low, high, 0.004), np.arange(left, right, 0.004)
    field = body.height_field
    height = np.array([[field.value_and_gradient(a, b)[0] if field.contains(a, b) else np.nan for b in y] for a in x])
    axes.contour(y, x, height, levels=9, colors="#cfc6bd", linewidths=0.6)
    for corners in body.keep_out.values():
        axes.fill(corners[:, 1], corners[:, 0], facecolor="none", edgecolor=GREY, hatch="////", linewidth=0.4)
    points = np.array([p.position for p in stroke.way(field, body.sites[site_of(stroke)]).sampled(0.002)])
    axes.plot(
        points[:, 1], points[:, 0], color=BLUE, linewidth=2.5, marker="o", markersize=6 if len(points) == 1 else 0
    )
    axes.set(xlim=(right, left), ylim=(low, high), aspect="equal", xticks=[], yticks=[])
    axes.set_title(site_of(stroke).replace("_", " "), fontsize=8)


def force(stroke: Stroke) -> tuple[np.ndarray, np.ndarray]:
    """Time [s] and force [N] of two turns; of a stroke that stays, of two swings, or of all its time."""
    turn = stroke.turn_s if np.isfinite(stroke.turn_s) else 1.0 / stroke.swing_hz if stroke.swing_hz else np.inf
    time = np.linspace(0.0, 2.0 * turn if np.isfinite(turn) else stroke.seconds, 800)
    mean = stroke.force_n * np.array([stroke.share(t) for t in time])
    return time, mean * (1.0 + stroke.swing_share * np.sin(2.0 * np.pi * stroke.swing_hz * time))


def draw(body: Body, stroke: Stroke) -> None:
    figure, (back, over_time) = plt.subplots(1, 2, figsize=(6.0, 2.7), width_ratios=(1, 2.4), layout="constrained")
    draw_way(back, body, stroke)
    time, newton = force(stroke)
    over_time.plot(time, newton, color=BLUE)
    over_time.set(xlabel="s", ylabel="N", xlim=(0.0, time[-1]), ylim=(0.0, 1.15 * newton.max()))
    over_time.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURES / f"{stroke.name}.png", dpi=80)
    plt.close(figure)


def section(stroke: Stroke) -> str:
    """What the page says of a stroke."""
    title = stroke.name.replace("_", " ")
    rows = [f"| {name} | {getattr(stroke, name):g} | {source} |" for name, source in stroke.sources.items()]
    head = f"{stroke.about} Path: {stroke.path}; meant for the tool {stroke.tool}."
    picture = f"![Way and force of {title}](strokes/{stroke.name}.png)"
    table = "\n".join(["| number | value | source |", "|---|---|---|", *rows])
    return f"### {title}\n\n{head}\n\n{picture}\n\n{table}\n"


def page(text: str) -> str:
    """The page with its strokes as they are now."""
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    sections = "\n".join(section(stroke) for stroke in load_strokes().values())
    return f"{before}{BEGIN}\n{sections}{END}{after}"


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    average = load_body("average")
    for stroke in load_strokes().values():
        draw(average, stroke)
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
