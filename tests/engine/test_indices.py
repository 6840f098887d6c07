"""An index means what it means in NumPy and in PyTorch, or is refused where the two differ."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi

SHAPE = (2, 3, 4)
X = np.arange(24.0).reshape(SHAPE)
PARTS: dict[str, Any] = {
    "1": 1,
    ":": slice(None),
    "None": None,
    "...": Ellipsis,
    "[1, 0]": [1, 0],
    "[[0], [1]]": [[0], [1]],
}


def found(x: Any, index: tuple[Any, ...]) -> Any:
    try:
        return x[index]
    except TypeError:
        return None


def indices() -> list[tuple[Any, ...]]:
    every = (index for length in (1, 2, 3, 4, 5) for index in product(PARTS, repeat=length))
    good = (names for names in every if names.count("...") <= 1 and sum(n not in ("...", "None") for n in names) <= 3)
    return [tuple(PARTS[name] for name in names) for names in good if names.count("None") <= 1]


def test_every_index_means_one_thing() -> None:
    torch = pytest.importorskip("torch")
    ours, whole, theirs = tgi.tensor(X), tgi.tensor(X.astype(int)), torch.tensor(X)
    refused = 0
    for index in indices():
        mine, wanted, numpys = found(ours, index), theirs[index].numpy(), X[index]
        same = wanted.shape == numpys.shape and np.array_equal(wanted, numpys)
        assert (mine is not None) == same, (index, wanted.shape, numpys.shape)
        assert (found(whole, index) is not None) == same, index
        if same:
            assert mine.shape == wanted.shape and np.array_equal(mine.numpy(), wanted), index
        refused += not same
    assert refused > 20


@pytest.mark.parametrize("zero", [0, np.int64(0), np.array(0)])
@pytest.mark.parametrize("kind", [list, np.array, tgi.tensor])
def test_what_differs_is_refused_however_it_is_written(zero: Any, kind: Any) -> None:
    x, y = tgi.zeros(SHAPE), tgi.zeros(SHAPE, dtype="int64")
    for which in (kind([2, 1]), kind([True, False, False, True])):
        for tensor in (x, y):
            with pytest.raises(
                TypeError, match=r"in NumPy and another in PyTorch: write x\[\[0\], :, i\] for .* or x\[0\]\[:, i\]"
            ):
                _ = tensor[zero, :, which]
            with pytest.raises(
                TypeError, match=r"in NumPy and another in PyTorch: write x\[\[0\], :, i\] for .* or x\[0\]\[:, i\]"
            ):
                tensor[zero, :, which] = 1
    assert not x.numpy().any() and not y.any()


def test_what_is_to_be_written_instead_is_what_it_says() -> None:
    x, i = tgi.tensor(X), [2, 1]
    assert np.array_equal(x[[0], :, i].numpy(), X[0, :, i])
    assert np.array_equal(x[0][:, i].numpy(), X[0][:, i])
