"""What users give as samples and targets: converted rightly, or refused with what to do, wherever data come in."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim
from tinygrad_init.data import MinMaxScaler, StandardScaler, batches, split
from tinygrad_init.diagnosis import Monitor, diagnose, jacobian_singular_values, recommend, spectrum
from tinygrad_init.starts import balance_

X = np.random.default_rng(0).normal(size=(24, 2)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


def model() -> nn.Module:
    return nn.MLP([2, 4, 2], rng=0)


def lab(x: Any, y: Any) -> Any:
    pytest.importorskip("anywidget", reason="the Lab in a notebook needs the extra 'notebook'")
    return tgi.lab(model(), x, y)


def sgd(parameters: Any) -> optim.Optimizer:
    return optim.SGD(parameters, lr=0.1)


# Every function that is given samples and targets, by the name that its errors begin with.
PAIRS: dict[str, Any] = {
    "train": lambda x, y: tgi.train(model(), x, y, tgi.cross_entropy, sgd, epochs=1, scaler=StandardScaler()),
    "diagnose": lambda x, y: diagnose(model(), x, y),
    "recommend": lambda x, y: recommend(model(), x, y, steps=1),
    "Monitor": lambda x, y: Monitor(model(), x, y, "cross_entropy"),
    "find_lr": lambda x, y: tgi.find_lr(model(), x, y, steps=10),
    "lab": lab,
}
LENGTHS: dict[str, Any] = {
    **PAIRS,
    "batches": lambda x, y: list(batches(x, y, 4, 0)),
    "split": lambda x, y: split(x, y, 0.5, 0),
    "balance_": lambda x, y: balance_(model(), x, y, "cross_entropy", max_steps=0, tolerance=np.inf),
}
ONE: dict[str, Any] = {
    "StandardScaler": lambda x: StandardScaler().fit(x),
    "MinMaxScaler": lambda x: MinMaxScaler().fit(X).transform(x),
    "spectrum": spectrum,
    "jacobian_singular_values": lambda x: jacobian_singular_values(model(), x),
}


@pytest.mark.parametrize("name", LENGTHS)
def test_lengths_are_compared_at_the_door(name: str) -> None:
    for x, y in ((X, Y[:20]), (X[:20], Y)):
        message = f"{name}: expected a target in y for each sample in x, got {len(x)} samples and {len(y)} targets"
        with pytest.raises(ValueError, match=message):
            LENGTHS[name](x, y)
    with pytest.raises(TypeError, match=rf"{name}: expected (y .* got None|a model with x and y, or none)"):
        LENGTHS[name](X, None)
    with pytest.raises(
        TypeError, match=f"{name}: expected y with the samples along its first axis, got a single number"
    ):
        LENGTHS[name](X, 1)


@pytest.mark.parametrize(
    ("name", "least"), [("train", 1), ("diagnose", 1), ("Monitor", 1), ("find_lr", 1), ("lab", 2), ("recommend", 4)]
)
def test_too_few_samples(name: str, least: int) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected at least {least} samples?, got none"):
        PAIRS[name](X[:0], Y[:0])


class Sparse:
    """As SciPy's: an array of objects with one object, for NumPy."""

    shape = (24, 2)

    def toarray(self) -> Any:
        return X

    def __len__(self) -> int:
        raise TypeError("sparse array length is ambiguous")


STRANGE: list[tuple[Any, str]] = [
    (np.ma.masked_greater(X, 1.0), r"masked, and the mask would be lost; say \.filled\(value\)"),
    ([np.ma.masked_greater(row, 1.0) for row in X], r"masked, and the mask would be lost"),
    (Sparse(), r"sparse \(Sparse\); expected all numbers: say \.toarray\(\)"),
    (X.astype(complex), r"as real numbers, got complex128; take \.real and \.imag apart"),
    (np.full(X.shape, "2020-01-01", "datetime64[D]"), r"got datetime64\[D\]; take the difference"),
    (np.full(X.shape, 1, "timedelta64[D]"), r"got timedelta64\[D\]; take the difference"),
    (np.zeros(24, [("a", "f4"), ("b", "f4")]), "structured_to_unstructured makes columns of its fields"),
    (np.full(X.shape, Fraction(1, 2), object), r"got objects \(Fraction\); say \.astype\(float\) if all are numbers"),
    (np.array([[1.0, "a"]] * 24, object), r"got objects \(float, str\); say \.astype\(float\) if all are numbers"),
    ([[1.0, None]] * 24, r"got objects \(NoneType, float\)"),
    ([[1.0, 2.0]] * 23 + [[1.0]], "nested sequences of equal lengths"),
    (object(), "got object"),
]


@pytest.mark.parametrize(("values", "message"), STRANGE, ids=lambda value: value[:30] if isinstance(value, str) else "")
def test_what_is_not_made_of_real_numbers(values: Any, message: str) -> None:
    for name, function in PAIRS.items():
        for what, pair in (("x", (values, Y)), ("y", (X, values))):
            with pytest.raises((TypeError, ValueError), match=f"{name}: (expected )?{what} .*{message}"):
                function(*pair)
    for name, alone in ONE.items():
        with pytest.raises((TypeError, ValueError), match=f"{name}: .*{message}"):
            alone(values)


@pytest.mark.parametrize("names", [np.where(Y, "yes", "no"), np.where(Y, "yes", "no").astype(object)], ids=["U", "O"])
def test_names_of_classes(names: Any) -> None:
    say = r"classes, numbers = np\.unique\(names, return_inverse=True\)"
    for given in (names, list(names)):
        for name, function in PAIRS.items():
            with pytest.raises(TypeError, match=f"{name}: expected y as real numbers, got text; .*{say}"):
                function(X, given)
        logits = tgi.tensor(np.zeros((24, 2)))
        for loss in nn.LOSSES.values():
            with pytest.raises(TypeError, match=f": expected a target of numbers, got .*{say}"):
                loss(logits, given)
    with pytest.raises(TypeError, match=r"train: expected x as real numbers, got text; say \.astype\(float\)"):
        PAIRS["train"](X.astype(str), Y)
    classes, numbers = np.unique(names, return_inverse=True)
    assert list(classes) == ["no", "yes"]
    np.testing.assert_array_equal(PAIRS["train"](X, numbers), PAIRS["train"](X, Y))


class Frame:
    """As pandas's: becomes an array, has its length, and is indexed by its columns."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self.array, dtype)

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, column: Any) -> Any:
        raise KeyError(column)


@pytest.mark.parametrize(
    "kind", [Frame, lambda x: x.view(np.matrix), tgi.tensor, np.ndarray.tolist, tuple, lambda x: x.astype(np.float16)],
    ids=["frame", "matrix", "tensor", "list", "tuple", "float16"],
)  # fmt: skip
def test_what_is_made_of_real_numbers_means_the_same(kind: Any) -> None:
    x, y = np.round(X * 8) / 8, Frame(Y) if kind is Frame else Y.tolist()
    assert PAIRS["train"](kind(x), y) == PAIRS["train"](x, Y)
    assert PAIRS["diagnose"](kind(x), y).loss == PAIRS["diagnose"](x, Y).loss
    assert PAIRS["recommend"](kind(x), y).loss_after == PAIRS["recommend"](x, Y).loss_after
    np.testing.assert_array_equal(PAIRS["Monitor"](kind(x), y).x, x)
    for one, other in zip(split(kind(x), y, 0.5, 0), split(x, Y, 0.5, 0), strict=True):
        np.testing.assert_array_equal(one, other)
    for (a, b), (c, d) in zip(batches(kind(x), y, 5, 0), batches(x, Y, 5, 0), strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)


def test_batches_of_masked_arrays_keep_the_mask() -> None:
    masked = np.ma.masked_greater(X, 0.5)
    assert sum(part.mask.sum() for part, _ in batches(masked, Y, 5, 0)) == masked.mask.sum()
    assert isinstance(split(masked, Y, 0.5)[0], np.ma.MaskedArray)


@pytest.mark.parametrize("name", ["train", "diagnose", "recommend", "Monitor", "lab"])
def test_a_finite_number_does_not_become_infinite_in_silence(name: str) -> None:
    far = X.astype(np.float64)
    far[3, 1] = -1e300
    function = PAIRS[name] if name != "train" else lambda x, y: tgi.train(model(), x, y, "cross_entropy", sgd, epochs=1)
    with pytest.raises(
        ValueError, match=r": x\[3, 1\] is -1e\+300, which does not fit into float32 \(up to 3.4e\+38\)"
    ):
        function(far, Y)
    far[3, 1] = np.inf  # which is what it is: whoever trains with it sees what becomes of it
    if name in ("train", "diagnose", "Monitor"):
        function(far, Y)


def test_masks_are_no_state_of_a_module() -> None:
    module = model()
    state: dict[str, Any] = module.state_dict()
    state["layers.0.weight"] = np.ma.masked_greater(state["layers.0.weight"], 0.0)
    with pytest.raises(TypeError, match=r"expected real numbers, got layers\.0\.weight: a masked array"):
        module.load_state_dict(state)


@pytest.mark.parametrize("name", ["train", "diagnose", "recommend", "Monitor", "lab"])
def test_a_class_of_losses_is_none_yet(name: str) -> None:
    wrong: dict[str, Any] = {
        "train": lambda loss: tgi.train(model(), X, Y, loss, sgd),
        "diagnose": lambda loss: diagnose(model(), X, Y, loss),
        "recommend": lambda loss: recommend(model(), X, Y, loss),
        "Monitor": lambda loss: Monitor(model(), X, Y, loss),
        "lab": lambda loss: lab(X, Y) and tgi.lab(model(), X, Y, loss),
    }
    with pytest.raises(TypeError, match=r"got the class CrossEntropyLoss; make one of it: CrossEntropyLoss\(\)"):
        wrong[name](nn.CrossEntropyLoss)
    with pytest.raises(ValueError, match="expected a loss out of half_squared_error"):
        wrong[name]("regret")
    with pytest.raises(TypeError, match="expected the name of a loss or a function, got int"):
        wrong[name](3)


def test_training_takes_the_name_of_a_loss() -> None:
    named, given, made = (
        tgi.train(model(), X, Y, loss, sgd, epochs=2, rng=0)
        for loss in ("cross_entropy", tgi.cross_entropy, nn.CrossEntropyLoss())
    )
    assert named == given == made


def test_what_makes_no_optimizer() -> None:
    for wrong in (optim.SGD(model().parameters(), 0.1), "sgd", None):
        with pytest.raises(TypeError, match="train: expected a function that makes the optimizer"):
            tgi.train(model(), X, Y, tgi.cross_entropy, wrong)  # type: ignore[arg-type]
    for rule in (optim.SGD, optim.Adam, optim.AdamW):
        for module in (model(), nn.Sequential(nn.Linear(2, 2)), nn.Linear(2, 2)):
            with pytest.raises(
                TypeError, match=rf"{rule.__name__}: expected parameters, got .*: give its \.parameters\(\)"
            ):
                rule(module, lr=0.1)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=f"{rule.__name__}: expected parameters, got Parameter: give a list of it"):
            rule(nn.Linear(2, 2).weight, lr=0.1)  # type: ignore[arg-type]


def test_more_steps_than_fit_are_refused_before_anything_is_tried() -> None:
    with pytest.raises(ValueError, match=r"recommend: expected 1 to 100000 steps, .* got 1000000000"):
        recommend(model(), X, Y, steps=10**9)


@pytest.mark.parametrize("wrong", [nn.Linear, "mlp", None, lambda x: x], ids=["class", "text", "none", "function"])
def test_what_is_no_module(wrong: Any) -> None:
    for function in (
        lambda: tgi.train(wrong, X, Y, tgi.cross_entropy, sgd),
        lambda: diagnose(wrong, X, Y),
        lambda: recommend(wrong, X, Y),
        lambda: Monitor(wrong, X, Y, "cross_entropy"),
    ):
        with pytest.raises(TypeError, match="expected a module, got (the class Linear|type|str|NoneType|function)"):
            function()
