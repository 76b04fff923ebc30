"""What the report of a run says of the heart: before the first touch and since, only what is known."""

import math

import numpy as np

from ..control.figure import spell
from ..control.pacing import REST_S, Heart, rmssd_against_baseline
from ..control.ticks import Ticks
from ..native import ContactState

_CONTACT = (ContactState.TOUCH, ContactState.RAMP, ContactState.HOLD, ContactState.RELEASE)


def heart_facts(ticks: Ticks) -> list[tuple[str, str]]:
    """Heart rate and RMSSD in words; empty when nothing is known, as on an arm without a heart sensor."""
    touched = np.flatnonzero(np.isin(ticks["contact_state"], _CONTACT))
    from_s = ticks["time"][touched[0]] if len(touched) else math.inf
    heart = rmssd_against_baseline(ticks["time"], ticks["beats"], float(from_s))
    facts = [
        (name, said)
        for name, of in (("Before", heart.before), ("Since the touch", heart.during))
        if (said := _said(of))
    ]
    if facts and not _said(heart.before):
        facts.insert(0, ("Before", f"not known; it takes {REST_S[0] / 60:.0f} min of rest before the first touch"))
    if math.isfinite(heart.rmssd_change):
        change = f"{100 * math.expm1(heart.rmssd_change):+.0f} %, ln {heart.rmssd_change:+.2f}".replace("-", "−")
        facts.append(("RMSSD against before", f"{change}; how much massage changes it is poorly known"))
    return facts


def _said(heart: Heart) -> str:
    known = ((heart.rate, "/min", "{}"), (1e3 * heart.rmssd, "ms", "RMSSD {}"))
    return ", ".join(form.format(spell(value, unit)) for value, unit, form in known if math.isfinite(value))
