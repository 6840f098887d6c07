"""Weights under a constraint, under the names of `torch.nn.utils.parametrizations`."""

from __future__ import annotations

from typing import Any

from ...init.drawing import Generator
from ..convolution import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ..parameters import Parameter
from .norms import Orthogonal, SpectralNorm, WeightNorm
from .parametrize import is_parametrized, register_parametrization

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def parameter_of(owner: str, module: Any, name: str) -> Any:
    """A parameter, whether it is computed or not.

    Raises
    ------
    ValueError
        There is none of that name.
    """
    found = vars(module).get(name)
    if is_parametrized(module, name):
        return getattr(module, name).detach()
    if not isinstance(found, Parameter):
        raise ValueError(f"{owner}: {type(module).__name__} has no parameter {name!r}")
    return found


def axis_of_units(module: Any, dim: int | None) -> int:
    """The axis of a weight that has the units of the output, unless another is given."""
    transposed = isinstance(module, ConvTranspose1d | ConvTranspose2d | ConvTranspose3d)
    return int(transposed) if dim is None else dim


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Learn lengths (`parametrizations.weight.original0`) and directions (`original1`) of a weight: g · v / |v|.

    Parameters
    ----------
    name
        Of the parameter.
    dim
        The axis along which each entry has a length of its own; None or -1: one length for all.

    Returns
    -------
    Module
        The same, changed; `parametrize.remove_parametrizations` makes it as it was.

    Raises
    ------
    ValueError
        There is no parameter of that name.
    """
    parameter_of("weight_norm", module, name)
    return register_parametrization(module, name, WeightNorm(dim), unsafe=True)


def spectral_norm(
    module: Any,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
    *,
    rng: Generator | None = None,
) -> Any:
    """Divide a weight by its largest singular value, which power iterations find.

    Parameters
    ----------
    name
        Of the parameter.
    n_power_iterations
        How many each time the weight is asked for in training; at the beginning there are 15.
    eps
        What lengths are not less than.
    dim
        The axis of the outputs: the others make the columns of a matrix. 1 for transposed convolutions, else 0.
    rng
        What the iterations begin with is drawn from; a generator, a seed, or the default generator.

    Returns
    -------
    Module
        The same, changed.

    Raises
    ------
    ValueError, IndexError
        There is no parameter of that name, no axis `dim`, or no iteration.
    """
    weight = parameter_of("spectral_norm", module, name)
    rule = SpectralNorm(weight, n_power_iterations, axis_of_units(module, dim), eps, rng)
    return register_parametrization(module, name, rule)


def orthogonal(
    module: Any,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
    rng: Generator | None = None,
) -> Any:
    """Keep a weight's columns, or rows if they are fewer, orthonormal while it learns.

    Parameters
    ----------
    name
        Of the parameter, a matrix or several in a row. Where it is not orthogonal it starts with the orthogonal factor
        of its QR decomposition.
    orthogonal_map
        "matrix_exp" (usual of square matrices), "cayley", or "householder" (usual of others).
    use_trivialization
        Only True: the map is taken around the matrix where learning starts.
    rng
        What a matrix that is not square is completed from.

    Returns
    -------
    Module
        The same, changed.

    Raises
    ------
    ValueError
        There is no such parameter or map, or it is no matrix.
    NotImplementedError
        `use_trivialization` is False.
    """
    weight = parameter_of("orthogonal", module, name)
    if weight.ndim < 2:
        raise ValueError(f"orthogonal: expected a matrix, got shape {weight.shape}")
    usual = "matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder"
    chosen = usual if orthogonal_map is None else orthogonal_map
    if chosen not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(f"orthogonal: expected matrix_exp, cayley or householder as orthogonal_map, got {chosen!r}")
    if not use_trivialization:
        raise NotImplementedError("orthogonal: use_trivialization=False is not to be had")
    return register_parametrization(module, name, Orthogonal(weight.shape, chosen, rng), unsafe=True)
