"""Networks as descriptions: every class of `tgi.nn` comes back, and nothing else is made of a file."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init.nn.construction import Omitted
from tinygrad_init.saving import building
from tinygrad_init.saving.classes import of_nn

from .states import opened, said, saying

nn = tgi.nn
CLASSES = {name: kind for name in nn.__all__ if (kind := of_nn(name)) is not None}
G = np.random.default_rng
shared_activation, shared_map = nn.Tanh(), nn.Linear(3, 3)
tied = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
setattr(tied[2], "weight", tied[0].weight)  # noqa: B010 (a Module says nothing of its attributes)
changed = nn.Sequential(nn.Dropout(0.5), nn.LayerNorm(3))
changed[0].p, changed[1].eps = 0.25, 1e-3
longer = nn.Sequential(nn.Linear(2, 2))
setattr(longer, "1", nn.ReLU())
without = nn.Linear(2, 2)
without.bias = None

NETWORKS = {
    "mlp": nn.MLP([4, 8, 3], "tanh", rng=0),
    "mlp64": nn.MLP((4, 8, 3), "prelu", dtype="float64"),
    "linear": nn.Linear(in_features=np.int64(3), out_features=2, bias=False, dtype=np.float64),
    "conv1d": nn.Conv1d(4, 6, 3, 2, 1, 2, 2, False),
    "conv2d": nn.Conv2d(2, 4, (3, 1), padding="same", groups=2, rng=G(0)),
    "transposed": nn.ConvTranspose2d(4, 2, 3, stride=2, output_padding=1, dilation=2),
    "norms": nn.Sequential(
        nn.BatchNorm(3, momentum=None), nn.BatchNorm1d(3, affine=False), nn.BatchNorm2d(3, track_running_stats=False),
        nn.LayerNorm((2, 3), elementwise_affine=False), nn.LayerNorm(3, bias=False, dtype=np.float64),
    ),
    "pools": nn.Sequential(
        nn.MaxPool2d(2), nn.AvgPool1d((3,), 2, 1), nn.GlobalAvgPool(keepdims=True), nn.Flatten(2)
    ),
    "activations": nn.Sequential(
        nn.LeakyReLU(0.3), nn.ELU(alpha=2.0), nn.Activation("leaky_relu", slope=0.1), nn.GELU(),
        nn.PReLU(4, 0.1, axis=1),
    ),
    "blocks": nn.Residual(
        nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.Residual(nn.Sequential(nn.ReLU(), nn.Dropout(0.1)))),
        shortcut=nn.Conv2d(2, 4, 1),
    ),
    "losses": nn.Sequential(nn.CrossEntropyLoss(reduction="sum"), nn.Loss("hinge")),
    "empty": nn.Sequential(),
    "transformer": nn.Transformer(4, 2, 1, 2, 6, 0.2, custom_decoder=nn.Sequential(nn.Linear(4, 4)), rng=0),
    "encoder": nn.TransformerEncoder(
        nn.TransformerEncoderLayer(4, 2, 6, activation=tgi.tanh, norm_first=True, dtype="float64"), 3, nn.RMSNorm(4)
    ),
    "decoder": nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 6, activation=nn.functional.gelu), 2),
    "shared": nn.Sequential(shared_map, shared_activation, nn.Sequential(shared_map), shared_activation),
    "tied": tied,
    "changed": changed,
    "longer": longer,
    "without": without,
}  # fmt: skip


# What each option that must be given may be, by its name.
OPTIONS: dict[str, Any] = {
    "activation": "relu", "bias": True, "branch": nn.Linear(3, 3),
    "decoder_layer": nn.TransformerDecoderLayer(4, 2, 6), "encoder_layer": nn.TransformerEncoderLayer(4, 2, 6),
    "channels": 4, "d_model": 4, "dim": 1,
    "dim_feedforward": 6, "embed_dim": 4, "embedding_dim": 4, "eps": 1e-3, "features": 4, "hidden_size": 4,
    "in1_features": 2, "in2_features": 3, "in_channels": 4, "in_features": 4, "input_size": 4, "kernel_size": 3,
    "max_length": 5, "max_len": 5, "name": "relu", "nhead": 2, "norm_type": 2, "num_channels": 4, "num_embeddings": 5,
    "num_features": 4, "num_groups": 2, "num_heads": 2, "num_layers": 2, "normalized_shape": (2, 3),
    "out_channels": 4, "out_features": 3, "output_size": 2, "padding": 1, "shape": (2, 2), "size": 3,
    "sizes": [3, 4, 2], "threshold": 0.5, "unflattened_size": (2, 2), "upscale_factor": 2, "downscale_factor": 2,
    "groups": 2, "value": 0.5, "scale_factor": 2, "p": 0.5,
}  # fmt: skip
SPECIAL: dict[str, Any] = {
    "Loss": {"name": "mse"}, "Threshold": {"threshold": 0.5, "value": 0.1},
    "FractionalMaxPool2d": {"kernel_size": 2, "output_ratio": 0.5},
    "AdaptiveLogSoftmaxWithLoss": {"in_features": 8, "n_classes": 20, "cutoffs": [4, 10], "div_value": 2.0},
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in sorted(CLASSES) if not CLASSES[name].waits])
def test_every_class_of_nn_comes_back(tmp_path: Path, name: str) -> None:
    """Also one that is new, from its signature alone; what options must be given stands in `OPTIONS`."""
    kind = CLASSES[name]
    wanted = [p for p in inspect.signature(kind).parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    required = [p.name for p in wanted if p.default is p.empty]
    model = kind(**(SPECIAL[name] if name in SPECIAL else {option: OPTIONS[option] for option in required}))
    tgi.save(tmp_path / "a", model)
    found = tgi.load(tmp_path / "a").model
    assert type(found) is kind and building.signature(found) == building.signature(model)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_come_back(tmp_path: Path, name: str) -> None:
    """The same classes with the same options, the same numbers, and what is one thing in two places."""
    model = NETWORKS[name]
    path = tmp_path / "a.safetensors"
    tgi.save(path, model)
    found = tgi.load(path).model
    assert repr(found) == repr(model)
    assert building.signature(found) == building.signature(model)
    before, after = model.state_dict(), found.state_dict()
    assert before.keys() == after.keys()
    assert all(before[key].numpy().tobytes() == after[key].numpy().tobytes() for key in before)
    assert {k: p.fans for k, p in found.named_parameters()} == {k: p.fans for k, p in model.named_parameters()}
    assert [m.activation for _, m in found.named_modules() if callable(getattr(m, "activation", None))] == [
        m.activation for _, m in model.named_modules() if callable(getattr(m, "activation", None))
    ]
    assert not any(isinstance(g, building._Undrawn) for _, m in found.named_modules() for g in vars(m).values())


@pytest.mark.skipif(not hasattr(nn, "ModuleList"), reason="there are no containers but Sequential")
def test_containers_come_back_as_they_are_now(tmp_path: Path) -> None:
    """Whatever they were made with, and what was added since."""
    names: Any = nn
    row = names.ModuleList(nn.Linear(2, width) for width in (1, 2))
    row.append(nn.ReLU())
    empty = names.ModuleList()
    empty.append(shared_activation)
    table = names.ModuleDict({"b": nn.Linear(2, 2), "a": shared_activation})
    table["c"] = nn.Dropout(0.1, rng=G(0))
    later = names.ModuleDict()
    later["x"] = nn.Linear(1, 1)
    for model in (row, empty, table, later, nn.Sequential(row, table)):
        tgi.save(tmp_path / "a", model)
        found = tgi.load(tmp_path / "a").model
        assert repr(found) == repr(model) and building.signature(found) == building.signature(model)


def test_deep_networks_come_back(tmp_path: Path) -> None:
    tgi.save(tmp_path / "a", deep(50))
    assert repr(tgi.load(tmp_path / "a").model) == repr(deep(50))


def test_copies_and_pickles_are_saved_alike(tmp_path: Path) -> None:
    for model in (NETWORKS["blocks"], NETWORKS["mlp"]):
        for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            tgi.save(tmp_path / "a", other)
            assert repr(tgi.load(tmp_path / "a").model) == repr(model)


def test_a_module_remembers_no_arrays_and_no_modules() -> None:
    inner = nn.Linear(2, 2)
    block = nn.Residual(inner, shortcut=None)
    assert block.made_with == ((Omitted(nn.Linear),), {"shortcut": None})
    with pytest.raises(TypeError, match=r"Module\(\) takes no arguments"):
        nn.Module(3)


class Config:
    """Options that JSON has not."""

    width = 4


class Net(nn.Module):
    """Somebody's own."""

    def __init__(self, config: Any) -> None:
        width = config.width
        self.first, self.drop, self.last = nn.Linear(3, width), nn.Dropout(0.5, rng=1), nn.Linear(width, 2)

    def forward(self, x: Any) -> Any:
        return self.last(self.drop(tgi.tanh(self.first(x))))


def deep(levels: int) -> Any:
    model: Any = nn.Linear(2, 2)
    for _ in range(levels):
        model = nn.Sequential(model)
    return model


wider = nn.MLP([3, 4, 2])
wider.layers = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2))
other_function = nn.TransformerEncoderLayer(4, 2, 6)
other_function.activation = lambda x: x
other_layer = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 6), 2)
other_layer.layers[1] = nn.TransformerEncoderLayer(4, 2, 5)
resized = nn.Linear(3, 4)
resized.weight = nn.Parameter(np.ones((5, 3)))
grown = nn.Linear(3, 3)
setattr(grown, "more", nn.Linear(3, 3))  # noqa: B010


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Net(Config()), "config of Net was given as Config"),
        (nn.Sequential(nn.ReLU(), Net(Config())), "config of Net was given as Config"),
        (
            nn.TransformerEncoderLayer(4, 2, 6, activation=lambda x: x),
            "activation of TransformerEncoderLayer was given",
        ),
        (other_function, "activation of the TransformerEncoderLayer|its activation was changed"),
        (other_layer, "out_features of the Linear layers.1.linear1 was changed"),
        (deep(60), "it is nested more than 50 deep"),
        (wider, "it has other parameters than those that its classes made|it has other modules"),
        (resized, "it has other parameters than those that its classes made"),
        (grown, "it has other modules than those that its classes made"),
    ],
)
def test_what_cannot_be_made_is_filled(tmp_path: Path, model: Any, reason: str) -> None:
    """The file says why, and a model that is there takes the numbers."""
    path = tmp_path / "a.safetensors"
    tgi.save(path, model)
    with pytest.raises(
        tgi.LoadError,
        match=f"which cannot be made from the file, as .*{reason}.*; make one and write tgi.load\\(path, model\\)",
    ):
        tgi.load(path)
    other = copy.deepcopy(model)
    other.load_state_dict({name: array * 0 for name, array in model.state_dict().items()})
    assert tgi.load(path, other).model is other
    assert all(np.array_equal(other.state_dict()[name], array) for name, array in model.state_dict().items())


def test_an_optimizer_beside_an_own_model(tmp_path: Path) -> None:
    """It is made over the model that was given."""
    model = Net(Config())
    update = tgi.optim.SGD(model.parameters(), lr=0.5, momentum=0.5)
    model(np.ones((2, 3), np.float32)).sum().backward()
    update.step()
    tgi.save(tmp_path / "a", model, update)
    other = Net(Config())
    found = tgi.load(tmp_path / "a", other)
    assert [id(p) for p in found.optimizer.parameters] == [id(p) for p in other.parameters()]
    assert (found.optimizer.lr, found.optimizer.momentum) == (0.5, 0.5)
    stray = tgi.tensor(1.0, requires_grad=True)
    tgi.save(tmp_path / "a", model, tgi.optim.SGD([stray], lr=0.5))
    with pytest.warns(UserWarning, match="the optimizer has parameters that are not the model's; make one and write"):
        assert tgi.load(tmp_path / "a", other).optimizer is None


# Hostile files


@pytest.fixture
def path(tmp_path: Path) -> Path:
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Tanh(), nn.Dropout(0.5, rng=G(1)), nn.Linear(4, 2, rng=0))
    update = tgi.optim.SGD(model.parameters(), lr=0.5, momentum=0.5)
    model(np.ones((2, 3), np.float32)).sum().backward()
    update.step()
    bits = np.random.Generator(np.random.MT19937(0))
    scaler = tgi.data.StandardScaler().fit(np.eye(3))
    metadata = {"losses": np.ones(3), "best": float("nan")}
    path = tmp_path / "a.safetensors"
    tgi.save(path, model, update, generators=bits, scaler=scaler, class_names=["a", "b"], step=1, metadata=metadata)
    assert isinstance(tgi.load(path).model[3], nn.Linear)
    return path


def call(name: str, *values: Any, **options: Any) -> Any:
    return {"module": name, "values": list(values), "options": options}


def inside(*calls: Any) -> Any:
    return call("Sequential", *({"!": "module", "of": of} for of in calls))


def nested(depth: int) -> Any:
    found = call("Sequential")
    for _ in range(depth):
        found = inside(found)
    return found


HUGE = 2**20
UNITS = next(iter(inspect.signature(nn.PReLU).parameters))
LINEAR = {"out_features": 4, "in_features": 3, "bias": True, "dtype": "float32"}


def linear(inputs: int, outputs: int) -> Any:
    return call("Linear", **{**LINEAR, "in_features": inputs, "out_features": outputs})


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        (linear(HUGE, HUGE), "a Linear of 1048576, too much for the numbers in the file"),
        (linear(8000, 8000), "has more numbers than the 26 that are in the file"),
        (inside(*[linear(300, 300)] * 9), "has more numbers than the 26 that are in the file"),
        (call("MLP", sizes=[HUGE] * 3, activation="relu"), "too much for the numbers in the file"),
        (call("MLP", sizes=[3000] * 300, activation="relu"), "has more numbers than the 26 that are in the file"),
        (call("Conv2d", in_channels=9000, out_channels=9000, kernel_size=99), "more numbers than|Unable to allocate"),
        (call("LayerNorm", normalized_shape=[4096] * 3), "too much for the numbers in the file"),
        (call("BatchNorm1d", num_features=2**40), "too much for the numbers in the file"),
        (call("PReLU", **{UNITS: 2**24}), "has more numbers than the 26 that are in the file"),
        (call("Linear", **{**LINEAR, "in_features": -3}), "a Linear that cannot be made: Linear: expected sizes"),
        (call("Linear", **{**LINEAR, "in_features": "3"}), "a Linear that cannot be made"),
        (call("Linear", **{**LINEAR, "hidden": 3}), "a Linear that cannot be made: .*hidden"),
        (call("Linear", **{**LINEAR, "dtype": "object"}), "has a Linear of object"),
        (call("Linear", **LINEAR), "its architecture and its tensors differ in"),
        (call("os.system", "rm"), "has the class os.system, which is none of tgi.nn"),
        (call("Parameter", "rm"), "has the class Parameter, which is none of tgi.nn"),
        (call("make_activation", "relu"), "has the class make_activation, which is none of tgi.nn"),
        (call("__import__"), "has the class __import__, which is none of tgi.nn"),
        (call("Module"), "its architecture and its tensors differ|draws at none"),
        (nested(300), "nested too deeply|describes no module"),
        (inside({"!": "again", "of": 5}), "describes no module"),
        (inside({"!": "again", "of": -1}), "describes no module"),
        ([], "has not the parts call, ties|of its description is of list"),
    ],
)  # fmt: skip
def test_architectures_that_are_refused(path: Path, description: Any, expected: str) -> None:
    """By their sizes before anything is allocated."""
    told = said(path)
    told["architecture"] = {"call": description, "ties": {}} if isinstance(description, dict) else description
    saying(path, told)
    before = peak()
    with pytest.raises(tgi.LoadError, match=expected) as found:
        tgi.load(path)
    assert "\n" not in str(found.value) and peak() - before < 0.6e9


def peak() -> float:
    """The most memory that this process has had, in bytes, where the system tells."""
    resource = pytest.importorskip("resource", reason="the system does not tell of memory")
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * (1 if sys.platform == "darwin" else 1024)


MT = {"bit_generator": "MT19937", "state": {"key": {"!": "array", "of": "generators/1/state/key"}, "pos": 10**6}}


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        (["format"], 2, "it is of format 2, of a later version .*, and 1 is known"),
        (["format"], True, "nothing that is known here"),
        (["kind"], "poem", "nothing that is known here"),
        (["version"], 3, "the version of its description is of int"),
        (["frozen"], {}, "the frozen of its description is of dict"),
        (["frozen"], ["w"], "it has no parameter w"),
        (["training"], {"": True}, "it says of other modules whether they are trained"),
        (["training", "0"], 3, "it says of other modules whether they are trained"),
        (["step"], True, "the step of its description is of bool"),
        (["step"], "3", "the step of its description is of str"),
        (["class_names"], [1], "its class names are not all texts"),
        (["metadata"], {"x": {"!": "code", "of": "1"}}, "means nothing here"),
        (["metadata"], {"x": {"!": "array", "of": "none"}}, "means nothing here"),
        (["metadata"], {"x": {"!": "tensor", "of": ["generators/1/state/key", True]}}, "no tensors of uint32 that"),
        (["metadata"], {"x": {"!": "float", "of": "1e5"}}, "means nothing here"),
        (["architecture", "ties"], {"0.weight": "3.weight"}, "nothing at 0.weight that 3.weight could stand for"),
        (["architecture", "ties"], {"x": "0.weight"}, "nothing at x that"),
        (["scaler", "class"], "Pipeline", "its scaler is a Pipeline, which is none of"),
        (["scaler", "shift"], {"!": "array", "of": "0.weight"}, "are not one number a feature"),
        (["generators", "states", 1], MT, "its MT19937 stands at 1000000, outside of its 624 numbers"),
        (["generators", "states", 1, "state", "pos"], -1, "its MT19937 stands at -1"),
        (["generators", "states", 0, "state", "state"], -1, "its PCG64 has no state of one"),
        (["generators", "states", 0, "bit_generator"], "os", "the state of a generator that NumPy has not"),
        (["generators", "given", ""], 5, "there is no generator 5"),
        (["generators", "model"], {}, "its architecture draws at 2.rng, its generators at none"),
        (["optimizer", "class"], "Optimizer", "its optimizer cannot be a Optimizer"),
        (["optimizer", "parameters"], ["0.weight"], "its optimizer has other parameters than its model"),
        (["optimizer", "state", "param_groups"], 3, "its optimizer has no param_groups"),
        (["optimizer", "state", "param_groups", 0, "lr"], -1.0, "its optimizer cannot be a SGD: .*-1.0"),
        (["optimizer", "state", "param_groups", 0, "params"], [0, 0, 1, 2], "has other parameters than its model"),
    ],
)  # fmt: skip
def test_descriptions_that_are_refused(path: Path, place: list[Any], value: Any, expected: str) -> None:
    told = said(path)
    of = told
    for key in place[:-1]:
        of = of[key]
    of[place[-1]] = value
    with pytest.raises(tgi.LoadError, match=expected) as found:
        tgi.load(saying(path, told))
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "what stands beside its tensors: "),
        ('{"format": 1, "format": 2}', "what stands beside its tensors: 'format' stands there twice"),
        ('{"format": NaN}', "what stands beside its tensors: NaN is no number in JSON"),
        ('{"format": Infinity}', "Infinity is no number in JSON"),
        ("[" * 100_000, "what stands beside its tensors: it is nested too deeply"),
        ("3", "nothing that is known here"),
        ('{"format": ' + "9" * 5000 + "}", "what stands beside its tensors|of format"),
    ],
)
def test_texts_that_are_refused(path: Path, text: str, expected: str) -> None:
    with pytest.raises(tgi.LoadError, match=expected) as found:
        tgi.load(saying(path, text))
    assert len(str(found.value)) < len(str(path)) + 400


def places(of: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = of.items() if isinstance(of, dict) else enumerate(of) if isinstance(of, list) else ()
    return [at, *(place for key, value in inner for place in places(value, (*at, key)))]


others = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.integers(-(2**70), 2**70), st.floats(-1e3, 1e3),
    st.sampled_from(["", "relu", "Linear", "MT19937", "0.weight", "optimizer/state/0", "float64", "inf"]),
    st.just([]), st.just({}), st.just({"!": "array", "of": "0.weight"}), st.just({"!": "again", "of": 0}),
    st.just({"!": "module", "of": {"module": "Tanh", "values": [], "options": {}}}),
)  # fmt: skip


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_file_of_which_a_part_was_changed_loads_or_is_refused(path: Path, data: st.DataObject) -> None:
    """Parts of what stands beside the tensors are exchanged; what loads is a network that runs, or says why not."""
    before = path.read_bytes()
    told = said(path)
    for _ in range(data.draw(st.integers(1, 2))):
        *way, last = data.draw(st.sampled_from([place for place in places(told) if place]))
        of = told
        for key in way:
            of = of[key]
        of[last] = copy.deepcopy(data.draw(others))
    saying(path, told)
    try:
        with warnings.catch_warnings(action="ignore"):
            found = tgi.load(path)
    except tgi.LoadError:
        return
    else:
        assert isinstance(found.model, nn.Module) and len(list(found.model.parameters())) == 4
        assert found.optimizer is None or len(found.optimizer.parameters) == 4
    finally:
        path.write_bytes(before)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_network_of_which_bytes_were_changed_loads_or_is_refused(path: Path, data: st.DataObject) -> None:
    before = path.read_bytes()
    end = len(before) - len(opened(path)[1])
    changed = bytearray(before)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, end))] = data.draw(
            st.one_of(st.integers(0, 255), st.sampled_from(b'0123456789,:{}[]"-'))
        )
    path.write_bytes(changed)
    try:
        with warnings.catch_warnings(action="ignore"):
            tgi.load(path)
    except tgi.LoadError:
        pass
    finally:
        path.write_bytes(before)


def test_a_file_that_ends_too_early_is_refused(path: Path) -> None:
    """Wherever it does, and with one sentence."""
    whole = path.read_bytes()
    for length in (*range(64), *range(64, len(whole), 97), len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(tgi.LoadError) as refused:
            tgi.load(path)
        assert "\n" not in str(refused.value)


def test_the_description_is_data(path: Path) -> None:
    """As it stands in the file: names of classes and options."""
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
    tgi.save(path, model)
    told = said(path)
    assert told["architecture"] == {
        "call": inside(call("Linear", in_features=3, out_features=4, bias=True, dtype="float32"), call("Tanh")),
        "ties": {},
    }
    assert json.loads(json.dumps(told)) == told
