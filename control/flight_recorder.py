"""What led to a fault and what followed: the last ticks at full rate, kept apart from the log of the run."""

from __future__ import annotations

from collections import deque

import numpy as np

from .ticks import Ticks

BEFORE_S, AFTER_S = 10.0, 1.0


class FlightRecorder:
    """Remembers the last 10 s; a fault makes a record of them and of the second that follows.

    A fault is a tick with a latched cause after one without; time is counted in ticks, because the arm's clock may be
    what fails.
    """

    def __init__(self, rate_hz: float) -> None:
        self._before, self._after = round(BEFORE_S * rate_hz), round(AFTER_S * rate_hz)
        self._past: deque[Ticks] = deque()
        self._kept = 0
        self._record: list[Ticks] = []
        self._missing = 0
        self._faulty = False

    def take(self, block: Ticks) -> list[Ticks]:
        """Take in the next ticks; the records that they complete."""
        done = []
        while len(block):
            if self._missing:
                part, block = block[: self._missing], block[self._missing :]
                self._record.append(part)
                self._missing -= len(part)
                self._remember(part)
                if not self._missing:
                    done.append(np.concatenate(self._record))
                continue
            faulty = block["causes"] > 0
            begins = np.flatnonzero(faulty & ~np.concatenate([[self._faulty], faulty[:-1]]))
            if not len(begins):
                self._remember(block)
                break
            at = int(begins[0])
            self._remember(block[:at])
            self._record = list(self._past)
            self._missing = 1 + self._after
            self._faulty = True
            block = block[at:]
        return done

    def close(self) -> list[Ticks]:
        """The record that the end of the run cut short, if there is one."""
        unfinished = self._missing > 0
        self._missing = 0
        return [np.concatenate(self._record)] if unfinished else []

    def _remember(self, block: Ticks) -> None:
        if not len(block):
            return
        self._faulty = bool(block["causes"][-1] > 0)
        self._past.append(block)
        self._kept += len(block)
        while self._kept - len(self._past[0]) >= self._before:
            self._kept -= len(self._past.popleft())
        over = self._kept - self._before
        if over > 0:
            self._past[0] = self._past[0][over:]
            self._kept = self._before
