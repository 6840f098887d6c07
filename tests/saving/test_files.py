"""Files: dictionaries come back, other libraries read them, damaged ones are refused, failures leave what was there."""

from __future__ import annotations

import copy
import json
import os
import pickle
import stat
import struct
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_init as tgi
from tinygrad_init.saving import files

from .states import opened, tensor, written

quick = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
DTYPES = [np.float64, np.float32, np.float16, *(f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64)), np.bool_]
arrays = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(lambda name: name != "__metadata__")


def same(x: Any, y: Any) -> bool:
    return type(x) is type(y) and x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()


@quick
@given(st.dictionaries(texts, arrays, max_size=5), st.dictionaries(texts, texts, max_size=2))
def test_any_dictionary_of_arrays_comes_back(tmp_path: Path, given: Any, metadata: Any) -> None:
    path = tmp_path / "a.safetensors"
    metadata.pop("tinygrad_init", None)
    tgi.save(path, given, metadata=metadata)
    found = tgi.load(path)
    assert found.keys() == given.keys() and all(same(found[name], given[name]) for name in given)
    assert found.metadata == metadata
    by_others = safetensors.numpy.load_file(path)
    assert by_others.keys() == given.keys() and all(same(by_others[name], given[name]) for name in given)
    assert all(array.flags.writeable for array in found.values())


def test_arrays_come_back_however_they_lie_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    x = np.arange(12.0).reshape(3, 4)
    given = {
        "t": x.T,
        "back": x[::-1, ::2],
        "big": x.astype(">f4"),
        "wide": np.broadcast_to(x[0], (2, 4)),
        "n": x[1, 1],
    }
    tgi.save(path, given)
    found = tgi.load(path)
    for name, array in given.items():
        assert np.array_equal(found[name], array) and found[name].shape == array.shape
    assert found["big"].dtype == np.float32


def test_what_was_a_tensor_is_one(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    w = tgi.tensor([1.0, 2.0], np.float64, requires_grad=True)
    tgi.save(
        path, {"w": w, "x": tgi.tensor(3.0), "more": tgi.tensor([1, 2]), "array": np.ones(2)}, metadata={"by": "hand"}
    )
    found = tgi.load(path)
    assert isinstance(found["w"], tgi.Tensor) and found["w"].requires_grad and found["w"].dtype == np.float64
    assert isinstance(found["x"], tgi.Tensor) and not found["x"].requires_grad and found["x"].shape == ()
    assert type(found["more"]) is type(tgi.tensor([1, 2])) and found["more"].tolist() == [1, 2]
    assert same(found["array"], np.ones(2))
    assert found.metadata == {"by": "hand"}


def test_the_order_of_torch_save_is_understood(tmp_path: Path) -> None:
    path = str(tmp_path / "a.safetensors")
    tgi.save({"w": np.ones(2)}, path)
    assert tgi.load(path)["w"].tolist() == [1.0, 1.0]
    model = tgi.nn.Linear(2, 2)
    tgi.save(model, path)
    assert np.array_equal(tgi.load(path).model.weight.numpy(), model.weight.numpy())


class Own(tgi.nn.Module):
    pass


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ([1.0], {}, "expected a module or a dictionary of tensors, got list"),
        (tgi.nn.Linear, {}, "expected a module or a dictionary of tensors, got the class Linear"),
        ("b", {}, "expected a module or a dictionary of tensors, got str"),
        ({"w": [1.0]}, {}, "expected tensors and arrays, got list as 'w'"),
        ({"w": np.array(["a"])}, {}, "'w' is of <U1, which safetensors has not"),
        ({"w": np.array([None])}, {}, "'w' is of object, which safetensors has not"),
        ({"w": np.ones(2, complex)}, {}, "'w' is of complex128, which safetensors has not"),
        ({"w": np.ones(2, np.longdouble)}, {}, "which safetensors has not"),
        ({"w": np.ma.masked_array([1.0], [True])}, {}, "got MaskedArray as 'w'"),
        ({3: np.ones(2)}, {}, "expected names that are texts, got 3"),
        ({"model": {"w": np.ones(2)}, "epoch": 3}, {}, r"'model' is a dictionary; .* save\(path, model, optimizer"),
        ({"w": np.ones(2)}, {"step": 3}, r"step goes with a model, got a dictionary"),
        ({"w": np.ones(2)}, {"metadata": {"epoch": 3}}, "expected metadata of texts, got 'epoch': 3"),
        (Own(), {"step": 1.5}, "expected step to be a whole number, got 1.5"),
        (Own(), {"class_names": "cat"}, "expected class_names to be a list of texts, got 'cat'"),
        (Own(), {"class_names": [1]}, "expected class_names to be a list of texts"),
        (Own(), {"metadata": [1]}, "expected metadata to be a dictionary, got list"),
        (Own(), {"metadata": {"f": {"g": print}}}, "metadata/f/g is of builtin_function_or_method; expected numbers"),
        (Own(), {"optimizer": tgi.optim.SGD}, "expected an optimizer with .* got the class SGD"),
        (Own(), {"optimizer": 3}, "expected an optimizer with .* got int"),
        (Own(), {"generators": 3}, "expected generators to be .* got int"),
        (Own(), {"generators": {"a": np.random}}, "got module as 'a'"),
        (Own(), {"scaler": 3}, "expected a scaler of tgi.data, StandardScaler or MinMaxScaler, got int"),
    ],
)  # fmt: skip
def test_what_cannot_be_saved(tmp_path: Path, given: Any, options: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        tgi.save(tmp_path / "a", given, **options)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_asked_for(tmp_path: Path) -> None:
    model = tgi.nn.Linear(2, 2)
    with pytest.raises(TypeError, match=r"expected a path first, save\(path, model\), got Linear"):
        tgi.save(model, {"a": np.ones(2)})
    with pytest.raises(TypeError, match=r"expected a path first, load\(path, model\), got Linear"):
        tgi.load(model, tmp_path / "a")
    with pytest.raises(TypeError, match="expected a module to be filled, got dict"):
        tgi.load(tmp_path / "a", {})
    with pytest.raises(TypeError, match=r"write load\(path, model, ...\)"):
        tgi.load(tmp_path / "a", generators=np.random.default_rng())
    for name in ("__metadata__", "\ud800"):
        with pytest.raises(ValueError, match="a tensor cannot be called"):
            tgi.save(tmp_path / "a", {name: np.ones(2)})
    with pytest.raises(FileNotFoundError):
        tgi.load(tmp_path / "a")
    with pytest.raises(IsADirectoryError):
        tgi.load(tmp_path)
    with pytest.raises(IsADirectoryError, match="is a folder"):
        tgi.save(tmp_path, model)
    with pytest.raises(FileNotFoundError):
        tgi.save(tmp_path / "none" / "a", model)
    assert not list(tmp_path.iterdir())


# What a failure leaves


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("place", ["save_file", "fsync", "replace"])
def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: Any, place: str, error: BaseException) -> None:
    """Wherever it comes, and nothing beside it."""
    path = tmp_path / "a.safetensors"
    tgi.save(path, {"w": np.ones(2)})
    before = path.read_bytes()
    home: Any = safetensors.numpy if place == "save_file" else os
    right = getattr(home, place)

    def failing(*given: Any) -> None:
        if place == "save_file":
            right(*given)  # it fails when a part is written
        raise error

    monkeypatch.setattr(home, place, failing)
    with pytest.raises(type(error)):
        tgi.save(path, {"w": np.zeros(1000)})
    monkeypatch.undo()
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="permissions and links are those of POSIX")
def test_permissions_are_those_of_other_files(tmp_path: Path) -> None:
    path, usual = tmp_path / "a.safetensors", tmp_path / "b"
    old = os.umask(0o027)
    try:
        usual.write_text("")
        tgi.save(path, {"w": np.ones(2)})
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(usual.stat().st_mode) == 0o640
    for mode in (0o604, 0o444):
        path.chmod(mode)
        tgi.save(path, {"w": np.zeros(2)})
        assert stat.S_IMODE(path.stat().st_mode) == mode and not tgi.load(path)["w"].any()


@pytest.mark.skipif(os.name != "posix", reason="permissions and links are those of POSIX")
def test_what_a_link_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "latest"
    link.symlink_to(tmp_path / "real" / "a.safetensors")
    tgi.save(link, {"w": np.ones(2)})
    assert link.is_symlink() and tgi.load(tmp_path / "real" / "a.safetensors")["w"].tolist() == [1.0, 1.0]
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(tgi.LoadError, match="pipe: expected a file"):
        tgi.load(tmp_path / "pipe")


# Damaged and hostile files

ONE = tensor("F32", [1], 0, 4)
DAMAGED = {
    "empty": (b"", "it does not begin with a header"),
    "too short": (b"abc", "it does not begin with a header"),
    "not the format": (b"hello world, this is text", "it does not begin with a header"),
    "an archive": (b"PK\3\4" + bytes(50), "an archive, as torch.save writes them"),
    "a pickle": (pickle.dumps({"a": 1}), "a pickle, which may hold code and is not read"),
    "NumPy": (b"\x93NUMPY\1\0" + bytes(50), "an array of NumPy; np.load reads it"),
    "truncated in the header": (struct.pack("<Q", 500) + b'{"a":', "it ends before its header of 500 bytes does"),
    "a huge header": (struct.pack("<Q", 2**63) + b'{"a":1}', "it ends before its header of 9223372036854775808 "),
    "a header over the limit": (struct.pack("<Q", 10**8 + 1) + b"{" + bytes(10**8), "header"),
}  # fmt: skip
HEADERS: dict[str, tuple[Any, bytes, str]] = {
    "truncated": ({"a": tensor("F32", [4], 0, 16)}, b"1234", "no whole file of safetensors"),
    "more than told": ({"a": ONE}, b"12345678", "not fully covered"),
    "outside": ({"a": tensor("F32", [1], 4, 8)}, b"12345678", "invalid offset"),
    "overlapping": ({"a": ONE, "b": tensor("F32", [1], 0, 4)}, b"1234", "invalid offset"),
    "backwards": ({"a": tensor("F32", [1], 4, 0)}, b"1234", "no whole file"),
    "another size": ({"a": tensor("F32", [2], 0, 4)}, b"1234", "no whole file"),
    "a product that overflows": ({"a": tensor("F32", [2**33, 2**33], 0, 4)}, b"1234", "overflow"),
    "a product that overflows to nothing": ({"a": tensor("F32", [2**32, 2**32], 0, 0)}, b"", "overflow"),
    "more axes than NumPy has": ({"a": tensor("F32", [1] * 70, 0, 4)}, b"1234", "which NumPy cannot have"),
    "an unusual length": ({"a": tensor("F32", [0, 2**63], 0, 0)}, b"", "a"),
    "negative": ({"a": tensor("F32", [-1], 0, 4)}, b"1234", "no whole file"),
    "twice": (f'{{"a": {json.dumps(ONE)}, "a": {json.dumps(ONE)}}}', b"1234", "'a' stands there twice"),
    "texts twice": ('{"__metadata__": {"k": "1", "k": "2"}}', b"", "'k' stands there twice"),
    "NaN": ('{"__metadata__": NaN}', b"", "NaN is no number in JSON|no whole file"),
    "numbers as texts": ({"__metadata__": {"k": 3}}, b"", "no whole file"),
    "no JSON": ('{"a": ', b"", "no whole file"),
    "a list": ("[]", b"", "does not begin with a header"),
    "deep": ('{"a":' * 100_000, b"", "nested too deeply|no whole file"),
    "unknown dtype": ({"a": tensor("F33", [1], 0, 4)}, b"1234", "no whole file"),
    "eight bits": ({"a": tensor("F8_E4M3", [4], 0, 4)}, b"1234", "a is of F8_E4M3, which NumPy has not; convert"),
    "bools": ({"a": tensor("BOOL", [4], 0, 4)}, b"\0\1\2\0", "a is of BOOL and has bytes that are neither 0 nor 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGED)
def test_what_is_no_file_of_safetensors(tmp_path: Path, case: str) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(DAMAGED[case][0])
    refused(path, DAMAGED[case][1])


@pytest.mark.parametrize("case", HEADERS)
def test_damaged_headers(tmp_path: Path, case: str) -> None:
    header, data, expected = HEADERS[case]
    refused(written(tmp_path / "a.safetensors", header, data), expected)


def refused(path: Path, expected: str) -> None:
    """In one sentence that begins with the file."""
    with pytest.raises(tgi.LoadError, match=expected) as found:
        tgi.load(path)
    said = str(found.value)
    assert said.startswith(f"{path}: ") and "\n" not in said and len(said) < len(str(path)) + 400


LIMITED = """
import resource, sys
import tinygrad_init as tgi

path, size = sys.argv[1], int(sys.argv[2])
tgi.save(path + ".small", {"w": tgi.zeros(3)})
tgi.load(path + ".small")  # what is imported for it takes room, too
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
for share in (0.5, 1.5):
    resource.setrlimit(resource.RLIMIT_AS, (used + int(share * size), resource.RLIM_INFINITY))
    try:
        print(tgi.load(path)["w"].shape)
    except tgi.LoadError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="how much room a process has is read from Linux")
def test_where_memory_is_limited(tmp_path: Path) -> None:
    """One copy is all that is wanted, and where there is no room for it that is said."""
    path, size = tmp_path / "a", 2**27
    written(path, {"w": tensor("F32", [size // 4], 0, size)}, b"")
    os.truncate(path, path.stat().st_size + size)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path), str(size)], capture_output=True, text=True, timeout=120
    )
    said = [f"{path}: it is too large for this machine's memory", f"({size // 4},)"]
    assert done.stdout.splitlines() == said, done.stderr


def test_every_dtype_is_read(tmp_path: Path) -> None:
    """bfloat16 with a word of it."""
    path = written(
        tmp_path / "a", {"b": tensor("BF16", [3], 0, 6)}, np.array([0x3F80, 0xC000, 0x7F80], "<u2").tobytes()
    )
    with pytest.warns(UserWarning, match="b: bfloat16, which NumPy has not, is read as float32"):
        found = tgi.load(path)["b"]
    assert same(found, np.array([1.0, -2.0, np.inf], np.float32))
    for name, dtype in files.DTYPES.items():
        x = np.array([0, 1, 1]).astype(dtype)
        path = written(tmp_path / "a", {"x": tensor(name, [3], 0, x.nbytes)}, x.tobytes())
        assert np.array_equal(tgi.load(path)["x"], x) and tgi.load(path)["x"].dtype == x.dtype


@quick
@given(st.data())
def test_a_file_of_which_bytes_were_changed_loads_or_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "a.safetensors"
    given = {"w": np.arange(6.0).reshape(2, 3), "n": np.array(3), "b": np.array([True, False]), "t": tgi.tensor([1.0])}
    tgi.save(path, given, metadata={"by": "hand"})
    changed = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(changed[: data.draw(st.sampled_from([len(changed), len(changed) // 2]))])
    try:
        with quietly():
            found = tgi.load(path)
    except tgi.LoadError:
        return
    assert isinstance(found, dict) and all(isinstance(x, np.ndarray | tgi.Tensor) for x in found.values())


def quietly() -> Any:
    """Without the word on bfloat16."""
    return warnings.catch_warnings(action="ignore")


# PyTorch


def networks() -> list[tuple[Any, Any]]:
    """The same layers here and there."""
    from torch import nn as theirs

    nn = tgi.nn
    return [
        (
            nn.Sequential(nn.Linear(8, 6), nn.LayerNorm(6), nn.Tanh(), nn.Linear(6, 3, bias=False)),
            theirs.Sequential(theirs.Linear(8, 6), theirs.LayerNorm(6), theirs.Tanh(), theirs.Linear(6, 3, bias=False)),
        ),
        (
            nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)),
            theirs.Sequential(
                theirs.Conv2d(2, 4, 3), theirs.BatchNorm2d(4), theirs.ReLU(), theirs.Flatten(), theirs.Linear(16, 3)
            ),
        ),
    ]  # fmt: skip


@pytest.mark.parametrize("i", [0, 1])
def test_round_trip_with_pytorch(tmp_path: Path, i: int) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from safetensors.torch import load_file, save_file

    path = tmp_path / "a.safetensors"
    own, theirs = networks()[i]
    x = np.random.default_rng(0).normal(size=(5, 8) if i == 0 else (5, 2, 4, 4)).astype(np.float32)

    def outputs() -> tuple[Any, Any]:
        return tgi.predict(own.eval(), x), theirs.eval()(torch.from_numpy(x)).detach().numpy()

    theirs.train()(torch.from_numpy(x))  # running statistics that are not those of the beginning
    save_file(theirs.state_dict(), path)
    assert tgi.load(path, own).model is own
    np.testing.assert_allclose(*outputs(), rtol=1e-4, atol=1e-5)
    own.load_state_dict(tgi.load(path))
    own.train()(tgi.tensor(x * 2 + 1))
    own.load_state_dict({name: array * 1.5 for name, array in own.state_dict().items()})
    tgi.save(path, own)
    theirs.load_state_dict(load_file(path))
    np.testing.assert_allclose(*outputs(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float64"])
def test_floats_of_pytorch(tmp_path: Path, name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from safetensors.torch import save_file

    path = tmp_path / "a.safetensors"
    theirs = torch.nn.Linear(3, 2).to(getattr(torch, name))
    save_file(theirs.state_dict(), path)
    own = tgi.nn.Linear(3, 2, dtype=np.float64)
    with quietly():
        tgi.load(path, own)
        found = tgi.load(path)
    assert np.array_equal(own.weight.numpy(), theirs.weight.detach().double().numpy())
    assert found["weight"].dtype == {"float16": np.float16, "bfloat16": np.float32, "float64": np.float64}[name]


def test_a_file_of_pytorch_that_does_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    tgi.save(path, {"weight": np.ones((2, 4)), "bias": np.ones(2)})
    model = tgi.nn.Linear(3, 2)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(
        tgi.LoadError, match=r"does not fit into the model: shapes differ: weight: expected \(2, 3\), got \(2, 4\)"
    ):
        tgi.load(path, model)
    tgi.save(path, {"w": np.ones((2, 3))})
    with pytest.raises(
        tgi.LoadError, match=r"does not fit into the model: missing \['bias', 'weight'\], unknown \['w'\]"
    ):
        tgi.load(path, model)
    with pytest.raises(tgi.LoadError, match="it has the tensors of a model and nothing else"):
        tgi.load(path, model, generators=np.random.default_rng())
    assert all(same(before[name].numpy(), array.numpy()) for name, array in model.state_dict().items())


def test_a_file_says_what_its_tensors_are_for(tmp_path: Path) -> None:
    """A network alone has its parameters and buffers, and what is not the network's is told by a slash."""
    path = tmp_path / "a.safetensors"
    model = tgi.nn.Sequential(tgi.nn.Linear(2, 2), tgi.nn.Dropout(rng=np.random.Generator(np.random.MT19937(0))))
    tgi.save(path, model, scaler=tgi.data.MinMaxScaler().fit(np.eye(2)))
    names = {name for name in opened(path)[0] if name != "__metadata__"}
    assert {name for name in names if "/" not in name} == set(model.state_dict())
    assert {name for name in names if "/" in name} == {"generators/0/state/key", "scaler/shift", "scaler/scale"}
    setattr(model, "a/b", tgi.nn.Parameter(np.ones(2)))
    with pytest.raises(ValueError, match="a parameter cannot be called 'a/b'"):
        tgi.save(path, model)
