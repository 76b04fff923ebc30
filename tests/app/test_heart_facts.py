"""The report's section Heart: what is known before the first touch and since, and nothing that is not."""

import re
from pathlib import Path

import numpy as np
import pytest
from massage_arm.app.heart import heart_facts
from massage_arm.app.report import render
from massage_arm.control.run_log import read_run
from massage_arm.control.ticks import Ticks, tick_dtype
from massage_arm.native import ContactState


def ticks_of(rest_s: float, pressed_s: float) -> Ticks:
    """60 /min with an RMSSD of 80 ms, then 63.8 /min (0.94 s) with half of that; at 100 Hz."""
    rest, pressed = (
        interval + swing * (-1.0) ** np.arange(int(seconds / interval))
        for seconds, interval, swing in ((rest_s, 1.0, 0.04), (pressed_s, 0.94, 0.02))
    )
    ticks = np.zeros(int(100 * (rest_s + pressed_s)), tick_dtype(7))
    ticks["time"] = 0.01 * np.arange(len(ticks))
    ticks["beats"] = np.searchsorted(np.cumsum([*rest, *pressed]) - 0.005, ticks["time"], side="right")
    ticks["contact_state"] = np.where(ticks["time"] < rest_s, ContactState.APPROACH, ContactState.HOLD)
    return ticks


def test_before_and_since_with_the_change_of_rmssd() -> None:
    facts = dict(heart_facts(ticks_of(240.0, 120.0)))
    assert facts["Before"].startswith("60.0 /min, RMSSD 80")
    assert facts["Since the touch"].startswith("63.8 /min, RMSSD 40")
    assert facts["RMSSD against before"].startswith("−50 %, ln −0.69")


def test_a_short_rest_says_what_it_takes(finished_run: Path) -> None:
    facts = heart_facts(ticks_of(20.0, 30.0))
    assert [name for name, _ in facts] == ["Before", "Since the touch"]
    assert facts[0][1].startswith("not known; it takes 3 min")
    assert re.match(r"6[34]\.\d /min", facts[1][1]) and "RMSSD" not in facts[1][1]
    run = read_run(finished_run)
    run.ticks["beats"] = np.floor(run.ticks["time"] / 0.1)
    assert "<h2>Heart</h2>" not in render(run, None, "600 a minute is no heart")


@pytest.mark.parametrize("beats", [0.0, np.nan])
def test_without_beats_there_is_no_section(finished_run: Path, beats: float) -> None:
    run = read_run(finished_run)
    run.ticks["beats"] = beats
    assert "<h2>Heart</h2>" not in render(run, None, "no sensor")


def test_the_section_stands_in_the_report(finished_run: Path) -> None:
    run = read_run(finished_run)
    run.ticks["time"] *= 20.0
    run.ticks["beats"] = np.floor(run.ticks["time"] / 0.9)
    page = render(run, None, "a heart")
    assert re.search(r"<h2>Heart</h2>.*<dt>Since the touch</dt><dd>66\.\d /min", page, re.DOTALL)
