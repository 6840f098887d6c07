"""Files of all kinds, whole and damaged; what stands in them is never run."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
safetensors = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")

from torch import nn  # noqa: E402

import tinygrad_init as tgi  # noqa: E402
from tinygrad_init.torch import CheckpointError  # noqa: E402


def state(seed: int = 0) -> dict[str, Any]:
    torch.manual_seed(seed)
    return dict(nn.Sequential(nn.Linear(64, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 10)).state_dict())


def sharded(folder: Path, ending: str = ".safetensors") -> Path:
    """Two shards and their index."""
    tensors = state()
    shards = {f"model-{i}{ending}": dict(list(tensors.items())[i::2]) for i in range(2)}
    for file, part in shards.items():
        if ending == ".safetensors":
            safetensors.save_file(part, folder / file)
        else:
            torch.save(part, folder / file)
    index = folder / f"model{ending}.index.json"
    listed = {name: file for file, part in shards.items() for name in part}
    index.write_text(json.dumps({"metadata": {}, "weight_map": listed}), encoding="utf-8")
    return index


def one_file(folder: Path) -> Path:
    safetensors.save_file(state(), folder / "model.safetensors")
    return folder / "model.safetensors"


def saved(what: Callable[[], Any], name: str = "model.pt", **options: Any) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.save(what(), folder / name, **options)
        return folder / name

    return write


WHOLE: dict[str, Callable[[Path], Path]] = {
    "safetensors": one_file,
    "index": sharded,
    "index of pickles": lambda folder: sharded(folder, ".bin"),
    "folder with an index": lambda folder: sharded(folder).parent,
    "folder of one file": lambda folder: one_file(folder).parent,
    "folder of a pickle": lambda folder: saved(state)(folder).parent,
    "pickle": saved(state),
    "pickle of the old format": saved(state, "model.pth", _use_new_zipfile_serialization=False),
    "of a training script": saved(lambda: {"epoch": 3, "model": state(), "optimizer": {"state": {0: torch.ones(3)}}}),
    "of a trainer": saved(lambda: {"state_dict": state(), "callbacks": [1, "x"], "lr": 0.1}, "last.ckpt"),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_every_kind_of_file_is_read_as_what_was_saved(kind: str, tmp_path: Path) -> None:
    path = WHOLE[kind](tmp_path)
    audit, wanted = tgi.torch.audit(path), tgi.torch.audit(state())
    assert audit.source == str(path)
    assert {one.name: (one.std, one.scheme) for one in audit.parameters} == {
        one.name: (one.std, one.scheme) for one in wanted.parameters
    }
    assert all(one.moved and one.moved.identical for one in tgi.torch.audit(str(path), against=state()).parameters)


class Bomb:
    """Leaves a mark if it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def written(name: str, content: bytes | str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def cut(make: Callable[[Path], Path], share: float) -> Callable[[Path], Path]:
    """The beginning of a file."""

    def write(folder: Path) -> Path:
        path = make(folder)
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * share)])
        return path

    return write


def changed(make: Callable[[Path], Path], change: Callable[[Path], None]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = make(folder)
        change(path)
        return path

    return write


def elsewhere(index: Path) -> None:
    listed = json.loads(index.read_text())
    listed["weight_map"]["0.weight"] = "../model-0.safetensors"
    index.write_text(json.dumps(listed))


def renamed(index: Path) -> None:
    listed = json.loads(index.read_text())
    listed["weight_map"]["nothing"] = "model-0.safetensors"
    index.write_text(json.dumps(listed))


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda folder: folder / "none.pt", "No such file"),
    "empty": (written("model.pt", b""), "the file is empty"),
    "empty safetensors": (written("model.safetensors", b""), "the file is empty"),
    "empty folder": (lambda folder: folder, "there is no checkpoint in this folder"),
    "text": (written("model.pt", "hello"), "neither an archive nor a pickle"),
    "text as safetensors": (written("model.safetensors", "hello, this is text"), "no whole file of safetensors"),
    "another name": (written("model.onnx", b"x"), "name ends in .safetensors, .pt"),
    "truncated": (cut(saved(state), 0.6), "no whole file of torch.save"),
    "truncated old": (cut(saved(state, _use_new_zipfile_serialization=False), 0.6), "no whole file of torch.save"),
    "truncated safetensors": (cut(one_file, 0.7), "no whole file of safetensors"),
    "truncated header": (cut(one_file, 0.01), "no whole file of safetensors"),
    "a pickle's garbage": (written("model.pt", b"\x80\x04garbage"), "no whole file of torch.save"),
    "an archive of something else": (written("model.pt", b"PK\x05\x06" + bytes(18)), "no whole file of torch.save"),
    "a whole module": (saved(lambda: nn.Linear(2, 2)), "names code, which is not run"),
    "no tensors": (saved(lambda: {"lr": 0.1}), "there are no tensors in it"),
    "a shard is missing": (
        changed(sharded, lambda p: (p.parent / "model-1.safetensors").unlink()),
        "-1.safetensors is",
    ),
    "a shard is elsewhere": (changed(sharded, elsewhere), "expected shards beside the index"),
    "a tensor is missing": (changed(sharded, renamed), "nothing is not in model-0.safetensors"),
    "an index of nothing": (written("model.index.json", '{"weight_map": {}}'), "there are no tensors"),
    "an index without a map": (written("model.index.json", "[1]"), 'expected JSON with a "weight_map"'),
    "an index that is no JSON": (written("model.index.json", "{"), 'expected JSON with a "weight_map"'),
    "two indices": (
        lambda folder: (
            changed(sharded, lambda p: p.with_name("b.safetensors.index.json").write_text("{}") and None)(folder).parent
        ),
        "there are several indices",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_get_one_sentence(kind: str, tmp_path: Path) -> None:
    make, message = BAD[kind]
    path = make(tmp_path)
    with pytest.raises(CheckpointError) as error:
        tgi.torch.audit(path)
    said = str(error.value)
    assert said.startswith(f"{path}: ") and message in said and "\n" not in said and len(said) < 400 + len(str(path))


@pytest.mark.parametrize("write", [pickle.dump, torch.save], ids=["pickle", "torch.save"])
def test_a_pickle_with_code_is_not_run(write: Any, tmp_path: Path) -> None:
    mark, path = tmp_path / "mark", tmp_path / "model.pt"
    with path.open("wb") as file:
        write({"a": torch.zeros(3), "b": Bomb(mark)}, file)
    with pytest.raises(CheckpointError, match="a pickle that names code, which is not run"):
        tgi.torch.audit(path)
    assert not mark.exists()


@pytest.mark.parametrize("content", ["{", "[]", '{"findings": [1]}', '{"findings": [{"code": "TGI101"}]}'])
def test_what_is_no_baseline(content: str, tmp_path: Path) -> None:
    path = written("known.json", content)(tmp_path)
    with pytest.raises(CheckpointError, match="expected the JSON of an audit"):
        tgi.torch.audit(state(), baseline=path)


@pytest.mark.skipif(sys.platform != "linux", reason="how much memory is a process's own is read as Linux says it")
def test_memory_stays_flat(tmp_path: Path) -> None:
    """Of 24 tensors of 16 MB, what is the process's own grows by a few of them, not by half."""
    for name in ("model.safetensors", "model.pt"):
        tensors = {f"{i}.weight": torch.randn(2048, 2048) for i in range(24)}
        if name.endswith("pt"):
            torch.save(tensors, tmp_path / name)
        else:
            safetensors.save_file(tensors, tmp_path / name)
    del tensors
    code = """
import sys
import torch, tinygrad_init as tgi
def own():
    return sum(int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("RssAnon")) / 1024
tgi.torch.audit({"0.weight": torch.randn(2048, 2048)})
before, most = own(), []
tgi.torch.audit(sys.argv[1], on_parameter=lambda name: most.append(own()))
assert max(most) - before < 192, (before, max(most))
"""
    for name in ("model.safetensors", "model.pt"):
        command = [sys.executable, "-c", code, str(tmp_path / name)]
        subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"})
