"""People, bodies, scans and the comparison as a user meets them: what is shown, written and refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh
import yaml
from massage_arm.control.body import load_body
from massage_arm.control.registration import LANDMARKS
from PIL import Image

Command = Callable[..., tuple[int, str, str]]


def refused(answer: tuple[int, str, str], *said: str) -> None:
    code, out, err = answer
    assert code == 2 and not out and len(err.strip().splitlines()) == 1
    for words in said:
        assert words in err
    assert not list(Path().iterdir()), "nothing is written"


def test_a_thousand_people_are_the_same_thousand_every_time(command: Command) -> None:
    first, again = (command("people", "--count", 1000, "--seed", 1, "--json") for _ in range(2))
    assert first == again and first[0] == 0
    people = json.loads(first[1])
    assert len(people) == 1000 and people[17]["name"] == "1/17"
    assert {"body", "sex", "stiffness", "threshold", "trigger_points", "constants"} <= set(people[0])
    assert command("people", "--count", 1000, "--seed", 2, "--json")[1] != first[1]


def test_people_are_shown_as_a_spread(command: Command) -> None:
    code, out, _ = command("people", "--count", 50)
    assert code == 0
    assert "stiffness, factor" in out and "own thumb, N" in out


def test_bodies_are_listed_and_drawn(command: Command) -> None:
    assert "woman_74_small" in command("body", "list")[1]
    code, out, _ = command("body", "show", "1/3", "--out", "me.png")
    assert code == 0 and "infraspinatus_right" in out
    picture = np.asarray(Image.open("me.png").convert("RGB"), float)
    red = (picture[..., 0] > picture[..., 1] + 60) & (picture[..., 0] > picture[..., 2] + 60)
    assert red.mean() > 0.02, "areas to keep out of are drawn"
    shown = json.loads(command("body", "show", "1/3", "--out", "me.png", "--json")[1])
    assert len(shown["sites"]) == 18 and "kidney_left" in shown["keep_out_m"]


def test_a_simulated_scan_tells_how_far_it_is_off(command: Command) -> None:
    code, out, _ = command("scan", "1/5", "--cloud", "points.ply", "--json")
    shown = json.loads(out)
    assert code == 0 and {path.name for path in Path().iterdir()} == {"back.npz", "back.png", "points.ply"}
    assert 0.0 < np.mean([site["off_mm"] for site in shown["sites"].values()]) < 6.0
    assert len(trimesh.load("points.ply").vertices) > 50_000
    assert load_body("back.npz").sites.keys() == shown["sites"].keys()
    assert "from the true sites" in command("scan", "1/5")[1]


def write_own(scale: float) -> None:
    body = load_body("woman_25_slim")
    trimesh.Trimesh(scale * body.vertices, body.triangles, process=False).export("me.stl")
    marks = {name: (1e3 * body.landmarks[name][:2]).round().tolist() for name in LANDMARKS}
    Path("marks.yaml").write_text(yaml.safe_dump({"schema": "massage-arm/landmarks/1", "landmarks_mm": marks}))


def test_an_own_body_is_scanned_and_pressed(command: Command) -> None:
    write_own(1000.0)
    code, out, _ = command("scan", "me.stl", "--unit", "mm", "--landmarks", "marks.yaml", "--out", "me.npz")
    assert code == 0 and "upper trapezius left" in out and "true sites" not in out
    code, out, _ = command("run", "--person", "me.npz", "--hold", 1, "--quiet", "--out", "run", "--json")
    assert code == 0 and Path("run/inputs/body.npz").read_bytes() == Path("me.npz").read_bytes()
    Path("me.npz").unlink()
    assert command("replay", "run")[0] == 0, "from the run's own copy"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["scan", "nobody"], ["person: 'nobody'"]),
        (["scan", "me.ply"], ["me.ply", "--landmarks is needed"]),
        (["scan", "1/2", "--landmarks", "m.yaml"], ["m.yaml goes with a file"]),
        (["scan", "1/2", "--out", "back.txt"], ["out: back.txt", ".npz"]),
        (["scan", "1/2", "--out", "no/back.npz"], ["no is not a folder"]),
        (["scan", "1/2", "--cloud", "back.xyz"], ["cloud: back.xyz", ".ply"]),
        (["body", "show", "man_41_avrage"], ["did you mean man_41_average"]),
        (["run", "--person", "1/x"], ["person: '1/x'"]),
        (["run", "--person", "gone.npz"], ["gone.npz", "no such file"]),
        (["compare", "self", "--site", "uper_trapezius_left"], ["did you mean upper_trapezius_left"]),
        (["compare", "self", "--hold", "900"], ["hold_s", "5 to 90"]),
    ],
)
def test_slips_are_named(command: Command, arguments: list[str], said: list[str]) -> None:
    refused(command(*arguments), *said)


def test_a_comparison_says_what_it_rests_on(command: Command) -> None:
    asked = ("compare", "self", "--count", 2, "--site", "upper_trapezius_left", "--hold", 10, "--changes-on", 1)
    code, out, _ = command(*asked, "--json", "--jobs", 2)
    shown = json.loads(out)
    assert code == 0 and shown["people"] == 2 and len(shown["checks"]) == 2
    assert {"in_band", "release", "guarded", "dose_error", "reached"} <= set(shown["figures"])
    assert {row["factor"] for row in shown["assumptions"]} == {0.5, 2.0} and len(shown["assumptions"]) > 100
    code, out, _ = command(*asked[:-1], 0)
    assert code == 0 and "sites out of reach" in out and "Checked in PyBullet" in out
