"""The picture of a body: a PNG in which areas to keep out of are red and sites blue."""

import io

import numpy as np
from massage_arm.control.body import load_body
from massage_arm.control.body_picture import body_picture
from PIL import Image


def test_keep_out_is_red_and_sites_are_blue_where_the_atlas_has_them() -> None:
    body = load_body("man_58_heavy")
    image = np.asarray(Image.open(io.BytesIO(body_picture(body))).convert("RGB")).astype(int)
    rows, columns, _ = image.shape
    assert columns > 1000 > rows > 500
    field = body.height_field
    left, top = field.x0 + 2 * field.spacing, -(field.y0 + 2 * field.spacing)

    def colour(x: float, y: float) -> np.ndarray:
        return np.asarray(image[round((top - y) * 1400), round((x - left) * 1400)])

    middle = body.keep_out["kidney_left"].mean(axis=0)
    red, _, blue = colour(*middle)
    assert red > 1.5 * blue
    x, y, _ = body.sites["gluteal_left"].position
    red, _, blue = colour(x - 0.02, y)
    assert blue > 0.75 * red
