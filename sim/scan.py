"""A simulated scan: the person on the table, the camera, and what is known of their back from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ..control.body import load_body
from ..control.figure import Figure
from ..control.registration import Registered, register
from ..control.scan import height_map, level
from .camera import Lying, feel_landmarks, look
from .parallel import in_parallel
from .people import find_person

Floats = NDArray[np.float64]

_LIES = (0.03, 0.015, np.radians(2.0))  # m, m, rad: how far people lie from the middle; assumption
_BREATH_LEFT = 0.0005  # m, standard deviation of what averaging over about one breath leaves; assumption


@dataclass(frozen=True)
class SiteError:
    """How far a registered site is from the true one."""

    site: str
    off_mm: float
    normal_deg: float


@dataclass(frozen=True)
class Scan:
    """What was seen, what is known from it, and how far that is from the truth."""

    cloud: Floats
    """(N, 3) m."""
    registered: Registered
    errors: list[SiteError]


def scan_person(person: str, seed: int, lying: Lying | None = None) -> Scan:
    """Scan a person (a name as `find_person` takes it) who lies as `lying` says, or somehow; the same for a seed."""
    with threadpool_limits(1):  # threads make it three times slower, and sums depend on how many there are
        return _scan_person(person, seed, lying)


def _scan_person(person: str, seed: int, lying: Lying | None) -> Scan:
    body = load_body(find_person(person).body)
    rng = np.random.default_rng([seed, 4])
    x, y, turn = np.array(_LIES) * rng.standard_normal(3)
    somehow = Lying(x, y, turn, _BREATH_LEFT * rng.standard_normal())
    lying = somehow if lying is None else lying
    cloud = level(look(body, rng, lying))
    registered = register(f"scan of {person}", height_map(f"scan of {person}", cloud), feel_landmarks(body, rng, lying))
    errors = []
    for name, site in body.sites.items():
        known = registered.body.sites[name]
        cosine = float(np.clip(lying.turn_only(site.normal) @ known.normal, -1.0, 1.0))
        off = float(np.linalg.norm(lying.place(site.position) - known.position))
        errors.append(SiteError(name, 1e3 * off, float(np.degrees(np.arccos(cosine)))))
    return Scan(cloud, registered, errors)


@lru_cache(maxsize=64)
def known_back(person: str, seed: int) -> Registered:
    """What a scan tells of a person who lies in the middle of the table."""
    return scan_person(person, seed, Lying()).registered


def scan_bench(
    people: Iterable[str], jobs: int = 1, on_progress: Callable[[int, int], None] | None = None
) -> list[Figure]:
    """Site and normal errors over all sites of people, each scanned once with a seed of their own."""
    tasks = list(enumerate(people))
    errors: list[SiteError] = []
    for done, found in enumerate(in_parallel(_errors, tasks, jobs), 1):
        errors += found
        if on_progress is not None:
            on_progress(done, len(tasks))
    off, turned = [one.off_mm for one in errors], [one.normal_deg for one in errors]
    # Best published: 10.7 mm and 5.97 deg mean, 8.26 deg (reference: ultrasound and massage path registration on backs)
    return [
        Figure("scan.site_error_mean", "mm", float(np.mean(off)), 5.0, 10.7),
        Figure("scan.site_error_max", "mm", max(off), 10.0),
        Figure("scan.normal_error_mean", "deg", float(np.mean(turned)), 3.0, 5.97),
        Figure("scan.normal_error_max", "deg", max(turned), 6.0, 8.26),
    ]


def _errors(task: tuple[int, str]) -> list[SiteError]:
    return scan_person(task[1], task[0]).errors
