import io

import numpy as np
import pytest
from PIL import Image

from ctrmoe.explain.plots import DPI, bars, heatmap, heatmap_grid

ODD = ["price $ a_b^2 $", "<b>bold</b>", "商品", "x" * 80]


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


@pytest.mark.parametrize("count", [1, 2, 10, 120])
def test_heatmap_of_any_size_is_within_limits(count):
    matrix = np.random.default_rng(1).random((count, count))
    names = [f"feature_number_{i}" for i in range(count)]

    picture = pixels(heatmap(matrix, names, names, "a title", 0.5))

    inches = np.array(picture.shape[:2]) / DPI
    # A cell of many fields is as high as its label; few fields do not fill a screen.
    assert (inches > 0.12 * count).all()
    assert (inches < max(0.16 * count, 7) + 3).all()


def test_heatmap_shows_what_is_above_and_below_the_centre():
    matrix = np.array([[0.9, 0.1], [0.5, 0.5]])
    names = [""] * 2

    picture = pixels(heatmap(np.repeat(matrix, 20, axis=1), names, names * 20, "", 0.5))

    red, green, blue = (picture[..., channel] for channel in range(3))
    assert ((red > 90) & (blue < 60) & (green < 30)).mean() > 0.1
    assert ((blue > 90) & (red < 30)).mean() > 0.1


def test_values_that_are_all_alike():
    matrix = np.full((3, 3), 1 / 3)

    for centre in (None, 1 / 3):
        assert pixels(heatmap(matrix, "abc", "abc", "", centre)).size
    assert pixels(heatmap(np.zeros((2, 2)), "ab", "ab", "")).size


def test_odd_names_are_drawn_as_they_are():
    matrix = np.eye(4)

    for png in (
        heatmap(matrix, ODD, ODD, ODD[0]),
        heatmap_grid([(ODD[0], matrix)], ODD, ODD, ODD[0]),
        bars(ODD, [("drop", [1] * 4, [0] * 4, [2] * 4)], ODD[0]),
    ):
        assert png.startswith(b"\x89PNG")


@pytest.mark.parametrize(("panels", "fields"), [(1, 5), (3, 5), (4, 30), (6, 60)])
def test_grid_fits_a_page(panels, fields):
    names = [f"field_{i}" for i in range(fields)]
    matrix = np.random.default_rng(1).random((fields, fields))

    shape = pixels(heatmap_grid([("panel", matrix)] * panels, names, names, "t", 0.5)).shape

    assert shape[1] / DPI < 14
    assert shape[0] / DPI < 16


def test_the_same_numbers_are_the_same_bytes():
    matrix = np.random.default_rng(2).random((4, 4))
    panel = ("drop", [0.3, 0.1], [0.2, 0.0], [0.4, 0.2])

    assert heatmap(matrix, "abcd", "abcd", "t") == heatmap(matrix, "abcd", "abcd", "t")
    assert bars("ab", [panel], "t") == bars("ab", [panel], "t")
    assert bars("ab", [panel], "t") != bars("ab", [("drop", *panel[2:], [0.5, 0.3])], "t")
