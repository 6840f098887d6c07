"""Words as vectors: rows of a table that is learned."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ..engine.modes import no_grad
from ..engine.tensor import Tensor
from ..init import normal_
from ..init.drawing import generator_of
from ..ops.lookup import BAGS, embedding, embedding_bag
from ..ops.shape import whole
from .module import Module
from .options import dtype_for
from .parameters import Parameter


def refuse_renorm(name: str, max_norm: Any, scale_grad_by_freq: bool, sparse: bool) -> None:
    """Raise for options that are not to be had.

    Raises
    ------
    NotImplementedError
        One is asked for.
    """
    if max_norm is not None:
        raise NotImplementedError(f"{name}: max_norm, which changes the table whenever it is read, is not to be had")
    if scale_grad_by_freq or sparse:
        raise NotImplementedError(
            f"{name}: scale_grad_by_freq and sparse are not to be had; gradients are whole arrays"
        )


class Embedding(Module):
    """The rows of a table whose numbers are given: words as vectors that are learned.

    Parameters
    ----------
    num_embeddings, embedding_dim
        Rows and columns of the table, the weight.
    padding_idx
        A row that starts at 0 and is not learned.
    max_norm, scale_grad_by_freq, sparse
        Not to be had; `norm_type` is of no effect without them.
    device, dtype, rng
        As in `Linear`.

    Notes
    -----
    The weight starts normal with mean 0 and variance 1, as in PyTorch.

    Raises
    ------
    ValueError
        When called: a number is that of no row.
    """

    multiplies = False  # rows are looked up

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Any = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        rng: np.random.Generator | int | None = None,
    ) -> None:
        dtype = dtype_for("Embedding", device, dtype)
        refuse_renorm("Embedding", max_norm, scale_grad_by_freq, sparse)
        rows, features = (whole("Embedding", "a size", n) for n in (num_embeddings, embedding_dim))
        if min(rows, features) < 1:
            raise ValueError(f"Embedding: expected sizes of at least 1, got {rows} and {features}")
        self.num_embeddings, self.embedding_dim = rows, features
        self.padding_idx: int | None = None
        if padding_idx is not None:
            at = whole("Embedding", "padding_idx", padding_idx)
            if not -rows <= at < rows:
                raise ValueError(f"Embedding: expected padding_idx from {-rows} to {rows - 1}, got {at}")
            self.padding_idx = at % rows
        if _weight is not None:
            table = _weight.detach() if isinstance(_weight, Tensor) else np.asarray(_weight, dtype)
            if table.shape != (rows, features):
                raise ValueError(f"Embedding: expected a table of shape {(rows, features)}, got {table.shape}")
            self.weight = Parameter(table, table.dtype, not _freeze)
            return
        self.weight = Parameter(np.zeros((rows, features)), dtype, not _freeze)
        normal_(self.weight, generator_of(rng))
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0.0

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """A table that is known: a tensor or an array of shape (rows, features), learned on unless `freeze`."""
        table = embeddings if isinstance(embeddings, Tensor) else np.asarray(embeddings)
        if len(table.shape) != 2 or table.dtype.kind != "f":
            raise ValueError(f"Embedding: expected a table of floats with two axes, got shape {table.shape}")
        options = padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, table, freeze
        return cls(table.shape[0], table.shape[1], *options, dtype=table.dtype)

    def forward(self, input: Any) -> Tensor:
        return embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


class EmbeddingBag(Embedding):
    """The sum, the mean or the largest of rows of a table, for bags of numbers; see `tgi.nn.functional.embedding_bag`.

    Parameters
    ----------
    num_embeddings, embedding_dim, device, dtype, rng
        As in `Embedding`; max_norm, scale_grad_by_freq and sparse are not to be had, either.
    mode
        "sum", "mean" or "max".
    include_last_offset
        Whether the last offset is the end of the last bag.
    padding_idx
        A row that is in no bag, and not learned.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Any = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
        *,
        rng: np.random.Generator | int | None = None,
    ) -> None:
        refuse_renorm("EmbeddingBag", max_norm, scale_grad_by_freq, sparse)
        if mode not in BAGS:
            raise ValueError(f"EmbeddingBag: expected mode out of {', '.join(BAGS)}, got {mode!r}")
        super().__init__(
            num_embeddings, embedding_dim, padding_idx, _weight=_weight, device=device, dtype=dtype, rng=rng
        )
        self.mode, self.include_last_offset = mode, include_last_offset

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls,
        embeddings: Any,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:
        """A table that is known: a tensor or an array of shape (rows, features), learned on unless `freeze`."""
        table = embeddings if isinstance(embeddings, Tensor) else np.asarray(embeddings)
        if len(table.shape) != 2 or table.dtype.kind != "f":
            raise ValueError(f"EmbeddingBag: expected a table of floats with two axes, got shape {table.shape}")
        options = max_norm, norm_type, scale_grad_by_freq, mode, sparse, table, include_last_offset, padding_idx
        made = cls(table.shape[0], table.shape[1], *options, dtype=table.dtype)
        made.weight.requires_grad = not freeze
        return made

    def forward(self, input: Any, offsets: Any = None, per_sample_weights: Any = None) -> Tensor:
        options = self.mode, per_sample_weights, self.include_last_offset, self.padding_idx
        return embedding_bag(input, self.weight, offsets, *options)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, mode={self.mode!r}"
