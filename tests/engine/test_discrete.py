"""Whole numbers and booleans: what they are among themselves, beside floats, and in captured programs."""

from __future__ import annotations

import copy
import pickle
from array import array
from collections import deque
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.engine.discrete import DiscreteTensor

X = tgi.tensor([[1.0, 2.0], [3.0, 4.0]])


def is_whole(x: Any, dtype: Any = np.int64) -> bool:
    return isinstance(x, DiscreteTensor) and x.dtype == dtype


class TestMaking:
    def test_the_kind_follows_the_numbers(self) -> None:
        assert is_whole(tgi.tensor([0, 1])) and is_whole(tgi.tensor(3)) and is_whole(tgi.tensor([True]), np.bool_)
        assert is_whole(tgi.tensor(np.zeros(2, np.uint8)), np.uint8)
        assert tgi.tensor([0, 1.0]).dtype == np.float32 and tgi.Tensor([0, 1]).dtype == np.float32
        assert tgi.tensor([]).dtype == np.float32
        assert tgi.tensor([0, 1], dtype="float64").dtype == np.float64
        assert is_whole(tgi.tensor([0.0, 1.7], dtype="long")) and is_whole(tgi.tensor(X, dtype="int32"), np.int32)

    def test_copied(self) -> None:
        array = np.arange(3)
        made = tgi.tensor(array)
        array[0] = 7
        assert made.tolist() == [0, 1, 2]

    def test_no_gradients(self) -> None:
        with pytest.raises(TypeError, match="whole numbers have no gradient"):
            tgi.tensor([1, 2], requires_grad=True)
        made = tgi.tensor([1, 2])
        with pytest.raises(TypeError, match="no gradient"):
            made.requires_grad = True
        assert not made.requires_grad and made.grad is None and made.is_leaf
        with pytest.raises(AttributeError, match="no attribute 'backward'"):
            made.backward()

    def test_printing_and_copies(self) -> None:
        made = tgi.tensor([[1, 2], [3, 4]])
        assert repr(made) == "tensor([[1, 2],\n        [3, 4]], dtype=int64)"
        assert f"{tgi.tensor(7):3d}" == "  7"
        for again in (copy.deepcopy(made), pickle.loads(pickle.dumps(made)), made.detach()):
            assert is_whole(again) and (again == made).all()


class TestComparisons:
    def test_give_booleans_with_methods(self) -> None:
        mask = X > 2
        assert is_whole(mask, np.bool_)
        assert mask.sum().item() == 2 and is_whole(mask.sum(dim=1)) and mask.sum(dim=1, keepdim=True).shape == (2, 1)
        assert mask.float().dtype == np.float32 and mask.double().mean().item() == 0.5
        assert mask.mean() == 0.5 and is_whole(~mask, np.bool_) and is_whole(mask & (X < 4), np.bool_)
        assert (X[mask].numpy() == [3.0, 4.0]).all()
        assert bool(mask.any()) and not bool(mask.all())

    def test_of_bare_numbers_are_bare(self) -> None:
        assert type(tgi.tensor(1.0) < 2) is np.bool_


class TestArithmetic:
    a, b = tgi.tensor([7, -3]), tgi.tensor([2, 2])

    def test_whole_stays_whole(self) -> None:
        for found in (self.a + 1, self.a * self.b, -self.a, self.a // self.b, self.a % self.b, self.a - self.b):
            assert is_whole(found)
        for found in (tgi.add(self.a, self.b), tgi.maximum(self.a, self.b), tgi.where(self.a > 0, self.a, 0)):
            assert is_whole(found)
        for found in (tgi.stack([self.a, self.b]), tgi.cat([self.a, self.b]), self.a.view(2, 1), self.a.unsqueeze(0)):
            assert is_whole(found)
        assert is_whole(self.a.cumsum(dim=0)) and is_whole(self.a.prod()) and is_whole(self.a.flip(0))
        assert tgi.cat([self.a, self.b]).tolist() == [7, -3, 2, 2]

    def test_what_is_not_whole_becomes_floats(self) -> None:
        for found in (self.a / self.b, self.a * 0.5, tgi.exp(self.b), tgi.div(self.a, self.b)):
            assert isinstance(found, tgi.Tensor) and found.dtype == np.float32
        assert (self.a / 2).numpy().tolist() == [3.5, -1.5]

    def test_beside_floats(self) -> None:
        for found in (self.a * X, X * self.a, X + self.a, tgi.maximum(X, self.a)):
            assert isinstance(found, tgi.Tensor) and found.dtype == X.dtype
        array = self.a * np.ones(2)
        assert type(array) is np.ndarray and array.dtype == np.float64

    def test_numpy_sees_arrays(self) -> None:
        assert is_whole(np.stack([self.a, self.b])) and is_whole(np.concatenate([self.a, self.b]))
        assert np.mean(self.a) == 2.0 and np.sum(self.a) == 4
        assert isinstance(np.where(self.a > 0, X, 0.0), tgi.Tensor)
        out = np.zeros(2, np.int64)
        np.add(self.a, self.b, out=out)
        assert out.tolist() == [9, -1]


class TestOrder:
    x = tgi.tensor([3, 1, 3, 0])

    def test_places_and_values(self) -> None:
        assert self.x.argmax().item() == 0 and self.x.max().item() == 3
        assert self.x.argsort(descending=True).tolist() == [0, 2, 1, 3]
        values, indices = self.x.sort()
        assert values.tolist() == [0, 1, 3, 3] and indices.tolist() == [3, 1, 0, 2]
        found = self.x.topk(2)
        assert is_whole(found.values) and found.values.tolist() == [3, 3]
        assert X.max(dim=1).indices.tolist() == [1, 1] and is_whole(X.argmin(dim=0))

    def test_scattering(self) -> None:
        zeros = tgi.tensor([0, 0, 0])
        assert zeros.scatter(0, tgi.tensor([2]), 5).tolist() == [0, 0, 5]
        assert zeros.scatter_add(0, tgi.tensor([1, 1]), tgi.tensor([2, 3])).tolist() == [0, 5, 0]
        assert tgi.masked_fill(self.x, self.x > 2, -1).tolist() == [-1, 1, -1, 0]


class TestSize:
    def test_a_number_and_a_call(self) -> None:
        for x in (X, X > 1):
            assert x.size == 4 and x.size() == (2, 2) and x.size(0) == 2 and x.size(-1) == 2
            assert pickle.loads(pickle.dumps(x.size)) == 4


class TestCaptured:
    def test_as_arguments_and_results_of_comparisons(self) -> None:
        def function(x: Any, labels: Any) -> Any:
            right = (x.argmax(axis=1) == labels).float()
            return tgi.cross_entropy(x, labels) + right.mean() + (x > 2).float().sum()

        labels = tgi.tensor([0, 1])
        step = tgi.capture(function)
        for other in (labels, tgi.tensor([1, 1])):
            np.testing.assert_allclose(step(X, other).item(), function(X, other).item(), rtol=1e-6)


def test_whole_numbers_are_overwritten_in_place() -> None:
    x = tgi.tensor([[1, 2], [3, 4]])
    assert x.fill_(7) is x and x.tolist() == [[7, 7], [7, 7]]
    assert x.copy_(tgi.tensor([[1.5, -2.0], [3.0, 0.0]])) is x and x.tolist() == [[1, -2], [3, 0]]
    assert x.copy_(tgi.tensor([5, 6])).tolist() == [[5, 6], [5, 6]] and x.dtype == "int64"
    assert x.zero_() is x and not x.any()
    mask = tgi.tensor([True, False])
    assert mask.fill_(0).tolist() == [False, False] and mask.dtype == "bool"


def test_data_of_whole_numbers_are_the_numbers() -> None:
    x = tgi.tensor([1, 2])
    x.data[0] = 5
    assert x.tolist() == [5, 2] and x.data.eq(x).all()


def test_a_queue_of_numbers_is_a_list_of_them() -> None:
    for kind in (deque, list, tuple, lambda values: array("d", values)):
        assert tgi.tensor(kind([1.5, 2.5])).dtype == tgi.get_default_dtype()
    assert tgi.tensor(deque([1, 2])).dtype == "int64"
