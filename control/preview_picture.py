"""A picture of where a session goes: every way on the body from above, with the numbers of its jobs."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .body_picture import Canvas, ring, shaded
from .limits import DEEP_M
from .preview import JobPreview, SessionPreview

_SCALE = 1400.0  # pixels per m
_AROUND = 0.11  # m around the sites that are shown: half a long stroke and a margin
_PALE = 0.55  # of the skin, as in dose_picture.py
_SPACING = 0.003  # m between points of a way
_OUT, _INK, _REFUSED = (200, 40, 40), (40, 30, 25), (120, 115, 120)
# Okabe & Ito without yellow and black, safe for colour-blind readers; one after the other.
_WAYS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233), (230, 159, 0))


def paths_picture(told: SessionPreview) -> bytes:
    """A PNG of the back from above, the head to the right: ways, where each begins, areas to keep out of.

    Jobs on the same way share a line and its label; a spot is drawn as wide as the tool's contact can be.
    """
    field = told.body.height_field
    canvas = Canvas(field, _SCALE)
    skin = shaded(field, canvas).astype(float)
    image = Image.fromarray((255.0 - (255.0 - skin) * _PALE).astype(np.uint8))
    draw = ImageDraw.Draw(image, "RGBA")
    for corners in told.body.keep_out.values():
        draw.polygon([canvas.pixel(*corner) for corner in corners], fill=(*_OUT, 40), outline=(*_OUT, 150))
    radius = float(np.sqrt(told.tool.contact_area(DEEP_M) / np.pi))
    groups = _by_way(told)
    colours = [_WAYS[k % len(_WAYS)] if any(job.pressed for job in jobs) else _REFUSED for k, jobs in enumerate(groups)]
    for jobs, colour in zip(groups, colours, strict=True):
        _draw_way(draw, canvas, jobs[0], colour, radius)
    taken: list[tuple[float, float, float, float]] = []
    for jobs, colour in zip(groups, colours, strict=True):
        _draw_numbers(draw, canvas, jobs, colour, taken)
    image = image.crop(_around_sites(told, canvas, image.size))
    draw = ImageDraw.Draw(image, "RGBA")
    title = f"Ways of {told.session.name} on {told.body.name}, by number of the job; red: keep out, grey: left out"
    draw.rectangle([0, 0, image.width, 34], fill=(255, 255, 255, 200))
    draw.text((12, 8), title, _INK, ImageFont.load_default(16))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _around_sites(told: SessionPreview, canvas: Canvas, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom [pixels] of the back, without what no site is near to."""
    sites = np.array([site.position[:2] for site in told.body.sites.values()])
    left, bottom = canvas.pixel(*(sites.min(axis=0) - _AROUND))
    right, top = canvas.pixel(*(sites.max(axis=0) + _AROUND))
    return max(0, int(left)), max(0, int(top)), min(size[0], int(right)), min(size[1], int(bottom))


def _by_way(told: SessionPreview) -> list[list[JobPreview]]:
    """Jobs with a way, those together that go the same one."""
    groups: dict[tuple[float, ...], list[JobPreview]] = {}
    for job in told.jobs:
        if job.job is not None and job.job.way is not None:
            way = job.job.way
            ends = (way.at(0.0).position[:2], way.at(0.5 * way.length).position[:2])
            key = tuple(round(float(1e3 * value)) for value in (*ends[0], *ends[1], way.length))
            groups.setdefault(key, []).append(job)
    return list(groups.values())


def _draw_way(
    draw: ImageDraw.ImageDraw, canvas: Canvas, shown: JobPreview, colour: tuple[int, int, int], radius: float
) -> None:
    assert shown.job is not None and shown.job.way is not None
    way = shown.job.way
    points = [canvas.pixel(*point.position[:2]) for point in way.sampled(_SPACING)]
    if len(points) > 1:
        draw.line(points, (*colour, 255), 4, joint="curve")
        u, v = points[0]
        draw.ellipse([u - 6, v - 6, u + 6, v + 6], fill="white", outline=colour, width=3)
    else:
        x, y = way.at(0.0).position[:2]
        draw.polygon(list(ring(canvas, x, y, radius)), fill=(*colour, 110), outline=(*colour, 255), width=2)


def _draw_numbers(
    draw: ImageDraw.ImageDraw,
    canvas: Canvas,
    jobs: list[JobPreview],
    colour: tuple[int, int, int],
    taken: list[tuple[float, float, float, float]],
) -> None:
    """The numbers beside the begin of a way, moved down past labels that are there already."""
    first = jobs[0].job
    assert first is not None and first.way is not None
    font = ImageFont.load_default(16)
    text = _spelled([job.number for job in jobs])
    u, v = canvas.pixel(*first.way.at(0.0).position[:2])
    _, top, right, bottom = draw.textbbox((0, 0), text, font)
    u, v = u + 10, v - 0.5 * (top + bottom)
    width, height = right + 6, bottom + 4
    while any(u < r and u + width > a and v < b and v + height > t for a, t, r, b in taken):
        v += 3.0
    taken.append((u, v, u + width, v + height))
    draw.rectangle([u - 2, v + top - 3, u + right + 4, v + bottom + 3], fill=(255, 255, 255, 225), outline=colour)
    draw.text((u + 1, v), text, _INK, font)


def _spelled(numbers: list[int]) -> str:
    """Numbers with commas, three and more in a row as `6-9`."""
    rows: list[list[int]] = []
    for number in numbers:
        if rows and number == rows[-1][-1] + 1:
            rows[-1].append(number)
        else:
            rows.append([number])
    return ", ".join(f"{row[0]}-{row[-1]}" if len(row) > 2 else ", ".join(map(str, row)) for row in rows)
