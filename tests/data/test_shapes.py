"""Data sets in the plane are what they say they are: without noise every sample lies where its formula has it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tinygrad_init import data

SAMPLES = 401  # odd: one class has a sample more


def angle(x: Any) -> Any:
    return np.arctan2(x[:, 1], x[:, 0])


def halves(found: data.Dataset) -> tuple[Any, Any]:
    """The samples of both classes, of which the first is the larger, if there is no even number."""
    first, second = (found.x[found.y == label] for label in (0, 1))
    assert len(first) - len(second) == len(found.x) % 2
    return first, second


def test_moons_are_half_circles_of_radius_1_that_reach_into_each_other() -> None:
    upper, lower = halves(data.moons(SAMPLES, 0.0))
    for moon, centre, sign in ((upper, (0.0, 0.0), 1), (lower, (1.0, 0.5), -1)):
        around = moon - centre
        np.testing.assert_allclose(np.hypot(*around.T), 1, rtol=1e-12)
        assert np.all(sign * around[:, 1] >= -1e-12), "a half each"
        np.testing.assert_allclose((around[0], around[-1]), ((sign, 0), (-sign, 0)), atol=1e-12)
        np.testing.assert_allclose(np.diff(np.unwrap(angle(around))), np.pi / (len(moon) - 1), rtol=1e-9)


@pytest.mark.parametrize("factor", [0.5, 0.25])
def test_circles_are_evenly_around_one_centre(factor: float) -> None:
    outer, inner = halves(data.circles(SAMPLES, 0.0, factor=factor))
    for circle, radius in ((outer, 1.0), (inner, factor)):
        np.testing.assert_allclose(np.hypot(*circle.T), radius, rtol=1e-12)
        np.testing.assert_allclose(np.diff(np.unwrap(angle(circle))), 2 * np.pi / len(circle), rtol=1e-9)


@pytest.mark.parametrize("turns", [1.5, 2.0])
def test_spirals_wind_from_the_centre_to_radius_1_half_a_turn_apart(turns: float) -> None:
    """The angle grows with the radius, so many turns for a radius of 1."""
    for spiral, at in zip(halves(data.spirals(SAMPLES, 0.0, turns=turns)), (0.0, np.pi), strict=True):
        radius = np.hypot(*spiral.T)
        np.testing.assert_allclose((radius[0], radius[-1]), (0.05, 1.0), rtol=1e-12)
        expected = 2 * np.pi * turns * radius + at
        np.testing.assert_allclose(np.exp(1j * angle(spiral)), np.exp(1j * expected), atol=1e-12)
        np.testing.assert_allclose(np.diff(radius), 0.95 / (len(spiral) - 1), rtol=1e-9)


def test_the_exclusive_or_is_of_signs() -> None:
    found = data.xor(SAMPLES, rng=0)
    np.testing.assert_array_equal(found.y, np.prod(found.x, axis=1) < 0)


@pytest.mark.parametrize("squares", [2, 3, 4])
def test_fields_of_a_checkerboard_are_of_one_class_and_their_neighbours_of_the_other(squares: int) -> None:
    found = data.checkerboard(4000, rng=0, squares=squares)
    edges = np.linspace(-1, 1, squares + 1)
    board = np.empty((squares, squares), int)
    for i, (left, right) in enumerate(pairwise(edges)):
        for j, (low, high) in enumerate(pairwise(edges)):
            inside = np.all((found.x > (left, low)) & (found.x < (right, high)), axis=1)
            (board[i, j],) = set(found.y[inside].tolist())
    assert np.all(np.diff(board, axis=0) != 0) and np.all(np.diff(board, axis=1) != 0) and board[0, 0] == 0


@pytest.mark.parametrize("centers", [2, 3, 5])
def test_blobs_lie_evenly_on_a_circle_of_radius_2(centers: int) -> None:
    found = data.blobs(SAMPLES, 0.0, centers=centers)
    counts = np.bincount(found.y)
    assert len(counts) == len(found.classes) == centers and counts.max() - counts.min() <= 1
    turns = np.exp(2j * np.pi * found.y / centers)
    np.testing.assert_allclose(found.x, 2 * np.stack([turns.real, turns.imag], 1), atol=1e-12)
    with pytest.raises(ValueError, match=f"a sample for each, got {centers} and {centers - 1}"):
        data.blobs(centers - 1, centers=centers)
    assert len(data.blobs(centers, centers=centers).x) == centers


def test_a_plane_is_the_mean_and_hills_are_six_bumps() -> None:
    flat = data.plane(SAMPLES, rng=0)
    np.testing.assert_allclose(flat.y, (flat.x[:, 0] + flat.x[:, 1]) / 2, rtol=1e-12, atol=1e-15)
    hills = data.hills(20_000, rng=0)
    tops = {(-0.65, -0.5): 1, (0.0, -0.5): -1, (0.65, -0.5): 1, (-0.65, 0.5): -1, (0.0, 0.5): 1, (0.65, 0.5): -1}
    expected = sum(
        sign * np.exp(-((hills.x[:, 0] - a) ** 2 + (hills.x[:, 1] - b) ** 2) / (2 * 0.2**2))
        for (a, b), sign in tops.items()
    )
    np.testing.assert_allclose(hills.y, expected, atol=1e-12)


@pytest.mark.parametrize("name", sorted(set(data.BUILT_IN) - {"digits"}))
def test_noise_is_normal_and_has_its_size(name: str) -> None:
    """By the same seed without it: the same samples, each moved."""
    still, moved = (data.BUILT_IN[name](5000, noise, 0) for noise in (0.0, 0.3))
    where = moved.y - still.y if name in ("plane", "hills") else moved.x - still.x
    assert np.array_equal(moved.x, still.x) == (name in ("plane", "hills"))
    assert np.std(where) == pytest.approx(0.3, rel=0.05) and abs(np.mean(where)) < 0.02
    if name in data.DATASETS:
        np.testing.assert_array_equal(moved.y, still.y)
    assert np.abs(still.x).max() <= 2


@pytest.mark.parametrize("name", sorted(set(data.BUILT_IN) - {"digits"}))
def test_two_samples_are_enough_and_one_is_not(name: str) -> None:
    least = 3 if name == "blobs" else 2
    assert len(data.BUILT_IN[name](least, rng=0).x) == least
    with pytest.raises(ValueError, match="expected at least 2"):
        data.BUILT_IN[name](1)
