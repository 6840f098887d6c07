"""Networks of classes of the user's own: made from a file where the caller allows them, and never otherwise."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi

from .states import said, saying

nn = tgi.nn
X = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
MADE: list[str] = []


class Block(nn.Module):
    """A residual block around any module, with options of all kinds."""

    def __init__(self, inner: Any, scale: float = 1.0, *, dtype: Any = np.float32, rng: Any = None) -> None:
        MADE.append("Block")
        self.body, self.scale, self.dtype = inner, 2 * scale, np.dtype(dtype)  # attributes that differ from the options
        self.drop = nn.Dropout(0.5, rng=rng)

    def forward(self, x: Any) -> Any:
        return x + self.scale * self.drop(self.body(x))


class Net(nn.Module):
    """A network that draws its weights from the default generator, too."""

    def __init__(self, sizes: tuple[int, ...], generator: Any, activation: Any = tgi.tanh, **more: Any) -> None:
        MADE.append("Net")
        self.layers = nn.ModuleList(nn.Linear(n, m) for n, m in pairwise(sizes))
        self.noise, self.activation, self.more = generator, activation, dict(more)
        self.start = nn.Parameter(np.zeros(sizes[0], np.float32))
        tgi.init.normal_(self.start)

    def forward(self, x: Any) -> Any:
        x = x + self.start
        for layer in self.layers:
            x = self.activation(layer(x))
        return x + self.noise.normal()


class Averaging(tgi.optim.SGD):
    """An optimizer of somebody's own."""


class Halving(tgi.optim.lr_scheduler.LRScheduler):
    """A schedule of somebody's own."""

    def __init__(self, optimizer: Any, factor: float, last_epoch: int = -1) -> None:
        self.factor = factor
        super().__init__(optimizer, last_epoch)

    def rate(self, i: int, group: Any) -> float:
        return group["lr"] if self._initial else group["lr"] * self.factor


def network() -> Any:
    inner = nn.Sequential(nn.Linear(3, 3, rng=0), nn.Tanh())
    block = Block(inner, 0.3, rng=np.random.default_rng(1))
    return nn.Sequential(block, Net((3, 4, 3), np.random.default_rng(2), nn.functional.gelu, depth=3), Block(block))


def test_allowed_classes_are_made(tmp_path: Path) -> None:
    """With options, modules among them, what is shared, numbers and generators; saving calls none of them."""
    path, model = tmp_path / "a", network()
    MADE.clear()
    tgi.save(path, model)
    assert not MADE
    tgi.manual_seed(3)
    default = tgi.saving.randomness.default_generator()
    assert default is not None
    before = default.bit_generator.state
    for classes in ([Net, Block], (f"{__name__}.Net", f"{__name__}:Block")):
        found = tgi.load(path, classes=classes).model
        assert default.bit_generator.state == before
        assert repr(found) == repr(model) and type(found[0]) is Block and found[2].body is found[0]
        assert found[1].activation is nn.functional.gelu and found[1].more == {"depth": 3}
        assert found(X).numpy().tobytes() == network_after(model)(X).numpy().tobytes()
        default.bit_generator.state = before


def network_after(model: Any) -> Any:
    """A network with the numbers of another, and generators where they began."""
    other = network()
    other.load_state_dict(model.state_dict())
    other[2].drop.rng.bit_generator.state = model[2].drop.rng.bit_generator.state
    return other


def test_a_training_of_own_classes_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a"

    def begun() -> tuple[Any, Any, Any]:
        model = Net((3, 4, 2), np.random.default_rng(0))
        update = Averaging(model.parameters(), lr=0.1, momentum=0.9)
        return model, update, Halving(update, 0.5)

    def gone_on(model: Any, update: Any, schedule: Any) -> list[Any]:
        found = []
        for _ in range(3):
            update.zero_grad()
            loss = (model(X) ** 2).sum()
            loss.backward()
            update.step()
            schedule.step()
            found.append((loss.item(), update.lr))
        return found

    training = begun()
    gone_on(*training)
    tgi.save(path, *training)
    back = tgi.load(path, classes=[Net, Averaging, Halving])
    assert type(back.optimizer) is Averaging and type(back.schedule) is Halving
    assert gone_on(*training) == gone_on(back.model, back.optimizer, back.schedule)
    with pytest.warns(
        UserWarning, match=r"is a (Averaging|Halving), which is no (optimizer|schedule) of tgi.optim|no optimizer"
    ):
        assert tgi.load(path, classes=[Net]).optimizer is None


def test_what_is_not_allowed_is_neither_imported_nor_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    tgi.save(path, Block(nn.Linear(3, 3)))
    told = said(path)
    (tmp_path / "hostile.py").write_text("raise SystemExit('imported')\nclass Block: pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    MADE.clear()
    for name in (
        f"{__name__}:Block",
        "hostile:Block",
        "hostile:Linear",
        "os:system",
        "builtins:eval",
        ":Block",
        "a:b:c",
    ):
        told["architecture"]["call"]["module"] = name
        saying(path, told)
        for classes in ([], [Net]):
            with pytest.raises(tgi.LoadError, match="which is none of tgi.nn") as refused:
                tgi.load(path, classes=classes)
            assert "\n" not in str(refused.value)
    assert not MADE and "hostile" not in sys.modules
    # A class that is allowed may have moved; one that is no module is not called even so.
    told["architecture"]["call"]["module"] = "old_script:Block"
    assert type(tgi.load(saying(path, told), classes=[Block]).model) is Block
    told["architecture"]["call"]["module"] = "builtins:dict"
    with pytest.raises(tgi.LoadError, match="has the class builtins:dict, which is none of tgi.nn"):
        tgi.load(saying(path, told), classes=[dict])


class Odd(nn.Module):
    """Counts its calls, which no option says."""

    def __init__(self, width: int = 3) -> None:
        self.calls, self.inner = 0, nn.Linear(width, width)

    def forward(self, x: Any) -> Any:
        self.calls += 1
        return self.inner(x)


def test_what_makes_another_network_is_refused(tmp_path: Path) -> None:
    """With the reason, as by constructors that have changed since."""
    path, model = tmp_path / "a", Odd()
    model(X)
    tgi.save(path, model)
    with pytest.raises(tgi.LoadError, match=r"where its calls was changed; make one and write tgi.load\(path, model\)"):
        tgi.load(path, classes=[Odd])
    assert tgi.load(path, model).model is model
    tgi.save(path, Odd())
    told = said(path)
    told["architecture"]["call"]["options"]["width"] = 2
    with pytest.raises(tgi.LoadError, match="another network than .*, where in_features of the Linear inner"):
        tgi.load(saying(path, told), classes=[Odd])
    told["architecture"]["call"]["options"]["width"] = 2**30
    with pytest.raises(tgi.LoadError, match="too much for the numbers in the file"):
        tgi.load(saying(path, told), classes=[Odd])
    told["architecture"]["call"]["options"] = {"depth": 3}
    with pytest.raises(tgi.LoadError, match="Odd that cannot be made: .*depth"):
        tgi.load(saying(path, told), classes=[Odd])
    for looks in ([], [[], 3], [[["", "Odd", 3]], []], [[["", "Odd", [[[], 1]]]], []], {}, "x"):
        told["architecture"]["looks"] = looks
        told["architecture"]["call"]["options"] = {"width": 3}
        with pytest.raises(
            tgi.LoadError, match="looks like nothing|make another network|the looks of its architecture"
        ):
            tgi.load(saying(path, told), classes=[Odd])


@pytest.mark.parametrize(
    ("classes", "kind", "expected"),
    [
        (Net, TypeError, "expected classes to be a list, such as .Net., got"),
        ("models.Net", TypeError, "expected classes to be a list"),
        ([3], TypeError, "expected classes, or their names as 'module.Class', got 3"),
        (["os.path.join"], TypeError, "expected classes, or their names"),
        (["no_such_module.Net"], ValueError, "there is no class 'no_such_module.Net': "),
        ([f"{__name__}.Nothing"], ValueError, "there is no class .*Nothing"),
    ],
)
def test_what_cannot_be_allowed(tmp_path: Path, classes: Any, kind: type[Exception], expected: str) -> None:
    tgi.save(tmp_path / "a", nn.ReLU())
    with pytest.raises(kind, match=expected):
        tgi.load(tmp_path / "a", classes=classes)
