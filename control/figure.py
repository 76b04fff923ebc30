"""A measured figure beside its goal."""

import math
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """One figure of a run or a benchmark; names stay the same for ever."""

    name: str
    unit: str
    value: float
    """NaN when it is not known."""
    goal: float | None = None
    """The largest allowed |value|; None when the figure has no goal."""
    best_published: float | None = None
    """The best figure of others for the like, in the same unit."""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without a goal or a value."""
        return None if self.goal is None or math.isnan(self.value) else abs(self.value) <= self.goal

    def as_dict(self) -> dict[str, float | str | bool | None]:
        """Keys name, unit, value, goal, best_published, met."""
        return {**asdict(self), "met": self.met}


def spell(value: float, unit: str) -> str:
    """A figure for a person: three significant digits, at most four decimals, no exponent."""
    if not math.isfinite(value):
        return "not known"
    decimals = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{min(4, max(0, decimals))}f} {unit}".replace("-", "−")
