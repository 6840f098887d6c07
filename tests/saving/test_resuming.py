"""A training that was stopped and resumed is the training that was not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.data import batches
from tinygrad_init.saving import Saved
from tinygrad_init.training import captured, learning_step

nn = tgi.nn
X = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
Y = np.random.default_rng(1).integers(0, 3, 50)
Make = Callable[[Any], Any]
OPTIMIZERS: dict[str, Make] = {
    "sgd": lambda ps: tgi.optim.SGD(ps, lr=0.1),
    "momentum": lambda ps: tgi.optim.SGD(ps, lr=0.05, momentum=0.9, weight_decay=1e-3),
    "nesterov": lambda ps: tgi.optim.SGD(ps, lr=0.05, momentum=0.9, nesterov=True),
    "adam": lambda ps: tgi.optim.Adam(ps, lr=0.01, betas=(0.8, 0.99)),
    "adamw": lambda ps: tgi.optim.AdamW(ps, lr=0.01),
}
EVERY = [
    name
    for name in tgi.optim.__all__
    if isinstance(kind := getattr(tgi.optim, name), type) and issubclass(kind, tgi.optim.Optimizer)
]
MORE: dict[str, dict[str, Any]] = {
    "Adadelta": {"rho": 0.8, "weight_decay": 1e-3},
    "Adagrad": {"lr_decay": 0.1, "initial_accumulator_value": 0.1},
    "Adam": {"amsgrad": True, "weight_decay": 1e-2},
    "ASGD": {"t0": 5, "lambd": 1e-3},
    "LBFGS": {"max_iter": 3, "history_size": 4, "line_search_fn": "strong_wolfe"},
    "NAdam": {"decoupled_weight_decay": True, "weight_decay": 1e-2},
    "RMSprop": {"centered": True, "momentum": 0.5},
    "SGD": {"momentum": 0.9, "dampening": 0.1, "weight_decay": 1e-3},
}


def begun(make: Make, dtype: Any = np.float32, shared: bool = True, bits: Any = np.random.PCG64) -> Saved:
    """A training before its first step: dropout, running statistics, shuffled batches."""
    shuffling = np.random.Generator(bits(3))
    dropping = shuffling if shared else np.random.Generator(bits(4))
    model = nn.Sequential(
        nn.Linear(6, 12, rng=0, dtype=dtype),
        nn.BatchNorm1d(12, dtype=dtype),
        nn.ReLU(),
        nn.Dropout(0.3, rng=dropping),
        nn.Residual(nn.Sequential(nn.Linear(12, 12, rng=1, dtype=dtype), nn.Tanh(), nn.Dropout(0.2, rng=shuffling))),
        nn.PReLU(12, dtype=dtype),
        nn.Linear(12, 3, rng=2, dtype=dtype),
    )
    return Saved(model, make(model.parameters()), generators=shuffling, step=0)


def gone_on(training: Saved, epochs: int, as_program: bool = False) -> list[float]:
    """Train for some epochs; the losses."""
    learn: Callable[..., Any] = learning_step(training.model, tgi.cross_entropy, training.optimizer)
    learn = captured(learn) if as_program else learn
    dtype = next(training.model.parameters()).dtype
    losses = []
    for _ in range(epochs):
        for x, y in batches(X.astype(dtype), Y, 16, training.generators):
            losses.append(learn(x, y).item())
            training.step = (training.step or 0) + 1
    if isinstance(learn, captured):
        assert learn.refused is None, learn.refused  # one step after the other rounds otherwise
    return losses


def saved(path: Path, training: Saved) -> None:
    tgi.save(path, training.model, training.optimizer, generators=training.generators, step=training.step)


def same(x: Any, y: Any) -> bool:
    """Nested containers with the same numbers, bit for bit."""
    if isinstance(x, tgi.Tensor):
        return isinstance(y, tgi.Tensor) and same(x.numpy(), y.numpy())
    if isinstance(x, np.ndarray):
        return type(y) is np.ndarray and x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()
    if isinstance(x, dict):
        return x.keys() == y.keys() and all(same(x[key], y[key]) for key in x)
    if isinstance(x, list | tuple):
        return len(x) == len(y) and all(map(same, x, y))
    return bool(x == y)


def assert_same(one: Saved, other: Saved) -> None:
    assert same(one.model.state_dict(), other.model.state_dict())
    assert same(one.optimizer.state_dict(), other.optimizer.state_dict())
    assert same(one.generators.bit_generator.state, other.generators.bit_generator.state)
    assert one.step == other.step


@pytest.mark.parametrize("as_program", [False, True], ids=["eager", "captured"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_stopped_and_resumed_is_unbroken(tmp_path: Path, name: str, as_program: bool) -> None:
    """Made anew from the file alone, without the script's model."""
    make = OPTIMIZERS[name]
    unbroken = begun(make)
    losses = gone_on(unbroken, 5, as_program)
    stopped = begun(make)
    before = gone_on(stopped, 2, as_program)
    saved(tmp_path / "a.safetensors", stopped)
    resumed = tgi.load(tmp_path / "a.safetensors")
    assert type(resumed.optimizer) is type(unbroken.optimizer)
    assert before + gone_on(resumed, 3, as_program) == losses
    assert_same(resumed, unbroken)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("options", [{}, MORE], ids=["as it is", "with options"])
@pytest.mark.parametrize("name", [name for name in EVERY if name not in ("Optimizer", "SparseAdam")])
def test_every_optimizer_goes_on(tmp_path: Path, name: str, options: dict[str, Any], dtype: Any) -> None:
    """With a schedule that has changed the rates, a group of its own rate, and generators."""
    path, chosen = tmp_path / "a.safetensors", options.get(name, {})
    matrices = name == "Muon"  # which takes no others

    def make(parameters: Any) -> Any:
        several = [p for p in parameters if p.ndim == 2 or not matrices]
        kind: Any = getattr(tgi.optim, name)
        groups: Any = [{"params": several[:2]}, {"params": several[2:], "lr": 0.02}]
        return kind(several if name == "LBFGS" else groups, lr=0.05, **chosen)

    def trained(training: Saved, epochs: int) -> list[float]:
        losses = []

        def closure(x: Any, y: Any) -> Any:
            training.optimizer.zero_grad()
            loss = tgi.cross_entropy(training.model(x), y)
            loss.backward()
            return loss

        for _ in range(epochs):
            for batch in batches(X.astype(dtype), Y, 16, training.generators):
                losses.append(float(training.optimizer.step(partial(closure, *batch))))
                training.step = (training.step or 0) + 1
            training.schedule.step()
        return losses

    def scheduled() -> Saved:
        training = begun(make, dtype)
        warm = tgi.optim.LinearLR(training.optimizer, 0.5, total_iters=2)
        then = tgi.optim.ExponentialLR(training.optimizer, 0.9)
        training.schedule = tgi.optim.SequentialLR(training.optimizer, [warm, then], [2])
        return training

    unbroken, stopped = scheduled(), scheduled()
    losses = trained(unbroken, 9)
    before = trained(stopped, 3)
    tgi.save(path, stopped.model, stopped.optimizer, stopped.schedule, generators=stopped.generators, step=stopped.step)
    resumed = tgi.load(path)
    assert type(resumed.optimizer) is type(unbroken.optimizer)
    assert before + trained(resumed, 6) == losses
    assert_same(resumed, unbroken)
    assert same(resumed.schedule.state_dict(), unbroken.schedule.state_dict())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["momentum", "adam"])
def test_filled_into_what_is_there(tmp_path: Path, name: str, dtype: Any) -> None:
    """Also in another state, of a training that has gone on, under the same captured program."""
    make = OPTIMIZERS[name]
    training = begun(make, dtype, shared=False)
    learn = captured(learning_step(training.model, tgi.cross_entropy, training.optimizer))

    def epochs() -> list[float]:
        found = []
        for _ in range(3):
            for x, y in batches(X.astype(dtype), Y, 16, training.generators):
                found.append(learn(x, y).item())
        return found

    epochs()
    saved(tmp_path / "a.safetensors", training)
    first = epochs()
    parts = training.model, training.optimizer
    back = tgi.load(tmp_path / "a.safetensors", *parts, generators=training.generators)
    assert back.model is training.model and back.optimizer is training.optimizer
    assert back.generators is training.generators
    assert epochs() == first


@pytest.mark.parametrize(
    "bits", [np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64]
)
def test_every_generator_of_numpy_goes_on(tmp_path: Path, bits: Any) -> None:
    generator = np.random.Generator(bits(5))
    generator.integers(0, 9, 3, dtype=np.uint32)  # half of a number of 64 bits is kept
    generator.normal(size=3)
    tgi.save(tmp_path / "a.safetensors", nn.Dropout(0.5, rng=generator), generators={"mine": generator})
    found = tgi.load(tmp_path / "a.safetensors")
    assert found.generators["mine"] is found.model.rng
    assert same(found.model.rng.bit_generator.state, generator.bit_generator.state)
    assert found.model.rng.normal(size=9).tolist() == generator.normal(size=9).tolist()


def test_the_generator_of_manual_seed_goes_on(tmp_path: Path) -> None:
    w = tgi.tensor(np.zeros(5))
    tgi.manual_seed(7)
    tgi.init.normal_(w)
    tgi.save(tmp_path / "a.safetensors", nn.Identity())
    first = tgi.init.normal_(w).numpy().tolist()
    found = tgi.load(tmp_path / "a.safetensors")
    tgi.manual_seed(8)
    found.restore_default_generator()
    assert tgi.init.normal_(w).numpy().tolist() == first


def test_generators_are_shared_as_they_were(tmp_path: Path) -> None:
    """Two places with one generator do not become two, nor one that another has."""
    path = tmp_path / "a.safetensors"
    one, two = np.random.default_rng(0), np.random.default_rng(1)
    other = np.random.Generator(np.random.MT19937(0))

    def model(first: Any, second: Any) -> Any:
        return nn.Sequential(nn.Dropout(0.1, rng=first), nn.Dropout(0.1, rng=second))

    tgi.save(path, model(one, one), generators=two)
    found = tgi.load(path)
    assert found.model[0].rng is found.model[1].rng is not found.generators
    for first, second, given, said in (
        (one, two, two, "1.rng had one generator with another place"),
        (one, one, one, "what was given had a generator of its own"),
        (other, other, two, "over PCG64 when it was saved, and has one over MT19937"),
    ):
        before = first.bit_generator.state
        with pytest.raises(tgi.LoadError, match=said):
            tgi.load(path, model(first, second), generators=given)
        assert same(first.bit_generator.state, before)
    tgi.save(path, nn.ReLU())
    with pytest.raises(tgi.LoadError, match="draws from generators at a, where those of none were saved"):
        tgi.load(path, nn.ReLU(), generators={"a": one})


def test_a_model_that_draws_elsewhere_is_filled_alone(tmp_path: Path) -> None:
    """With a word of it; its generators stay as they are."""
    path = tmp_path / "a.safetensors"
    training = begun(OPTIMIZERS["momentum"])
    saved(path, training)
    other = begun(OPTIMIZERS["momentum"], shared=False)
    other.model[0].weight.requires_grad = False
    before = other.generators.bit_generator.state
    with pytest.warns(UserWarning, match="they are left as they are|make one and write") as told:
        found = tgi.load(path, other.model)
    said = [str(warning.message) for warning in told]
    assert len(said) == 2 and all(warning.filename == __file__ for warning in told)
    assert any("had one generator with another place when it was saved" in text for text in said)
    assert any("its optimizer cannot be a SGD: SGD: expected leaves that require grad" in text for text in said)
    assert found.optimizer is None and found.step == 0 and same(other.generators.bit_generator.state, before)
    assert same(other.model.state_dict(), training.model.state_dict())
    with pytest.raises(tgi.LoadError, match="had one generator with another place when it was saved"):
        tgi.load(path, other.model, generators=other.generators)


def test_modes_frozen_parameters_and_the_rest_come_back(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(), nn.BatchNorm1d(4), nn.Linear(4, 2))
    model.train()
    model[2].eval()
    model[0].weight.requires_grad = False
    scaler = tgi.data.StandardScaler().fit(X[:, :3])
    more = {"epoch": 3, "best": float("inf"), "losses": [1.0, float("nan")], "sizes": (3, 4), 5: {"!": "x"}}
    tgi.save(path, model, scaler=scaler, class_names=["cat", "dog"], step=np.int64(12), metadata={"more": more})
    found = tgi.load(path)
    assert [module.training for _, module in found.model.named_modules()] == [True, True, True, False, True]
    assert [p.requires_grad for p in found.model.parameters()] == [False] + [True] * 5
    assert found.class_names == ["cat", "dog"] and found.step == 12 and found.version == tgi.__version__
    assert repr(found.metadata["more"]) == repr(more)
    assert type(found.scaler) is tgi.data.StandardScaler
    assert same(found.scaler.transform(X[:, :3]), scaler.transform(X[:, :3]))
    assert found.optimizer is found.schedule is found.generators is None
    expected = tgi.predict(found.model.eval(), scaler.transform(X[:, :3]))
    assert same(tgi.predict(found.model, X[:, :3], found.scaler), expected)


def test_nothing_changes_unless_all_fits(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    training = begun(OPTIMIZERS["adam"])
    gone_on(training, 1)
    saved(path, training)

    for make, said in (
        (OPTIMIZERS["sgd"], "its optimizer is of the class Adam, the given one of SGD"),
        (lambda ps: tgi.optim.Adam(list(ps)[::-1]), "its optimizer has other parameters, or has them in another order"),
        (lambda ps: tgi.optim.Adam(list(ps)[1:]), "its optimizer has other parameters, or has them in another order"),
    ):
        other = begun(make)
        gone_on(other, 1)
        before = copy.deepcopy((other.model.state_dict(), other.optimizer.state_dict()))
        drawn = other.generators.bit_generator.state
        other.model.eval()
        with pytest.raises(tgi.LoadError, match=said):
            tgi.load(path, other.model, other.optimizer, generators=other.generators)
        assert same(before[0], other.model.state_dict()) and same(before[1], other.optimizer.state_dict())
        assert same(drawn, other.generators.bit_generator.state) and not other.model[3].training
    # An optimizer that finds fault with its state when the model has been filled already.
    other = begun(OPTIMIZERS["adam"])
    before_model = copy.deepcopy(other.model.state_dict())
    other.model.eval()
    asked: list[Any] = []

    def refusing(state: Any) -> None:
        asked.append(copy.deepcopy(other.model.state_dict()))
        if len(asked) == 1:
            raise KeyError("no")

    other.optimizer.load_state_dict = refusing
    with pytest.raises(tgi.LoadError, match="its optimizer does not fit: 'no'"):
        tgi.load(path, other.model, other.optimizer)
    assert same(asked[0], training.model.state_dict()) and len(asked) == 2
    assert same(before_model, other.model.state_dict()) and not other.model.training
