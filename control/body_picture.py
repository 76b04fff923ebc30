"""Pictures of a body: its sites, fibres, landmarks and areas to keep out of; and values all over its back."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from .body import Body, HeightField

Floats = NDArray[np.float64]

SCALE = 1400.0  # pixels per m
_SKIN = np.array([224.0, 180.0, 150.0])
_SITE, _FIBRE, _OUT, _MARK, _INK = (30, 110, 160), (20, 70, 110), (200, 40, 40), (20, 20, 20), (40, 30, 25)
_NOT_KNOWN = (90, 85, 90)
_SCALE_COLOURS = np.array([(122, 4, 3), (239, 138, 60), (250, 230, 140), (120, 190, 130), (20, 110, 120)], float)
_LIGHT = np.array([-0.35, 0.45, 0.82]) / np.linalg.norm([-0.35, 0.45, 0.82])


def body_picture(body: Body) -> bytes:
    """A PNG of the back from above, the head to the right, everything of the atlas drawn on it."""
    field = body.height_field
    canvas = Canvas(field)
    image = Image.fromarray(shaded(field, canvas))
    draw = ImageDraw.Draw(image, "RGBA")
    for corners in body.keep_out.values():
        draw.polygon([canvas.pixel(*corner) for corner in corners], fill=(*_OUT, 70), outline=(*_OUT, 200))
    for site in body.sites.values():
        x, y = site.position[:2]
        draw.polygon(list(ring(canvas, x, y, site.radius)), outline=_SITE, fill=(*_SITE, 50))
        along = 0.8 * site.radius * site.fibre
        draw.line([canvas.pixel(x - along[0], y - along[1]), canvas.pixel(x + along[0], y + along[1])], _FIBRE, 3)
    font = ImageFont.load_default(15)
    for name, site in body.sites.items():
        text = name.removesuffix("_left").removesuffix("_right").replace("_", " ")
        _label(draw, canvas.pixel(*site.position[:2]), text, font)
    for name, mark in body.landmarks.items():
        u, v = canvas.pixel(*mark[:2])
        draw.ellipse([u - 4, v - 4, u + 4, v + 4], outline=_MARK, width=2)
        if not name.endswith(("_left", "_right")):
            draw.text((u + 7, v - 8), name, _INK, font)
    draw.text(
        (12, 8), f"{body.name}: blue sites with fibres, red keep out, rings landmarks", _INK, ImageFont.load_default(18)
    )
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def value_picture(
    body: Body, places: Floats, values: Floats, cell: float, largest: float, title: str, missing: str
) -> bytes:
    """A PNG of the back with a square of side `cell` [m] at each of `places` (G, 2) [m, body axes].

    Colours go from red at 0 to green-blue from `largest` on, as the scale below says in the unit of `values` (G,);
    where a value is NaN there is a grey square with a cross, which the scale calls `missing`.
    """
    canvas = Canvas(body.height_field)
    image = Image.fromarray(shaded(body.height_field, canvas))
    draw = ImageDraw.Draw(image, "RGBA")
    for (x, y), value in zip(places, values, strict=True):
        square = [*canvas.pixel(x - 0.5 * cell, y + 0.5 * cell), *canvas.pixel(x + 0.5 * cell, y - 0.5 * cell)]
        _square(draw, square, float(value), largest)
    for corners in body.keep_out.values():
        draw.polygon([canvas.pixel(*corner) for corner in corners], outline=(*_OUT, 230), width=2)
    font = ImageFont.load_default(15)
    for name, site in body.sites.items():
        u, v = canvas.pixel(*site.position[:2])
        draw.ellipse([u - 5, v - 5, u + 5, v + 5], outline=_MARK, fill="white", width=2)
        _label(draw, (u, v), name.removesuffix("_left").removesuffix("_right").replace("_", " "), font)
    draw.rectangle([0, 0, image.width, 36], fill=(255, 255, 255, 200))
    draw.text((12, 8), title, _INK, ImageFont.load_default(18))
    _scale(draw, image.height, largest, missing, font)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _square(draw: ImageDraw.ImageDraw, corners: list[float], value: float, largest: float) -> None:
    left, top, right, bottom = corners
    if np.isnan(value):
        draw.rectangle(corners, fill=(*_NOT_KNOWN, 130))
        draw.line([left + 7, top + 7, right - 7, bottom - 7], (*_NOT_KNOWN, 255), 2)
        draw.line([left + 7, bottom - 7, right - 7, top + 7], (*_NOT_KNOWN, 255), 2)
    else:
        draw.rectangle(corners, fill=(*_colour(value / largest), 200))


def _colour(share: float) -> tuple[int, int, int]:
    at = np.linspace(0.0, 1.0, len(_SCALE_COLOURS))
    red, green, blue = (round(float(np.interp(share, at, _SCALE_COLOURS[:, k]))) for k in range(3))
    return red, green, blue


def _scale(
    draw: ImageDraw.ImageDraw,
    height: int,
    largest: float,
    missing: str,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
) -> None:
    """What the colours mean, along the lower edge."""
    left, top, width = 14, height - 44, 300
    draw.rectangle([0, top - 14, left + width + 370, height], fill=(255, 255, 255, 200))
    for k in range(width):
        draw.line([left + k, top, left + k, top + 16], _colour(k / width))
    for k in range(4):
        more = " and more" if k == 3 else ""
        draw.text((left + k * width / 3, top + 18), f"{k * largest / 3:g}{more}", _INK, font)
    _square(draw, [left + width + 110, top - 6, left + width + 138, top + 22], float("nan"), largest)
    draw.text((left + width + 146, top), f"{missing}; red lines: keep out", _INK, font)


class Canvas:
    """Pixels over the height field: x to the right, y (the person's left) upwards."""

    def __init__(self, field: HeightField, scale: float = SCALE) -> None:
        """`scale` in pixels per m."""
        nx, ny = field.coefficients.shape
        self.scale = scale
        self.x = field.x0 + field.spacing * np.arange(2, nx - 3, 1.0 / (field.spacing * scale))
        self.y = field.y0 + field.spacing * np.arange(2, ny - 3, 1.0 / (field.spacing * scale))

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """Column and row of a point [m]."""
        return (x - self.x[0]) * self.scale, (self.y[-1] - y) * self.scale


def shaded(field: HeightField, canvas: Canvas) -> NDArray[np.uint8]:
    """(rows, columns, 3) the skin in a slanting light, the table white."""
    z, slope_x, slope_y = field.grid(canvas.x, canvas.y)
    normal = np.stack([-slope_x, -slope_y, np.ones_like(z)])
    light = np.einsum("i,ixy->xy", _LIGHT, normal) / np.linalg.norm(normal, axis=0)
    colour = _SKIN * (0.35 + 0.65 * np.clip(light, 0.0, 1.0))[..., None]
    share = np.clip(z / 0.02, 0.0, 1.0)[..., None]
    picture = share * colour + (1.0 - share) * 250.0
    return np.ascontiguousarray(picture.transpose(1, 0, 2)[::-1].astype(np.uint8))


def ring(canvas: Canvas, x: float, y: float, radius: float) -> Iterator[tuple[float, float]]:
    """Pixels along a circle around (x, y) [m]."""
    for angle in np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False):
        yield canvas.pixel(x + radius * np.cos(angle), y + radius * np.sin(angle))


def _label(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont
) -> None:
    left, top, right, bottom = draw.textbbox((0, 0), text, font)
    u, v = at[0] - 0.5 * (right - left), at[1] + 6
    draw.rectangle([u - 2, v + top - 1, u + right - left + 2, v + bottom + 1], fill=(255, 255, 255, 170))
    draw.text((u, v), text, _INK, font)
