"""The record of a fault holds what led to it and what followed, however the ticks were cut into blocks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from massage_arm.control.flight_recorder import AFTER_S, BEFORE_S, FlightRecorder
from massage_arm.control.ticks import Ticks, tick_dtype

RATE = 10.0  # Hz, so that the tests stay small


def ticks(count: int, faulty: range) -> Ticks:
    block = np.zeros(count, tick_dtype(7))
    block["time"] = np.arange(count)
    block["causes"][faulty] = 4.0
    return block


def records(whole: Ticks, cuts: list[int]) -> list[list[float]]:
    recorder = FlightRecorder(RATE)
    found = []
    for block in np.split(whole, sorted(cuts)):
        found += recorder.take(block)
    found += recorder.close()
    return [record["time"].tolist() for record in found]


@given(st.integers(0, 300), st.lists(st.integers(0, 400), max_size=12))
def test_a_fault_is_kept_with_ten_seconds_before_and_one_after(at: int, cuts: list[int]) -> None:
    before, after = round(BEFORE_S * RATE), round(AFTER_S * RATE)
    (record,) = records(ticks(400, range(at, 400)), cuts)
    assert record == list(range(max(0, at - before), at + after + 1))


@given(st.lists(st.integers(0, 400), max_size=12))
def test_every_fault_after_an_acknowledgement_has_a_record_of_its_own(cuts: list[int]) -> None:
    whole = ticks(400, range(150, 200))
    whole["causes"][300:310] = 1.0
    first, second = records(whole, cuts)
    assert (first[0], first[-1]) == (50, 160)
    assert (second[0], second[-1]) == (200, 310)


@pytest.mark.parametrize("end", [150, 155])
def test_a_run_that_ends_soon_after_keeps_what_there_is(end: int) -> None:
    (record,) = records(ticks(end + 1, range(150, end + 1)), [])
    assert record[-1] == end


def test_without_a_fault_nothing_is_kept() -> None:
    assert records(ticks(300, range(0)), [7, 100]) == []
