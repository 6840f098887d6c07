"""Memory that is shared with other libraries, both ways."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int8", "bool"])
def test_numpys_memory_is_shared(dtype: str) -> None:
    array = np.ones((2, 3), dtype)
    t = tgi.from_dlpack(array)
    assert t.dtype == array.dtype
    array[0, 1] = 0
    assert t[0, 1] == 0
    t[1, 2] = 0
    assert array[1, 2] == 0
    back = np.from_dlpack(t)
    assert np.shares_memory(back, array)


def test_strides_are_kept() -> None:
    array = np.arange(12.0).reshape(3, 4)[::2, ::-1]
    t = tgi.from_dlpack(array)
    np.testing.assert_array_equal(t.numpy(), array)
    assert np.shares_memory(t.numpy(), array)
    np.testing.assert_array_equal((t @ t.T).numpy(), array @ array.T)


def test_what_may_not_be_written_to_is_copied_or_refused() -> None:
    array = np.ones(3)
    array.flags.writeable = False
    t = tgi.from_dlpack(array)
    t[0] = 5.0
    assert array[0] == 1
    with pytest.raises(BufferError, match="may not be written to"):
        tgi.from_dlpack(array, copy=False)
    assert tgi.from_dlpack(np.array(2.0)).item() == 2
    with pytest.raises(BufferError, match="bare number"):
        tgi.from_dlpack(np.array(2.0), copy=False)


def test_copies_are_made_where_they_are_asked_for() -> None:
    array = np.ones(3)
    assert not np.shares_memory(tgi.from_dlpack(array, copy=True).numpy(), array)
    assert np.shares_memory(tgi.from_dlpack(array, copy=False, device="cpu").numpy(), array)


@pytest.mark.parametrize(
    ("x", "kind", "message"),
    [
        ([1.0], TypeError, "knows DLPack, got list"),
        (np.ones(2, complex), TypeError, "got complex128"),
        (np.ones(2, np.float16), TypeError, "got float16"),
    ],
)
def test_what_is_not_ours_is_refused(x: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        tgi.from_dlpack(x)
    with pytest.raises(BufferError, match="expected the device 'cpu'"):
        tgi.from_dlpack(np.ones(2), device="cuda")


def test_a_tensor_that_requires_grad_is_not_handed_out() -> None:
    t = tgi.tensor([1.0], requires_grad=True)
    for x in (t, t * 2.0):
        with pytest.raises(BufferError, match=r"say \.detach\(\)"):
            np.from_dlpack(x)
    assert np.from_dlpack(t.detach())[0] == 1
    assert tgi.tensor([1.0]).__dlpack_device__() == (1, 0)


def test_a_graph_that_relies_on_what_was_handed_out_says_so() -> None:
    x, w = tgi.tensor([1.0, 2.0]), tgi.tensor([3.0, 4.0], requires_grad=True)
    out = (x * w).sum()
    np.from_dlpack(x)
    with pytest.raises(RuntimeError, match="changed"):
        out.backward()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pytorch_sees_what_is_written(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    t = tgi.tensor([[1.0, 2.0], [3.0, 4.0]], dtype)
    theirs = torch.from_dlpack(t)
    theirs[0, 0] = 7.0
    assert t[0, 0].item() == 7
    t[1, 1] = -1.0
    assert theirs[1, 1].item() == -1
    ours = tgi.from_dlpack(torch.arange(6, dtype=getattr(torch, dtype)).reshape(2, 3))
    ours *= 2.0
    np.testing.assert_array_equal(ours.numpy(), 2.0 * np.arange(6).reshape(2, 3))
    source = torch.ones(3, dtype=getattr(torch, dtype))
    shared = tgi.from_dlpack(source)
    shared.fill_(4.0)
    assert source[2].item() == 4
    with pytest.raises((BufferError, RuntimeError)):
        tgi.from_dlpack(torch.ones(2, requires_grad=True))
    whole = torch.from_dlpack(tgi.tensor([1, 2, 3]))
    assert whole.dtype == torch.int64


def test_jax() -> None:
    jnp = pytest.importorskip("jax.numpy")
    ours = tgi.from_dlpack(jnp.arange(3.0, dtype="float32"))
    np.testing.assert_array_equal(ours.numpy(), [0, 1, 2])
    ours[0] = 9.0
    theirs = jnp.from_dlpack(tgi.tensor([1.0, 2.0]))
    np.testing.assert_array_equal(np.asarray(theirs), [1, 2])
