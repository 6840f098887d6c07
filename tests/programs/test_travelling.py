"""Programs in files: the same bits elsewhere, and nothing that is not whole is run."""

from __future__ import annotations

import json
import pickle
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.programs import travelling
from tinygrad_init.programs.travelling import PREAMBLE, ROOM, from_bytes

from .capturing import numbers
from .travellers import TRAVELLERS, network

if tgi.BACKEND != "compiled":
    pytest.skip("programs travel between compiled backends", allow_module_level=True)

CALLS = 4
ELSEWHERE = f"""
import pickle, sys
import tinygrad_init as tgi
from tests.programs.capturing import numbers

found = {{}}
for path, args in pickle.load(open(sys.argv[1], "rb")):
    program = tgi.load_program(path)
    found[path] = [list(numbers(program(*args))) for _ in range({CALLS})], program.state
pickle.dump(found, open(sys.argv[2], "wb"))
"""


def bits(values: Any) -> list[Any]:
    return [(v.shape, v.dtype, v.tobytes()) if isinstance(v, np.ndarray) else v for v in values]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each program gives here by its function, and in another process by its file."""
    folder = tmp_path_factory.mktemp("programs")
    here, jobs = {}, []
    for name, make in TRAVELLERS.items():
        function, args = make()
        for _ in range(3):
            function(*args)
        path = str(folder / f"{name}.program")
        function.save(path)
        jobs.append((path, args))
        here[name] = [bits(numbers(function(*args))) for _ in range(CALLS)]
    (folder / "jobs").write_bytes(pickle.dumps(jobs))
    command = [sys.executable, "-c", ELSEWHERE, str(folder / "jobs"), str(folder / "found")]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2])
    found = pickle.loads((folder / "found").read_bytes())
    return {name: (here[name], *found[str(folder / f"{name}.program")]) for name in TRAVELLERS}


@pytest.mark.parametrize("name", TRAVELLERS)
def test_the_same_bits_in_another_process(name: str, elsewhere: dict[str, Any]) -> None:
    here, there, _ = elsewhere[name]
    assert [bits(run) for run in there] == here


def test_state_has_the_names_that_the_function_says(elsewhere: dict[str, Any]) -> None:
    _, _, state = elsewhere["Adam"]
    assert {"net.0.weight", "net.4.bias", "rule.lr", "rule.exp_avg.net.2.weight", "net.0.weight.grad"} <= set(state)
    assert state["rule.lr"] == 0.01 and state["net.0.weight"].shape == (6, 2)


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Any, Any, Path]:
    step, args = network(lambda p: tgi.optim.SGD(p, lr=0.1, momentum=0.9))
    for _ in range(2):
        step(*args)
    step.save(tmp_path / "step.program")
    return step, args, tmp_path / "step.program"


def test_what_is_written_into_state_holds(saved: tuple[Any, Any, Path]) -> None:
    _, args, path = saved
    program = tgi.load_program(path)
    assert set(program.parameters) == {f"net.{i}.{part}" for i in (0, 2, 4) for part in ("weight", "bias")}
    program.state["rule.lr"][...] = 0
    for name, array in program.state.items():
        if "momentum" in name:
            array[...] = 0
    before = {name: array.copy() for name, array in program.parameters.items()}
    program(*args)
    assert all(np.array_equal(before[name], array) for name, array in program.parameters.items())
    for array in program.parameters.values():
        array[...] = 0
    assert program(*args).item() == pytest.approx(np.log(2), abs=1e-7)


def test_a_loaded_program_is_saved_as_it_is_by_then(saved: tuple[Any, Any, Path], tmp_path: Path) -> None:
    _, args, path = saved
    program = tgi.load_program(path)
    for _ in range(3):
        program(*args)
    program.save(tmp_path / "later")
    again = tgi.load_program(tmp_path / "later")
    assert [again(*args).item() for _ in range(3)] == [program(*args).item() for _ in range(3)]


def test_tensors_and_arrays_are_the_same_to_it_and_others_are_refused(saved: tuple[Any, Any, Path]) -> None:
    _, (x, y), path = saved
    one, other = tgi.load_program(path), tgi.load_program(path)
    assert one(x, y).item() == other(tgi.tensor(x), y[::-1][::-1]).item()
    with pytest.raises(TypeError, match=r"step: expected 2 arguments, got 1"):
        one(x)
    with pytest.raises(
        TypeError, match=r"argument 0: expected an array of shape \(100, 2\) and float32, got shape \(99"
    ):
        one(x[1:], y)
    with pytest.raises(TypeError, match="float32, got shape .* and float64"):
        one(x.astype(np.float64), y)


def test_an_argument_that_is_its_own_state_is_copied(tmp_path: Path) -> None:
    w = tgi.tensor(np.arange(6.0), requires_grad=True)

    @tgi.capture
    def move(x: Any) -> tgi.Tensor:
        with tgi.no_grad():
            w.copy_(w + tgi.tensor(x)[::-1])
        return w * 1.0

    move(np.ones(6))
    move.save(tmp_path / "move")
    program = tgi.load_program(tmp_path / "move")
    expected = program.state["w"] + program.state["w"][::-1]
    assert np.array_equal(program(program.state["w"]).numpy(), expected)


def test_a_transposed_array_outside_travels(tmp_path: Path) -> None:
    x = np.arange(12.0).reshape(3, 4).T
    forward = tgi.capture(lambda v: tgi.tensor(v) @ x)
    expected = forward(np.ones((2, 4))).numpy()
    forward.save(tmp_path / "forward")
    program = tgi.load_program(tmp_path / "forward")
    assert np.array_equal(program(np.ones((2, 4))).numpy(), expected)
    assert np.array_equal(program.state["x"], x)


def twice(w: tgi.Tensor) -> Any:
    def adding(x: Any) -> tgi.Tensor:
        loss = (w * x).sum()
        loss.backward()
        return loss

    return tgi.capture(adding)


def test_what_cannot_travel_is_named(tmp_path: Path) -> None:
    with pytest.raises(tgi.CaptureError, match="no program yet: call it once"):
        tgi.capture(lambda x: x).save(tmp_path / "nothing")
    drop = tgi.nn.Dropout(0.5)
    dropping = tgi.capture(lambda x: drop(tgi.tensor(x)))
    dropping(np.ones(4))
    with pytest.raises(
        tgi.CaptureError, match=r"test_travelling.py:\d+ in .*has no kernel, and is called under Python"
    ):
        dropping.save(tmp_path / "dropping")
    adding = twice(tgi.tensor([1.0, 2.0], requires_grad=True))
    adding(np.ones(2, np.float32))
    with pytest.raises(tgi.CaptureError, match="adds to gradients that it finds only at some calls"):
        adding.save(tmp_path / "adding")
    assert not list(tmp_path.iterdir())


def test_gradients_that_add_up_travel_from_the_second_call_on(tmp_path: Path) -> None:
    w = tgi.tensor([1.0, 2.0], requires_grad=True)
    adding = twice(w)
    for _ in range(2):
        adding(np.ones(2, np.float32))
    adding.save(tmp_path / "adding")
    program = tgi.load_program(tmp_path / "adding")
    for _ in range(3):
        adding(np.ones(2, np.float32))
        program(np.ones(2, np.float32))
    assert w.grad is not None and np.array_equal(program.state["w.grad"], w.grad.numpy())


def signed(header: Any, words: np.ndarray[Any, Any], numbers: bytes) -> bytes:
    """A file with a checksum that is right."""
    rest = np.frombuffer(numbers, np.uint8)
    return travelling.to_bytes(header, words, [rest])


def parts(data: bytes) -> tuple[Any, np.ndarray[Any, Any], bytes]:
    said, words = PREAMBLE.unpack_from(data)[3:5]
    table = np.frombuffer(data, "<i8", words // 8, ROOM + said)
    return json.loads(data[ROOM : ROOM + said]), table, data[ROOM + said + words :]


BROKEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "nothing": (lambda data: b"", "does not begin like one"),
    "another file": (lambda data: b"PK" + data, "does not begin like one"),
    "its end is missing": (lambda data: data[:-1], "no whole program: expected"),
    "a bit": (lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:], "damaged: the checksum"),
    "another version": (
        lambda data: data[:8] + struct.pack("<Q", 99) + data[16:],
        "a program of version 99, and this is",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_not_whole_is_refused(what: str, saved: tuple[Any, Any, Path]) -> None:
    change, said = BROKEN[what]
    path = saved[2]
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(tgi.ProgramError, match=said) as caught:
        tgi.load_program(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


def test_a_place_outside_of_the_memory_is_refused(saved: tuple[Any, Any, Path]) -> None:
    header, words, numbers = parts(saved[2].read_bytes())
    slots = int(words[1])
    first = 3 + slots  # behind the version, the sizes of slots and the count
    offsets = [first + 12 + 2 * place + 1 for place in range(6) if words[first + 12 + 2 * place] >= 0]
    for at in offsets:
        for wrong in (1 << 30, 2):
            moved = words.copy()
            moved[at] += wrong
            with pytest.raises(
                tgi.ProgramError, match="instruction 0: an operand (lies outside|is not aligned)|a place lies"
            ):
                from_bytes(signed(header, moved, numbers))


def test_an_index_that_nothing_checks_is_checked_all_the_same(tmp_path: Path) -> None:
    table = np.arange(10.0).reshape(5, 2)
    picked = tgi.capture(lambda i: tgi.tensor(table)[i])
    picked(np.array([0, 4]))
    picked.save(tmp_path / "picked")
    program = tgi.load_program(tmp_path / "picked")
    assert program(np.array([4, 1])).numpy().tolist() == [[8, 9], [2, 3]]
    header, words, numbers = parts((tmp_path / "picked").read_bytes())
    # Its own check, made one that holds for every number.
    low = struct.unpack("<q", struct.pack("<d", -5.0))[0]
    wide = words.copy()
    at = words.tolist().index(low)
    wide[at : at + 2] = np.array([-(2.0**60), 2.0**60]).view("<i8")
    broken = from_bytes(signed(header, wide, numbers))
    with pytest.raises(ValueError, match="picked|lambda"):
        broken(np.array([1000, 1]))


def test_no_bytes_make_it_crash(tmp_path: Path) -> None:
    """Mutations with a right checksum: refused in one sentence, or run within their memory."""
    rng = np.random.default_rng(5)
    files = []
    for name in ("gradient descent", "images", "chains"):
        function, args = TRAVELLERS[name]()
        for _ in range(2):
            function(*args)
        function.save(tmp_path / "program")
        files.append((parts((tmp_path / "program").read_bytes()), args))
    refused = ran = 0
    for _ in range(1500):
        (header, words, numbers), args = files[rng.integers(len(files))]
        words = words.copy()
        said = json.dumps(header)
        for _ in range(rng.integers(1, 4)):
            if rng.random() < 0.7:
                at = rng.integers(len(words))
                kind = rng.integers(4)
                words[at] = (words[at] + rng.integers(-9, 9), rng.integers(-(2**62), 2**62), 1 << rng.integers(62), 0)[
                    kind
                ]
            else:
                at = rng.integers(len(said))
                said = said[:at] + chr(rng.integers(32, 127)) + said[at + rng.integers(2) :]
        data = said.encode() + b" " * (-len(said) % 8) + words.tobytes() + numbers
        sizes = len(said) + -len(said) % 8, words.nbytes, len(numbers)
        whole = PREAMBLE.pack(b"tgi-prog", 1, zlib.crc32(data), *sizes).ljust(ROOM, b"\0") + data
        try:
            program = from_bytes(whole)
            program(*args)
            ran += 1
        except tgi.ProgramError as error:
            refused += len(str(error).splitlines()) == 1
        except (TypeError, ValueError):  # another shape is expected now, or an index is out of range
            ran += 1
    assert refused > 500 and ran > 100
