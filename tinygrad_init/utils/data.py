"""`torch.utils.data`: data sets, what orders their samples, and what puts them together.

Samples are loaded in the calling process, whatever `num_workers` says, on which neither what comes nor its order
depends. Orders are drawn from `generator`, or from what `tgi.manual_seed` begins anew; they are not PyTorch's for the
same seed.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..engine.discrete import is_discrete
from ..engine.storage import Storage
from ..ops.creation import tensor
from ..ops.drawing import Source, generator_of
from ..ops.shape import stack

__all__ = [
    "BatchSampler", "ConcatDataset", "DataLoader", "Dataset", "IterableDataset", "RandomSampler", "Sampler",
    "SequentialSampler", "Subset", "SubsetRandomSampler", "TensorDataset", "WeightedRandomSampler", "default_collate",
    "random_split",
]  # fmt: skip


# Data sets


class Dataset:
    """Samples by their numbers; subclasses write `__getitem__` and `__len__`."""

    def __class_getitem__(cls, kind: Any) -> type[Dataset]:
        return cls

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define __getitem__")

    def __add__(self, other: Any) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """Samples one after the other; subclasses write `__iter__`."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} does not define __iter__")


class TensorDataset(Dataset):
    """Rows of tensors that belong together.

    Parameters
    ----------
    tensors
        Of one length along their first axis.

    Raises
    ------
    ValueError
        Their lengths differ, or there are none.
    """

    def __init__(self, *tensors: Any) -> None:
        if len({len(t) for t in tensors}) != 1:
            raise ValueError(f"TensorDataset: expected tensors of one length, got {[len(t) for t in tensors]}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])


class Subset(Dataset):
    """Some samples of a data set, by their numbers."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: Any) -> Any:
        return self.dataset[[self.indices[i] for i in index] if isinstance(index, list) else self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset):
    """Data sets one after the other."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        self.cumulative_sizes = list(itertools.accumulate(len(part) for part in self.datasets))

    def __getitem__(self, index: int) -> Any:
        if not -len(self) <= index < len(self):
            raise IndexError(f"ConcatDataset: expected a number from {-len(self)} to {len(self) - 1}, got {index}")
        index %= len(self)
        part = bisect_right(self.cumulative_sizes, index)
        return self.datasets[part][index - (self.cumulative_sizes[part - 1] if part else 0)]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1] if self.datasets else 0


def random_split(dataset: Any, lengths: Sequence[float], generator: Source = None) -> list[Subset]:
    """A data set in parts that have no sample in common, in random order.

    Parameters
    ----------
    lengths
        How many samples each part has, or shares that sum to 1; what does not divide goes one each to the first parts.

    Raises
    ------
    ValueError
        They sum neither to the number of samples nor to 1.
    """
    total = len(dataset)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1 + 1e-9:
        counts = [math.floor(total * share) for share in lengths]
        for i in range(total - sum(counts)):
            counts[i % len(counts)] += 1
    elif sum(lengths) == total:
        counts = [int(n) for n in lengths]
    else:
        raise ValueError(f"random_split: expected lengths that sum to {total}, or to 1, got {list(lengths)}")
    order = generator_of(generator).permutation(total).tolist()
    ends = list(itertools.accumulate(counts))
    return [Subset(dataset, order[end - n : end]) for n, end in zip(counts, ends, strict=True)]


# Orders


class Sampler:
    """Numbers of samples in an order; subclasses write `__iter__`."""

    def __init__(self, data_source: Any = None) -> None:
        self.data_source = data_source

    def __class_getitem__(cls, kind: Any) -> type[Sampler]:
        return cls

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} does not define __iter__")


class SequentialSampler(Sampler):
    """All samples in their own order."""

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """Samples in random order, each once, or with `replacement` each whenever it is drawn."""

    def __init__(
        self, data_source: Any, replacement: bool = False, num_samples: int | None = None, generator: Source = None
    ) -> None:
        super().__init__(data_source)
        self.replacement, self.generator = replacement, generator
        self.num_samples = len(data_source) if num_samples is None else num_samples

    def __iter__(self) -> Iterator[int]:
        draw, total = generator_of(self.generator), len(self.data_source)
        if self.replacement:
            yield from draw.integers(0, total, self.num_samples).tolist()
            return
        for begun in range(0, self.num_samples, max(total, 1)):
            yield from draw.permutation(total)[: self.num_samples - begun].tolist()

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """Samples of these numbers in random order."""

    def __init__(self, indices: Sequence[int], generator: Source = None) -> None:
        super().__init__(indices)
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        return (self.indices[i] for i in generator_of(self.generator).permutation(len(self.indices)).tolist())

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Numbers of samples, drawn in proportion to their weights."""

    def __init__(
        self, weights: Sequence[float], num_samples: int, replacement: bool = True, generator: Source = None
    ) -> None:
        super().__init__(weights)
        self.weights, self.num_samples = np.asarray(weights, np.float64), num_samples
        self.replacement, self.generator = replacement, generator

    def __iter__(self) -> Iterator[int]:
        draw, p = generator_of(self.generator), self.weights / self.weights.sum()
        return iter(draw.choice(len(p), self.num_samples, self.replacement, p).tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """What a sampler gives, `batch_size` at a time; the last, smaller batch is left out with `drop_last`."""

    def __init__(self, sampler: Iterable[Any], batch_size: int | None, drop_last: bool = False) -> None:
        super().__init__()
        if not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"BatchSampler: expected a batch_size of at least 1, got {batch_size!r}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[Any]]:
        left = iter(self.sampler)
        while batch := list(itertools.islice(left, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        total: int = len(self.sampler)  # type: ignore[arg-type]
        return total // self.batch_size if self.drop_last else -(-total // self.batch_size)


# Batches


def default_collate(batch: Sequence[Any]) -> Any:
    """Samples put together: tensors and arrays along a new first axis, numbers as a tensor, lists by their parts.

    Numbers of Python become int64 and float64, arrays keep their dtype, and texts stay a list, as in PyTorch.

    Raises
    ------
    TypeError
        They are something else.
    ValueError
        Samples are not of one length.
    """
    first = batch[0]
    if isinstance(first, Storage):
        return stack(list(batch), 0)
    if isinstance(first, np.ndarray | np.generic) or is_discrete(first):
        return tensor(np.stack([np.asarray(x) for x in batch]))
    if isinstance(first, float):
        return tensor(np.asarray(batch, np.float64))
    if isinstance(first, int):
        return tensor(np.asarray(batch, type(first) if isinstance(first, bool) else np.int64))
    if isinstance(first, str | bytes):
        return list(batch)
    if isinstance(first, Mapping):
        return {key: default_collate([sample[key] for sample in batch]) for key in first}
    if isinstance(first, tuple | list):
        if len({len(sample) for sample in batch}) != 1:
            raise ValueError(f"default_collate: expected samples of one length, got {[len(s) for s in batch]}")
        parts = [default_collate(part) for part in zip(*batch, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    raise TypeError(f"default_collate: expected tensors, arrays, numbers or texts, got {type(first).__name__}")


class DataLoader:
    """A data set in batches.

    Parameters
    ----------
    dataset
        Anything with `__getitem__` and `__len__`, or an `IterableDataset`.
    batch_size
        How many samples; None gives them one by one, not put together.
    shuffle
        Whether each pass has an order of its own.
    sampler, batch_sampler
        What gives numbers of samples, or lists of them, instead.
    num_workers, pin_memory, timeout, prefetch_factor, persistent_workers
        Taken, and without effect on what comes.
    collate_fn
        What puts samples together; `default_collate` unless given.
    drop_last
        Whether a last, smaller batch is left out.
    generator
        Where orders are drawn from.

    Raises
    ------
    ValueError, TypeError
        Options exclude each other.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        *,
        generator: Source = None,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
    ) -> None:
        iterable = isinstance(dataset, IterableDataset)
        if shuffle and (sampler is not None or iterable):
            raise ValueError("DataLoader: shuffle, a sampler and an IterableDataset exclude each other")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise ValueError("DataLoader: batch_sampler excludes batch_size, shuffle, sampler and drop_last")
        if sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        self.dataset, self.sampler, self.drop_last = dataset, sampler, drop_last
        self.batch_size = None if batch_sampler is not None else batch_size
        whole = batch_sampler is None and batch_size is None
        self.collate_fn = collate_fn or ((lambda sample: sample) if whole else default_collate)
        order = dataset if iterable else sampler
        self.batch_sampler = order if whole else batch_sampler or BatchSampler(order, batch_size, drop_last)
        self._fetch = self._samples(iterable, whole)

    def _samples(self, iterable: bool, whole: bool) -> Callable[[Any], Any]:
        if iterable:
            return lambda samples: samples
        return self.dataset.__getitem__ if whole else lambda numbers: [self.dataset[i] for i in numbers]

    def __iter__(self) -> Iterator[Any]:
        return (self.collate_fn(self._fetch(numbers)) for numbers in self.batch_sampler)

    def __len__(self) -> int:
        return len(self.batch_sampler)
