"""A picture of a dose map: every cell that was pressed, in colour, on the body from above."""

from __future__ import annotations

import io
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .body import Body
from .body_picture import Canvas, ring, shaded
from .dose import CELL_M, ORIGIN, DoseMap

_SCALE = 1000.0  # pixels per m
_PALE = 0.55  # of the skin, so that the colours stand out
_SHOWN = 0.01  # of the largest dose; less is left out
_SITE, _INK = (30, 110, 160), (40, 30, 25)
# Colours of 'magma' (CC0) backwards: evenly darker, so that colour-blind readers see it, too; little is close to skin.
_COLOURS = np.array(
    [
        *((252, 253, 191), (254, 207, 146), (254, 159, 109), (247, 112, 92), (222, 73, 104), (183, 55, 121)),
        *((140, 41, 129), (100, 26, 128), (59, 15, 112), (20, 14, 54)),
    ],
    float,
)
_BAR = 240, 14  # pixels


def dose_picture(body: Body, dose: DoseMap) -> bytes:
    """A PNG of the back from above, the head to the right; all that was ever given, in kPa·s, one square per cm²."""
    field = body.height_field
    canvas = Canvas(field, _SCALE)
    skin = shaded(field, canvas).astype(float)
    image = Image.fromarray((255.0 - (255.0 - skin) * _PALE).astype(np.uint8))
    draw = ImageDraw.Draw(image, "RGBA")
    end = _round_end(float(dose.dose.max()))
    for i, j in np.argwhere(dose.dose > _SHOWN * dose.dose.max()):
        x, y = (start + CELL_M * k for start, k in zip(ORIGIN, (i, j), strict=True))
        left, bottom = canvas.pixel(x, y)
        right, top = canvas.pixel(x + CELL_M, y + CELL_M)
        draw.rectangle([left, top, right - 1, bottom - 1], fill=_colour(dose.dose[i, j] / end))
    for site in body.sites.values():
        x, y = site.position[:2]
        draw.polygon(list(ring(canvas, x, y, site.radius)), outline=(*_SITE, 110))
    _bar(draw, end)
    draw.text(
        (12, 8),
        f"Pressure and time on each square centimetre of {body.name}; rings are sites",
        _INK,
        ImageFont.load_default(16),
    )
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _round_end(largest: float) -> float:
    """Pa·s, the next of 1, 2, 5 × 10ⁿ kPa·s; 1 kPa·s for an empty map."""
    if largest <= 0.0:
        return 1e3
    size = 10.0 ** math.floor(math.log10(largest))
    return next(step * size for step in (1.0, 2.0, 5.0, 10.0) if largest <= step * size * (1.0 + 1e-9))


def _colour(share: float) -> tuple[int, int, int]:
    at = min(1.0, share) * (len(_COLOURS) - 1)
    red, green, blue = (round(float(np.interp(at, range(len(_COLOURS)), _COLOURS[:, k]))) for k in range(3))
    return red, green, blue


def _bar(draw: ImageDraw.ImageDraw, end: float) -> None:
    """The scale, under the title."""
    left, top = 13, 34
    for k in range(_BAR[0]):
        draw.line([left + k, top, left + k, top + _BAR[1]], _colour((k + 0.5) / _BAR[0]))
    font = ImageFont.load_default(13)
    for share in (0.0, 0.5, 1.0):
        u, number = left + share * (_BAR[0] - 1), f"{1e-3 * share * end:g}"
        draw.line([u, top + _BAR[1], u, top + _BAR[1] + 4], _INK)
        begin = u - share * 0.5 * draw.textlength(number, font)
        draw.text((begin, top + _BAR[1] + 5), number + (" kPa·s" if share == 1.0 else ""), _INK, font)
