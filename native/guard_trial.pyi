from collections.abc import Sequence

from .settings import GuardLimits

class GuardTrial:
    def __init__(self, limits: GuardLimits) -> None: ...
    def reset(self) -> None: ...
    def check(
        self,
        *,
        dt: float = 0.001,
        loop_step: float | None = None,
        clock_step: float | None = None,
        sensor_step: float | None = None,
        first: bool = False,
        heard: bool = True,
        felt: bool = True,
        total: float = 0.0,
        idle: bool = False,
        held: bool = False,
        working: bool = False,
        pressing: bool = False,
        holding: bool = False,
        q: Sequence[float] = (),
        q_before: Sequence[float] = (),
        dq: Sequence[float] = (),
        raw: Sequence[float] | None = None,
        force: float = 0.0,
        force_now: float | None = None,
        other_valid: bool = False,
        other: float = 0.0,
        off_tool: float = 0.0,
        reference: float = 0.0,
        lag: float = 0.0,
        speed_in: float = 0.0,
        speed: float = 0.0,
        depth: float = 0.0,
        away: float = 0.0,
        push: float = 0.0,
        stopped: bool = False,
    ) -> int: ...
