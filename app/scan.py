"""Scanning: a person in simulation or a file of the user's; the back, its picture and its sites."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ..control.body import BODY_FILE, body_bytes
from ..control.body_picture import body_picture
from ..control.registration import LANDMARKS_SCHEMA, Registered, load_landmarks, register
from ..control.scan import CLOUDS, MESHES, height_map, read_cloud
from ..native import InputError
from ..sim.scan import SiteError, scan_person
from .figures import print_json
from .run import write_whole

Floats = NDArray[np.float64]


def scan_to_file(
    source: str, landmarks: Path | None, unit: str, seed: int, out: Path, cloud: Path | None, as_json: bool
) -> None:
    """Scan, write the back and its picture, and say where its sites are. Nothing is written when it is refused."""
    _check_outputs(out, cloud)
    errors: list[SiteError] = []
    if Path(source).suffix.lower() in MESHES + CLOUDS:
        points, found = _from_file(Path(source), landmarks, unit)
    elif landmarks is not None:
        raise InputError(f"landmarks: {landmarks} goes with a file to read, not with {source!r}")
    else:
        scan = scan_person(source, seed)
        points, found, errors = scan.cloud, scan.registered, scan.errors
    picture = out.with_suffix(".png")
    write_whole(out, body_bytes(found.body))
    write_whole(picture, body_picture(found.body))
    if cloud is not None:
        write_whole(cloud, _ply(points))
    files = {"back": str(out), "picture": str(picture)} | ({"cloud": str(cloud)} if cloud else {})
    if as_json:
        print_json(_as_dict(found, errors, files))
    else:
        _print(found, errors, files)


def _check_outputs(out: Path, cloud: Path | None) -> None:
    for name, path, ending in (("out", out, BODY_FILE), ("cloud", cloud, ".ply")):
        if path is None:
            continue
        if path.suffix != ending:
            raise InputError(f"{name}: {path} is not allowed; a name that ends in {ending} is")
        if not path.absolute().parent.is_dir():
            raise InputError(f"{name}: {path.parent} is not a folder")


def _from_file(file: Path, landmarks: Path | None, unit: str) -> tuple[Floats, Registered]:
    if landmarks is None:
        raise InputError(f"{file}: --landmarks is needed with a file: a YAML of schema {LANDMARKS_SCHEMA}")
    points = read_cloud(file, unit)
    marks = load_landmarks(landmarks)
    return points, register(str(file), height_map(str(file), points), marks)


def _ply(points: Floats) -> bytes:
    """A binary PLY of points (N, 3) [m]."""
    import trimesh

    cloud: Any = trimesh.PointCloud
    exported: bytes = cloud(points).export(file_type="ply")
    return exported


def _as_dict(found: Registered, errors: list[SiteError], files: dict[str, str]) -> dict[str, Any]:
    off = {one.site: {"off_mm": one.off_mm, "normal_deg": one.normal_deg} for one in errors}
    sites = {
        name: {"position_m": site.position.tolist(), "normal": site.normal.tolist(), **off.get(name, {})}
        for name, site in found.body.sites.items()
    }
    return {**files, "fit_mm": 1e3 * found.fit, "seen": found.seen, "sites": sites}


def _print(found: Registered, errors: list[SiteError], files: dict[str, str]) -> None:
    console = Console()
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("site")
    for column in ("x mm", "y mm", "z mm", "slope deg", *(("off mm", "normal off deg") if errors else ())):
        table.add_column(column, justify="right")
    off = {one.site: one for one in errors}
    for name, site in found.body.sites.items():
        row = [f"{1e3 * value:.0f}" for value in site.position] + [f"{np.degrees(np.arccos(site.normal[2])):.0f}"]
        if errors:
            row += [f"{off[name].off_mm:.1f}", f"{off[name].normal_deg:.1f}"]
        table.add_row(name.replace("_", " "), *row)
    console.print(table)
    console.print(f"{found.seen:.0%} of the back seen; half of it within {1e3 * found.fit:.1f} mm of the fitted model")
    if errors:
        away, turned = [one.off_mm for one in errors], [one.normal_deg for one in errors]
        console.print(
            f"from the true sites: {np.mean(away):.1f} mm on average, {max(away):.1f} mm at most; "
            f"normals {np.mean(turned):.1f} deg, {max(turned):.1f} deg at most"
        )
    for name, path in files.items():
        print(f"{name:<7} {path}")
