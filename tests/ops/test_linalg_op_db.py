"""Linear algebra beside PyTorch's, on the samples of PyTorch's own table of operations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.nightly, pytest.mark.filterwarnings("ignore:torch.qr is deprecated")]

# Entries whose results hold vectors that may be turned round: what does not depend on that is compared.
INVARIANT = {
    "linalg.eigh": lambda out: (out[0], (out[1] * out[0][..., None, :]) @ _turned(out[1])),
    "linalg.svd": lambda out: (out[1], (out[0] * out[1][..., None, :]) @ out[2]),
    "linalg.qr": lambda out: (out[0] @ out[1],),
    "linalg.eig": lambda out: (out[0],),
    "linalg.slogdet": lambda out: (out[1],),
    "linalg.lstsq": lambda out: (out[0],),
}
# Not here: codes of errors instead of errors, and factors of symmetric matrices that are not positive.
LEFT_OUT = {
    "linalg.cholesky_ex", "linalg.inv_ex", "linalg.solve_ex", "linalg.lu_factor_ex", "linalg.ldl_factor",
    "linalg.ldl_factor_ex", "linalg.ldl_solve",
    "linalg.eig", "linalg.eigvals",  # the spectra of its samples are complex
}  # fmt: skip
# Samples with these options are of what is not here; the others choose how something is computed.
FLAGS = {"hermitian": True, "pivot": False, "dtype": None}
WAYS = ("driver", "pivot", "hermitian")
# PyTorch counts an axis where there is none, and the largest of nothing is 0.
ALLOWED = (
    "have a derivative",
    "without a derivative",
    "out of range for a tensor with 0 axes",
    "no elements along axis",
)


def _turned(x: Any) -> Any:
    return x.swapaxes(-1, -2)


def entries() -> list[str]:
    common = pytest.importorskip("torch.testing._internal.common_methods_invocations")
    return sorted({op.name for op in common.op_db if op.name.startswith("linalg.")} - LEFT_OUT)


def ours_of(x: Any) -> Any:
    if isinstance(x, torch.Tensor):
        found = x.detach().numpy()
        return tgi.Tensor(found, found.dtype, x.requires_grad) if found.dtype.kind == "f" else tgi.tensor(found)
    return type(x)(map(ours_of, x)) if isinstance(x, list | tuple) else x


def leaves(x: Any) -> list[Any]:
    if isinstance(x, torch.Tensor | tgi.Tensor):
        return [x] if x.requires_grad else []
    return [t for part in x for t in leaves(part)] if isinstance(x, list | tuple) else []


def _types(flag: str) -> tuple[Any, ...]:
    return (torch.float32, torch.float64, torch.complex64, torch.complex128) if flag == "dtype" else ()


def parts(out: Any) -> list[Any]:
    found = list(out) if isinstance(out, tuple | list) else [out]
    return [t for t in found if isinstance(t, tgi.Tensor) or (isinstance(t, torch.Tensor) and t.is_floating_point())]


def _unless_refused(function: Any, arguments: Any, options: Any) -> Any:
    """What it gives, or None where it says that there is no derivative."""
    try:
        return function(*arguments, **options)
    except ValueError as error:
        if any(message in str(error) for message in ALLOWED):
            return None
        raise


@pytest.mark.parametrize("name", entries())
def test_pytorchs_samples(name: str) -> None:
    from torch.testing._internal.common_methods_invocations import op_db

    tried = 0
    for op in op_db:
        if op.name != name or torch.float64 not in op.supported_dtypes("cpu"):
            continue
        for sample in list(op.sample_inputs("cpu", torch.float64, requires_grad=op.supports_autograd))[:120]:
            given = (sample.input, *sample.args)
            if any(
                flag in sample.kwargs and sample.kwargs[flag] in (value, *_types(flag)) for flag, value in FLAGS.items()
            ):
                continue
            theirs = op.op(*given, **sample.kwargs)
            mine = tuple(ours_of(x) for x in given)
            options = {key: ours_of(value) for key, value in sample.kwargs.items() if key not in WAYS}
            function = getattr(tgi.linalg, name.partition(".")[2])
            if op.variant_test_name == "singular":  # of products that have not full rank
                function = lambda a, b: tgi.linalg.pinv(a @ _turned(b))  # noqa: E731
            found = _unless_refused(function, mine, options)
            if found is None:
                continue
            pick = INVARIANT.get(name, lambda out: out)
            if name == "linalg.matrix_rank":
                np.testing.assert_array_equal(np.asarray(found), theirs.numpy())
                tried += 1
                continue
            a, b = parts(pick(found)), parts(pick(theirs))
            assert len(a) == len(b)
            for x, y in zip(a, b, strict=True):
                assert tuple(x.shape) == tuple(y.shape), (given, options)
                np.testing.assert_allclose(x.numpy(), y.detach().numpy(), rtol=1e-8, atol=1e-9)
            tried += 1
            ins, outs = leaves(list(mine)), [t for t in a if t.requires_grad]
            theirs_in, theirs_out = leaves(list(given)), [t for t, x in zip(b, a, strict=True) if x.requires_grad]
            if not ins or not outs or any(t.size == 0 for t in ins) or any(not t.requires_grad for t in theirs_out):
                continue
            weights = [np.cos(np.arange(t.size)).reshape(t.shape) for t in outs]
            expected = torch.autograd.grad(theirs_out, theirs_in, [torch.tensor(w) for w in weights], allow_unused=True)
            for x, y in zip(tgi.grad(outs, ins, gradients=weights), expected, strict=True):
                wanted = np.zeros(x.shape) if y is None else y.numpy()
                if np.all(np.isfinite(wanted)):
                    got = x.numpy()
                    if name in ("linalg.eigh", "linalg.eigvalsh"):  # what PyTorch spreads over both triangles
                        got = 0.5 * (got + _turned(got))
                    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-7, err_msg=f"{given} {options}")
    assert tried, name
