"""A person's own thresholds: what is written reads back, and what is wrong is named."""

from pathlib import Path

import pytest
from massage_arm.control.pressure_profile import Segment
from massage_arm.control.thresholds import load_thresholds, threshold_kpa, thresholds_yaml
from massage_arm.control.tool import load_tool
from massage_arm.native import InputError


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(thresholds_yaml("1/3", {"upper_trapezius_left": 210.04}, "test"))
    assert load_thresholds(path, "1/3") == {"upper_trapezius_left": 210.0}


@pytest.mark.parametrize("tool", ["thumb", "ball", "palm"])
def test_all_of_the_threshold_is_the_force_at_which_the_word_came(tool: str) -> None:
    whole = Segment("ramp", 5.0, "test", percent_of_threshold=100.0)
    assert whole.target_n(load_tool(tool), threshold_kpa(17.0, load_tool(tool))) == pytest.approx(17.0)


@pytest.mark.parametrize(
    ("was", "put", "said"),
    [
        ("upper_trapezius_left", "upper_trapez", "upper_trapez"),
        ("210.0", "2.1", "threshold_kpa"),
        ("210.0", ".nan", "threshold_kpa"),
        ("threshold_kpa", "threshold_n", "threshold_n"),
        ("1/3", "1/4", "1/4 is not allowed; the run is of 1/3"),
    ],
)
def test_what_is_wrong_is_named(was: str, put: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    text = thresholds_yaml("1/3", {"upper_trapezius_left": 210.0}, "test")
    path.write_text(text.replace(was, put))
    with pytest.raises(InputError, match="own") as error:
        load_thresholds(path, "1/3")
    assert said in str(error.value)


def test_a_site_stands_there_once(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    text = thresholds_yaml("1/3", {"upper_trapezius_left": 210.0, "upper_trapezius_right": 220.0}, "test")
    path.write_text(text.replace("trapezius_right", "trapezius_left"))
    with pytest.raises(InputError, match="already"):
        load_thresholds(path)
