"""Every operation that PyTorch has in its own table and that has its name here: its samples, forward and backward."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from .op_db import Count, resolve, run

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("expecttest", reason="what PyTorch's own tests need is not installed")
pytestmark = pytest.mark.peer

# Of these only shapes and dtypes are compared: they are random, or not to be looked at.
RANDOM = (
    "bernoulli", "empty", "empty_like", "multinomial", "new_empty", "normal", "rand_like", "randint", "randint_like",
    "randn", "randn_like",
)  # fmt: skip
BOTH = "a call that means one thing in NumPy and another in PyTorch is refused"
OTHER_ROOM = "an option of a decomposition that has another form here"
# What does not agree in 95 % of its samples, and why.
FLOATS: dict[str, str] = {
    "as_strided": "places are counted in the tensor, not in the memory of what it is a view of",
    "cat": "an empty vector beside matrices is refused, as in NumPy",
    "cholesky": OTHER_ROOM,
    "max": BOTH,
    "median": BOTH,
    "min": BOTH,
    "nanmedian": BOTH,
    "nn.functional.gelu": "the approximation by tanh is another function here",
    "nn.functional.hardtanh": "other limits are another function here",
    "nn.functional.pad": BOTH,
    "nn.functional.prelu": "the slope goes along the last axis, and is not called weight",
    "nn.functional.softplus": "a steepness is another function here",
    "nn.functional.softmin": "the dtype is chosen by astype",
    "norm": BOTH,
    "pinverse": OTHER_ROOM,
    "qr": OTHER_ROOM,
    "repeat": BOTH,
    "split": BOTH,
    "squeeze": "an axis that is named and longer than 1 is refused, as in NumPy",
    "std": BOTH,
    "std_mean": BOTH,
    "svd": OTHER_ROOM,
    "tensordot": "the axes are not called dims",
    "transpose": BOTH,
    "var": BOTH,
    "var_mean": BOTH,
    **dict.fromkeys(
        ("special.bessel_j0", "special.bessel_j1", "special.bessel_y1"), "PyTorch's are within 9e-7, SciPy's agree"
    ),
}
ANY_OF_EQUAL = "of equal elements PyTorch names any place, here the first"
NEVER_WHOLE = "of whole numbers it is a tensor of floats"
WHOLE: dict[str, str] = {
    **FLOATS,
    "__rpow__": "a negative power of a whole number is refused, as in NumPy; PyTorch has 0",
    "addbmm": "a whole number times a float is a float",
    "addmv": "a whole number times a float is a float",
    "arange": "floats are counted before they become whole, as in NumPy",
    "baddbmm": "a whole number times a float is a float",
    "einsum": NEVER_WHOLE,
    "kthvalue": ANY_OF_EQUAL,
    "linspace": "floats become whole at the end; PyTorch begins with whole ends",
    "log_softmax": "the dtype of whole numbers is chosen by astype",
    "logspace": "floats become whole at the end; PyTorch begins with whole ends",
    "mode": ANY_OF_EQUAL,
    "nn.functional.linear": NEVER_WHOLE,
    "nn.functional.relu6": NEVER_WHOLE,
    "nn.functional.threshold": NEVER_WHOLE,
    "outer": NEVER_WHOLE,
    "polygamma": "PyTorch computes it in float32, which loses poles and digits",
    "softmax": "the dtype of whole numbers is chosen by astype",
    "special.polygamma": "PyTorch computes it in float32, which loses poles and digits",
    "topk": ANY_OF_EQUAL,
    "tril_indices": BOTH,
    "triu_indices": BOTH,
}
TRUTHS: dict[str, str] = {
    **WHOLE,
    "addr": "a truth times a number is a number",
    "sum_to_size": "a sum of truths is a number, also over no axes in PyTorch",
    "prod": "a product of truths is a number, in whatever dtype its factors are",
}
KINDS = {"floats": (torch.float64, FLOATS), "whole": (torch.int64, WHOLE), "truths": (torch.bool, TRUTHS)}
PASS = 0.95


def table() -> dict[str, list[Any]]:
    """The operations that are here, by name; some of PyTorch's stand there in several variants."""
    from torch.testing._internal.common_methods_invocations import op_db

    found = defaultdict(list)
    for op in op_db:
        if resolve(op.name) is not None and not op.name.startswith("linalg."):  # test_linalg_op_db has those
            found[op.name].append(op)
    return dict(sorted(found.items()))


def counted(kind: str, at_most: int | None) -> dict[str, Count]:
    dtype, _ = KINDS[kind]
    with np.errstate(all="ignore"):
        return {name: run(name, ops, dtype, at_most, name not in RANDOM) for name, ops in table().items()}


def require_all(kind: str, counts: dict[str, Count], enough: float) -> None:
    _, listed = KINDS[kind]
    passed, failed = (sum(getattr(c, what) for c in counts.values()) for what in ("passed", "failed"))
    names = [name for name, c in counts.items() if c.passed + c.failed]
    print(f"\n{kind}: {len(names)} names, {passed} of {passed + failed} samples agree; {len(listed)} names are listed")
    wrong = [
        f"{name}: {c.passed} of {c.passed + c.failed}; {c.messages[0]}"
        for name, c in counts.items()
        if name not in listed and c.passed < enough * (c.passed + c.failed)
    ]
    assert not wrong, "\n".join(wrong)
    assert len(names) > 200


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_the_first_samples_agree(kind: str) -> None:
    require_all(kind, counted(kind, 2), 0.5)


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_samples_agree(kind: str) -> None:
    require_all(kind, counted(kind, None), PASS)


def test_what_is_listed_is_there() -> None:
    assert set(TRUTHS) <= set(table())
