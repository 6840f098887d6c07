"""Data in batches by PyTorch's names: the same samples in the same batches, and each once where the order is random."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.utils import data

X = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
Y = np.arange(10)
Pair = namedtuple("Pair", ["x", "y"])


class Rows(data.Dataset):
    """One sample of everything that samples are made of."""

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor

    def __len__(self) -> int:
        return 10

    def __getitem__(self, i: int) -> Any:
        return {"x": self.tensor(X[i]), "pair": Pair(X[i], Y[i]), "name": f"row {i}", "numbers": (i, i / 2, i > 4)}


def flat(batch: Any) -> list[Any]:
    """What a batch is made of, with the dtypes."""
    if isinstance(batch, dict):
        return [part for key in batch for part in (key, *flat(batch[key]))]
    if isinstance(batch, list | tuple):
        return [part for each in batch for part in flat(each)]
    return [batch] if isinstance(batch, str) else [str(batch.dtype).removeprefix("torch."), batch.tolist()]


@pytest.mark.parametrize(
    "options",
    [{}, {"batch_size": 4}, {"batch_size": 4, "drop_last": True, "num_workers": 0, "pin_memory": False}],
    ids=["one", "four", "whole"],
)
def test_batches_are_those_of_pytorch(options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    ours = data.DataLoader(Rows(tgi.tensor), **options)
    theirs = torch.utils.data.DataLoader(Rows(torch.tensor), **options)
    assert len(ours) == len(theirs) and len(ours.dataset) == 10
    assert [flat(batch) for batch in ours] == [flat(batch) for batch in theirs]
    assert isinstance(next(iter(ours))["pair"], Pair)


def test_every_pass_has_every_sample_once_in_an_order_of_its_own() -> None:
    tgi.manual_seed(0)
    loader = data.DataLoader(data.TensorDataset(tgi.tensor(X), tgi.tensor(Y)), batch_size=3, shuffle=True)
    first, second = ([(x, y) for x, y in loader] for _ in range(2))
    orders = [np.concatenate([np.asarray(y) for _, y in batches]) for batches in (first, second)]
    for batches, order in zip((first, second), orders, strict=True):
        assert sorted(order) == list(Y) and [len(y) for _, y in batches] == [3, 3, 3, 1]
        np.testing.assert_array_equal(np.concatenate([x.numpy() for x, _ in batches]), X[order])
    assert list(orders[0]) != list(orders[1])
    again = data.DataLoader(range(10), shuffle=True, generator=np.random.default_rng(5))
    assert [i.item() for i in again] == list(np.random.default_rng(5).permutation(10))


@pytest.mark.parametrize(("lengths", "wanted"), [([7, 3], [7, 3]), ([0.5, 0.25, 0.25], [6, 2, 2])])
def test_a_set_in_parts(lengths: list[float], wanted: list[int]) -> None:
    parts = data.random_split(range(10), lengths, tgi.Generator().manual_seed(0))
    assert [len(part) for part in parts] == wanted
    assert sorted(part[i] for part in parts for i in range(len(part))) == list(range(10))


def test_sets_one_after_the_other() -> None:
    both = data.ConcatDataset([range(4), range(10, 13)])
    assert [both[i] for i in range(len(both))] == [0, 1, 2, 3, 10, 11, 12] and both[-1] == 12
    with pytest.raises(IndexError, match="from -7 to 6, got 7"):
        both[7]


def test_samplers() -> None:
    tgi.manual_seed(0)
    assert set(data.WeightedRandomSampler([0.0, 1.0, 3.0], 200)) == {1, 2}
    assert sorted(data.SubsetRandomSampler([3, 5, 9])) == [3, 5, 9]
    assert len(list(data.RandomSampler(range(4), num_samples=10))) == 10
    assert set(data.RandomSampler(range(4), replacement=True, num_samples=100)) == {0, 1, 2, 3}
    batches = data.BatchSampler(data.SequentialSampler(range(5)), 2, drop_last=False)
    assert list(batches) == [[0, 1], [2, 3], [4]] and len(batches) == 3
    assert [b.tolist() for b in data.DataLoader(range(5), batch_sampler=batches)] == [[0, 1], [2, 3], [4]]


def test_a_stream_of_samples() -> None:
    class Stream(data.IterableDataset):
        def __iter__(self) -> Any:
            return iter(range(5))

    assert [b.tolist() for b in data.DataLoader(Stream(), batch_size=2)] == [[0, 1], [2, 3], [4]]
    assert list(data.DataLoader(Stream(), batch_size=None)) == list(range(5))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: data.TensorDataset(X, Y[:3]), r"of one length, got \[10, 3\]"),
        (lambda: data.random_split(range(10), [4, 4]), r"sum to 10, or to 1, got \[4, 4\]"),
        (lambda: data.DataLoader(Y, shuffle=True, sampler=[0]), "exclude each other"),
        (lambda: data.DataLoader(Y, batch_size=0), "batch_size of at least 1, got 0"),
        (lambda: data.DataLoader(Y, batch_sampler=[[0]], batch_size=2), "batch_sampler excludes"),
        (lambda: data.default_collate([(1, 2), (1,)]), r"of one length, got \[2, 1\]"),
    ],
)
def test_options_that_do_not_fit(make: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()
