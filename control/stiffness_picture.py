"""A map of tissue stiffness on a body: a disc for every place that is known, before and after side by side."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..native.errors import InputError
from .body import Body
from .body_picture import SCALE, Canvas, shaded
from .stiffness import COMPARED_AT_N, PlaceStiffness

RANGE_N_MM = (1.0, 6.0)
"""What the colours span, the same for every picture so that two can be laid beside each other; own choice."""
_COLOURS = np.array([(68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)], float)  # viridis
_DISC = 0.0065  # m
_INK, _PAPER = (40, 30, 25), (255, 255, 255)
_LEGEND = 110  # pixels below the maps


def stiffness_picture(body: Body, before: Sequence[PlaceStiffness], after: Sequence[PlaceStiffness] = ()) -> bytes:
    """A PNG of the back from above, the head to the right; one map, or two where there is an `after`.

    Places are discs in body axes, coloured by N/mm; those whose value is NaN are left out. Raises InputError when no
    place has a value.
    """
    known = [[place for place in places if np.isfinite(place.value_n_mm)] for places in (before, after)]
    if not any(known):
        raise InputError("before: no place with a known stiffness; at least one is needed for a map")
    titles = ("before", "after") if known[1] else ("",)
    canvas = Canvas(body.height_field)
    skin = shaded(body.height_field, canvas)
    maps = [_map(skin, canvas, places, title) for places, title in zip(known, titles, strict=False)]
    width, height = maps[0].size
    page = Image.new("RGB", (width * len(maps), height + _LEGEND), _PAPER)
    for k, one in enumerate(maps):
        page.paste(one, (k * width, 0))
    _legend(ImageDraw.Draw(page), 40, height + 30)
    out = io.BytesIO()
    page.reduce(2).save(out, "PNG", optimize=True)
    return out.getvalue()


def colour(value_n_mm: float) -> tuple[int, int, int]:
    """The colour of a stiffness, dark for soft and bright for stiff; beyond `RANGE_N_MM` that of its end."""
    share = (value_n_mm - RANGE_N_MM[0]) / (RANGE_N_MM[1] - RANGE_N_MM[0])
    at = np.clip(share, 0.0, 1.0) * (len(_COLOURS) - 1)
    red, green, blue = (np.interp(at, np.arange(len(_COLOURS)), channel) for channel in _COLOURS.T)
    return round(red), round(green), round(blue)


def _map(skin: np.ndarray, canvas: Canvas, places: Sequence[PlaceStiffness], title: str) -> Image.Image:
    image = Image.fromarray(skin)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(26)
    radius = _DISC * SCALE
    for place in places:
        u, v = canvas.pixel(place.x, place.y)
        draw.ellipse([u - radius, v - radius, u + radius, v + radius], colour(place.value_n_mm), _INK)
    if len(places) <= 4:  # few enough to be told in figures
        for place in places:
            u, v = canvas.pixel(place.x, place.y)
            text = f"{place.value_n_mm:.1f} ± {place.error_n_mm:.1f}"
            draw.text((u, v + radius + 16), text, _INK, font, anchor="mm", stroke_width=4, stroke_fill=_PAPER)
    draw.text((24, 16), title, _INK, ImageFont.load_default(36))
    return image


def _legend(draw: ImageDraw.ImageDraw, left: int, top: int) -> None:
    low, high = RANGE_N_MM
    for k in range(500):
        draw.line([left + k, top, left + k, top + 24], colour(low + (high - low) * k / 499))
    font = ImageFont.load_default(26)
    for value in np.arange(low, high + 0.5):
        at = left + 499 * (value - low) / (high - low)
        draw.text((at, top + 44), f"{value:g}", _INK, font, anchor="mm")
    draw.text((left + 530, top + 12), f"N/mm at {COMPARED_AT_N:g} N", _INK, font, anchor="lm")
