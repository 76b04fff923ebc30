"""The report is one file that needs nothing from outside and says what the log says."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest
from massage_arm.app.report import _thin, _thin_time, render, write_report
from massage_arm.control.body import load_body
from massage_arm.control.dose import dose_of_run
from massage_arm.control.dose_picture import dose_picture
from massage_arm.control.figure import spell
from massage_arm.control.run_log import read_run
from massage_arm.control.tool import load_tool
from massage_arm.native.errors import InputError


@pytest.fixture
def page(finished_run: Path) -> str:
    return write_report(finished_run).read_text(encoding="utf-8")


def test_the_report_loads_nothing_from_outside(page: str) -> None:
    loads = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]*)""", page)
    assert loads
    assert all(load.startswith(("data:", "#")) for load in loads), loads
    addresses = re.findall(r"https?://[^\s\"'<]*", page)
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}, "a name of a format, not a load"


def test_the_report_is_light(page: str) -> None:
    assert len(page) < 2_000_000


def test_the_report_holds_figures_facts_picture_and_hashes(page: str, finished_run: Path) -> None:
    for words in ("steady error", "rms error", "overshoot", "contact peak", "dose", "max torque share", "≤ 0.08 N"):
        assert words in page
    for words in ("40 N on interscapular right", "iiwa14", "thumb", "realistic, seed 0", "simulator", "fake"):
        assert words in page
    hashes = json.loads((finished_run / "inputs" / "hashes.json").read_text())
    assert all(digest in page for digest in hashes.values())
    assert base64.b64encode((finished_run / "scene.png").read_bytes()).decode() in page


def test_the_curves_in_the_page_are_those_of_the_log(page: str, finished_run: Path) -> None:
    data = json.loads(re.search(r"^const panels = (.*);$", page, re.MULTILINE).group(1))[0]  # type: ignore[union-attr]
    ticks = read_run(finished_run).ticks
    plots = {plot["title"]: plot for plot in data["plots"]}
    true = next(curve for curve in plots["Force"]["curves"] if curve["name"] == "true")
    embedded = np.frombuffer(base64.b64decode(true["values"]), "<f4")
    assert np.array_equal(embedded, ticks["force_true"].astype("<f4"))
    assert [phase["name"] for phase in data["phases"]] == ["approach", "touch", "ramp", "hold", "release", "retract"]
    assert len(plots["Torque, share of the joint's limit"]["curves"]) == 7


def test_a_report_needs_the_log_alone(finished_run: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "run.mcap").write_bytes((finished_run / "run.mcap").read_bytes())
    assert "steady error" in write_report(alone).read_text(encoding="utf-8")


def test_the_report_has_the_dose_beside_its_caps_and_the_map_on_the_body(page: str, finished_run: Path) -> None:
    dose = dose_of_run(read_run(finished_run).ticks, load_tool("thumb"))
    assert f"{spell(1e-3 * dose.dose.max(), 'kPa·s')} on one cm², " in page
    assert f"{spell(1e-3 * dose.peak.max(), 'kPa')}, {dose.peak.max() / 160e3:.1%}"[:-1] in page
    assert "1 over one place" in page
    assert "true force and true depth" in page
    assert base64.b64encode(dose_picture(load_body("average"), dose)).decode() in page


def test_the_dose_of_a_real_arm_says_that_force_and_area_are_not_the_true_ones(finished_run: Path) -> None:
    run = read_run(finished_run)
    run.ticks["force_true"] = run.ticks["depth"] = np.nan
    page = render(run, None, "real")
    assert "measured force, on the largest contact area of the tool" in page
    assert "Largest dose" in page


def test_a_report_whose_tool_or_body_is_lost_says_what_is_missing(finished_run: Path, tmp_path: Path) -> None:
    run = read_run(finished_run)
    plan = run.metadata["plan"]
    run.metadata["plan"] = plan.replace("tool: thumb", "tool: gone.yaml")
    page = render(run, None, "no tool", inputs=tmp_path)
    assert f"{tmp_path / 'tool.yaml'}: file not found" in page
    assert "Largest dose" not in page
    run.metadata["plan"] = plan.replace("person: average", "person: gone.npz")
    page = render(run, None, "no body", inputs=tmp_path)
    assert f"none: {tmp_path / 'body.npz'}: there is no such file" in page
    assert "Largest dose" in page
    run.metadata.update({"plan": plan.replace("person: average", "person: 1/17"), "person": '{"body": "average"}'})
    assert "Dose on the body" in render(run, None, "one of a population")


def test_a_report_of_a_killed_run_says_so(finished_run: Path) -> None:
    log = finished_run / "run.mcap"
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    page = write_report(finished_run).read_text(encoding="utf-8")
    assert "The log was cut short at" in page


def test_a_log_without_ticks_gives_no_report(finished_run: Path) -> None:
    run = read_run(finished_run)
    empty = type(run)(run.metadata, run.ticks[:0], False, {})
    with pytest.raises(InputError, match="holds no ticks"):
        render(empty, None, "nothing")


def test_names_from_outside_cannot_inject_script(finished_run: Path) -> None:
    run = read_run(finished_run)
    run.metadata["simulator"] = "</script><script>alert(1)</script>"
    run.metadata["joint_names"] = json.dumps(["</script><img src=x onerror=alert(1)>"] * 7)
    page = render(run, None, "<b>name</b>")
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<b>name</b>" not in page


def test_thinning_keeps_every_peak() -> None:
    random = np.random.default_rng(2)
    values = random.normal(size=10_007)
    values[4321], values[8000] = 50.0, -60.0
    thin = _thin(values, 7)
    assert thin.max() == 50.0
    assert thin.min() == -60.0
    assert len(thin) == len(_thin_time(np.arange(10_007.0), 7))


def test_stiffness_is_told_where_something_is_known_of_it(finished_run: Path, page: str) -> None:
    assert "Tissue stiffness" not in page, "the fake arm stays where it is"
    run = read_run(finished_run)
    force = run.ticks["force_measured"]
    run.ticks["tcp_position"][:, 2] = 1.0 - 8e-3 * np.log(np.maximum(force, 0.0) + 5.0)  # 2.5 N/mm at 15 N
    alone = render(run, None, "nobody's back")
    assert re.search(r"Tissue stiffness.*Found</dt><dd>2\.[3-7] ± 0\.\d N/mm", alone, re.DOTALL)
    assert "Stiffness on the back" not in alone
    run.metadata["person"] = json.dumps({"body": "man_58_heavy"})
    picture = re.search(r'alt="Stiffness on the back"[^>]*base64,([^"]*)"', render(run, None, "a back"))
    assert picture is not None and base64.b64decode(picture[1]).startswith(b"\x89PNG")
