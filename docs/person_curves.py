"""Draw the curves of docs/person.md and measure the numbers in its table: `python docs/person_curves.py`.

All come from the compiled model with typical constants: an upper trapezius with an active trigger point under a tip of
12 mm radius of curvature and 10 mm contact radius, at 1 kHz.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from massage_arm.control.heart import heart_rate, intervals_of, rmssd
from massage_arm.control.sites import find_site
from massage_arm.native import TOUCH_FIELDS, Person, Tissue, TissueLaw, press_with

matplotlib.use("Agg")
import matplotlib.pyplot as plt

FOLDER = Path(__file__).parent
DT, TIP = 0.001, {"tip_radius": 0.012, "contact_radius": 0.010}
TRAPEZIUS = TissueLaw(k0=500.0, beta=130.0, bone_depth=0.014, bone=4.0 * 1000.0**1.5, threshold=300e3, trigger=1.0)
FLAT, PLACE = (np.zeros((12, 12)), 0.0, 0.0, 0.01), (0.05, 0.05)
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
Rows = list[tuple[str, str, str]]


def law(site: str) -> TissueLaw:
    t = find_site(site).tissue
    return TissueLaw(
        t.k0_n_mm * 1e3, t.beta_per_mm * 1e3, t.bone_depth_mm * 1e-3, t.bone_n_mm15 * 1e3**1.5, t.ppt_kpa * 1e3
    )


def held(force: np.ndarray) -> dict[str, np.ndarray]:
    """A press with forces (N,) per ms, at 100 Hz."""
    tissue, person = Tissue(*FLAT, TRAPEZIUS), Person()
    noise = np.random.default_rng(0).standard_normal(len(force))
    rows = press_with(tissue, person, PLACE, force, np.zeros(len(force)), noise, **TIP)
    return dict(zip(TOUCH_FIELDS, rows.T, strict=True)) | {"time": 0.01 * (1 + np.arange(len(rows)))}


def static(axes: plt.Axes) -> Rows:
    rows = []
    for site, said in (
        ("upper_trapezius_left", {10: (9.9, 1.8), 20: (14.0, 4.1), 40: (16.1, 12.8)}),
        ("lumbar_erector_left", {10: (9.8, 1.6), 20: (14.7, 2.6), 40: (20.4, 4.6), 60: (24.0, 6.6)}),
    ):
        tissue = Tissue(*FLAT, law(site))
        depth = np.arange(0.0, 0.0265, 1e-5)
        force = np.empty_like(depth)
        for k, d in enumerate(depth):
            fresh = Tissue(*FLAT, law(site)) if k == 0 else tissue
            fresh.memory[:] = 0.0
            # What is held relaxes; the law itself is the force of an instant.
            force[k] = fresh.step((*PLACE, -d), (0.0, 0.0, 0.0), 0.0, 0.0, 1e-9)[0][2]
        axes.plot(1e3 * depth[force < 80], force[force < 80], label=site.replace("_", " ").removesuffix(" left"))
        for newton, (mm, tangent) in said.items():
            at = float(np.interp(newton, force, depth))
            slope = float(np.interp(at, depth, np.gradient(force, depth))) * 1e-3
            rows.append((f"{site.removesuffix('_left').replace('_', ' ')} at {newton} N", f"{mm} mm, {tangent} N/mm",
                         f"{1e3 * at:.1f} mm, {slope:.1f} N/mm"))  # fmt: skip
    axes.set(xlabel="depth, mm", ylabel="force, N", title="Force at depth")
    axes.legend()
    return rows


def relaxation(axes: plt.Axes) -> Rows:
    tissue = Tissue(*FLAT, TRAPEZIUS._replace(trigger=0.0))
    force = [tissue.step((*PLACE, -0.008), (0.0, 0.0, 0.0), 0.0, 0.0, DT)[0][2] for _ in range(120_001)]
    share = np.array(force) / force[0]
    axes.semilogx(DT * np.arange(1, len(share)), share[1:])
    axes.set(xlabel="time held at 8 mm, s", ylabel="share of the first force", title="Relaxation")
    return [
        (
            "force after 1, 10, 60, 120 s",
            "0.855, 0.77, 0.73, 0.71",
            ", ".join(f"{share[1000 * s]:.3f}" for s in (1, 10, 60, 120)),
        )
    ]


def calm_hold(axes: plt.Axes) -> Rows:
    row = held(np.full(600_000, 30.0))
    for name, label in (("pressure_share", "pressure / threshold"), ("release", "release"), ("tone", "tone")):
        axes.plot(row["time"], row[name], label=label)
    axes.set(xlabel="time, s", title="30 N held")
    axes.legend()
    at = {s: 100 * s - 1 for s in (5, 30, 90, 300, 600)}
    kpa = 1e-3 * row["force"][at[5]] / (np.pi * 0.010**2)
    return [
        ("30 N: pressure, pressure / threshold", "95 kPa, 0.74", f"{kpa:.0f} kPa, {row['pressure_share'][at[5]]:.2f}"),
        (
            "30 N: release at 30 s, 90 s, in the end",
            "0.32, 0.54, 0.75",
            ", ".join(f"{row['release'][at[s]]:.2f}" for s in (30, 90, 600)),
        ),
        (
            "30 N: pressure / threshold in the end; pain; tone",
            "0.51; 0; 0.02",
            f"{row['pressure_share'][at[600]]:.2f}; {row['pain'].max():.0f}; {row['tone'][at[600]]:.2f}",
        ),
        ("30 N: softening at 300 s", "5.5 %", f"{100 * row['softening'][at[300]]:.1f} %"),
    ]


def heart(axes: plt.Axes) -> Rows:
    pressed, alone = held(np.full(900_000, 30.0)), held(np.full(900_000, 0.0))
    said = []
    for label, row in (("30 N", pressed), ("nothing", alone)):
        time = row["time"]
        at = time[1:][np.diff(row["beats"]) > 0]
        rate = 60.0 / np.diff(at)
        smooth = np.convolve(rate, np.ones(15) / 15, "valid")
        axes.plot(at[8 : 8 + len(smooth)], smooth, label=label)

        def over(begin: float, end: float, row: dict[str, np.ndarray] = row, time: np.ndarray = time) -> np.ndarray:
            where = (time > begin) & (time <= end)
            return intervals_of(time[where], row["beats"][where])

        said.append([heart_rate(over(105, 135)), heart_rate(over(840, 900)), 1e3 * rmssd(over(600, 900))])
    axes.set(xlabel="time, s", ylabel="beats per minute", title="Heart under 30 N")
    axes.legend()
    return [
        (
            "heart at 2 and 15 min of 30 N; RMSSD",
            "63.5, 61.8 /min; 48 ms",
            f"{said[0][0]:.1f}, {said[0][1]:.1f} /min; {said[0][2]:.0f} ms",
        ),
        ("the same without contact", "66.7 /min; 38-40 ms", f"{said[1][1]:.1f} /min; {said[1][2]:.0f} ms"),
    ]


def jab(axes: plt.Axes) -> Rows:
    said = []
    for speed in (0.2, 0.02):
        tissue, person, depth, bulge = Tissue(*FLAT, TRAPEZIUS), Person(threshold=300e3, trigger=1.0), 0.0, 0.0
        force, tone = [], []
        for k in range(1200):
            rate = speed if k < round(0.015 / speed / DT) else 0.0
            depth += rate * DT
            f = float(tissue.step((*PLACE, -depth), (0.0, 0.0, -rate), bulge, 0.0, DT, person.tone_factor)[0][2])
            area = np.pi * min(0.012 * depth, 0.010**2)
            person.step(f, area, rate)
            force.append(f)
            tone.append(person.tone)
        time = 1e3 * DT * np.arange(1200)
        (line,) = axes.plot(time, force, label=f"force, {1e3 * speed:.0f} mm/s")
        axes.plot(time, 100 * np.array(tone), "--", color=line.get_color(), label="tone, %")
        said.append((max(force), max(tone)))
    axes.set(xlabel="time, ms", ylabel="N, %", title="Jab to 15 mm")
    axes.legend(loc="upper right")
    return [
        ("jab at 200 mm/s: force, tone", "49 N, 0.23", f"{said[0][0]:.0f} N, {said[0][1]:.2f}"),
        ("the same at 20 mm/s", "31 N, 0.02", f"{said[1][0]:.0f} N, {said[1][1]:.2f}"),
    ]


def too_hard(axes: plt.Axes) -> Rows:
    force = np.concatenate([np.zeros(120_000), np.full(30_000, 80.0), np.zeros(90_000)])
    row = held(force)
    time = row["time"]
    axes.plot(time, row["pain"], label="pain, 0-10")
    axes.plot(time, 10 * row["tone"], label="tone × 10")
    axes.plot(time, 10 * row["release"], label="release × 10")
    axes.set(xlabel="time, s", title="80 N for 30 s", xlim=(110, 200))
    axes.legend()
    end = 14_990

    def over(begin: float, until: float) -> np.ndarray:
        where = (time > begin) & (time <= until)
        return intervals_of(time[where], row["beats"][where])

    before, after = over(0, 120), over(130, 200)
    return [
        (
            "80 N: pressure / threshold, pain, tone, release",
            "2.1, 7.2, 0.9, 0.01",
            ", ".join(f"{row[name][end]:.2f}" for name in ("pressure_share", "pain", "tone", "release")),
        ),
        (
            "80 N: heart and RMSSD against before",
            "+4 to +6 /min, -20 %",
            f"{heart_rate(after) - heart_rate(before):+.1f} /min, {100 * (rmssd(after) / rmssd(before) - 1):+.0f} %",
        ),
    ]


CURVES: dict[str, Callable[[plt.Axes], Rows]] = {
    "static": static, "relaxation": relaxation, "hold": calm_hold, "heart": heart, "jab": jab, "too-hard": too_hard,
}  # fmt: skip


def main() -> None:
    """Write docs/person/*.png and the table between the marks in docs/person.md."""
    rows: Rows = []
    (FOLDER / "person").mkdir(exist_ok=True)
    for name, draw in CURVES.items():
        figure, axes = plt.subplots(figsize=(5.0, 3.2), layout="constrained")
        rows += draw(axes)
        axes.grid(alpha=0.3)
        figure.savefig(FOLDER / "person" / f"{name}.png", dpi=110, metadata={"Software": None})
        plt.close(figure)
    table = "\n".join(["| | table D.7 | measured |", "|---|---|---|", *(f"| {a} | {b} | {c} |" for a, b, c in rows)])
    page = FOLDER / "person.md"
    text = page.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    page.write_text(f"{head}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
