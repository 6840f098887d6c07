"""Models as ONNX graphs, which other runtimes run: what a model computes when it is used, not trained."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import Any

import numpy as np

from . import nn
from .data.samples import as_numbers
from .engine.modes import no_grad
from .engine.tensor import Tensor
from .kernels.reference import SELU_ALPHA, SELU_SCALE
from .ops.windows import whole_numbers

Array = np.ndarray[Any, Any]

# The version of ONNX's table of operators, the first with all that is needed here (Gelu), and of its file format.
OPSET, FORMAT = 20, 9
INPUT, OUTPUT, SAMPLES = "x", "output", "samples"


def to_onnx(model: nn.Module, path: str | PathLike[str] | None, example_x: Any) -> Any:
    """A model as an ONNX graph, in evaluation mode and for any number of samples.

    Parameters
    ----------
    model
        Layers of `tgi.nn` in any nesting of `Sequential` and `Residual`. It stays as it is.
    path
        Of the file to write; None writes none.
    example_x
        A batch of inputs: their shape, the samples first, and dtype (that of the parameters) are those of the graph.

    Returns
    -------
    onnx.ModelProto
        With an input "x" and an output "output"; weights have the names of the model's state.

    Raises
    ------
    TypeError
        It is no module, or a part of it (named in the message) cannot be exported: it has a forward of its own, or
        normalizes by the batch even when used.
    ImportError
        The extra `onnx` is missing.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"to_onnx: expected a module of tinygrad_init.nn, got {type(model).__name__}")
    try:
        import onnx
    except ImportError:
        raise ImportError("to_onnx needs onnx: pip install 'tinygrad_init[onnx]'") from None
    x = as_numbers("to_onnx", "example_x", example_x).astype(nn.dtype_of(model, np.dtype(np.float32)))
    graph = Graph(model)
    with nn.undisturbed(model), no_grad():
        value, out = graph.module(model.eval(), "", INPUT, Tensor(x, x.dtype))
    graph.node("Identity", [value], name=OUTPUT)

    def described(name: str, shape: tuple[int, ...]) -> Any:
        axes = [SAMPLES if i == 0 and n == len(x) else n for i, n in enumerate(shape)]
        return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(x.dtype), axes)

    made = onnx.helper.make_model(
        onnx.helper.make_graph(
            [
                onnx.helper.make_node(kind, inputs, [name], name=name, **options)
                for kind, inputs, name, options in graph.nodes
            ],
            type(model).__name__,
            [described(INPUT, x.shape)],
            [described(OUTPUT, out.shape)],
            [onnx.numpy_helper.from_array(array, name) for name, array in graph.constants.items()],
        ),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=FORMAT,
        producer_name="tinygrad_init",
    )
    onnx.checker.check_model(made, full_check=True)
    if path is not None:
        onnx.save(made, path)
    return made


class Graph:
    """A graph in the making: nodes in order, and constants by name.

    Parameters
    ----------
    model
        Whose parameters and buffers have their names here.
    """

    def __init__(self, model: nn.Module) -> None:
        self.nodes: list[tuple[str, list[str], str, dict[str, Any]]] = []
        self.constants: dict[str, Array] = {}
        self.named = {id(tensor): name for name, tensor in (*model.named_parameters(), *model.named_buffers())}

    def module(self, module: nn.Module, name: str, value: str, x: Tensor) -> tuple[str, Tensor]:
        """Add a module; the names of what goes in and comes out, and both on the example."""
        if isinstance(module, nn.Sequential | nn.MLP) and plain(module, nn.Sequential, nn.MLP):
            for part, inner in module._members():
                value, x = self.module(inner, joined(name, part), value, x)
            return value, x
        if isinstance(module, nn.Residual) and plain(module, nn.Residual):
            kept = value, x
            if module.shortcut is not None:
                kept = self.module(module.shortcut, joined(name, "shortcut"), value, x)
            added, out = self.module(module.branch, joined(name, "branch"), value, x)
            return self.node("Add", [kept[0], added]), kept[1] + out
        kind = next((kind for kind in LAYERS if isinstance(module, kind) and plain(module, kind)), None)
        said = f"{name} ({type(module).__name__})" if name else type(module).__name__
        if kind is None:
            raise TypeError(
                f"to_onnx: {said} cannot be exported; write it with nn.Sequential, nn.Residual and the layers of tgi.nn"
            )
        try:
            require_usual(module)
            return LAYERS[kind](self, module, value, x), module(x)
        except Unexportable as error:
            raise TypeError(f"to_onnx: {said} cannot be exported: {error}") from None

    def node(self, kind: str, inputs: list[str], name: str = "", **options: Any) -> str:
        """Add a node; the name of what comes out."""
        name = name or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append((kind, inputs, name, options))
        return name

    def constant(self, values: Any, dtype: Any = None) -> str:
        """The name of numbers: that of a parameter or buffer, or a new one."""
        array = np.ascontiguousarray(values.numpy() if isinstance(values, Tensor) else np.asarray(values, dtype))
        name = self.named.get(id(values), f"constant_{len(self.constants)}")
        self.constants[name] = array
        return name

    def made(self, values: Any, like: Tensor) -> str:
        """The name of numbers that are no parameter, in the dtype of a tensor."""
        return self.constant(np.asarray(values, like.dtype))


class Unexportable(Exception):
    """A layer with options that a graph has no node for."""


# Options of which a graph has only one choice here.
USUAL: dict[str, Any] = {
    "padding_mode": "zeros", "ceil_mode": False, "return_indices": False, "count_include_pad": True,
    "divisor_override": None, "end_dim": -1, "_hooks": (),
}  # fmt: skip


def require_usual(module: nn.Module) -> None:
    """Raise for an option that a graph would silently leave out."""
    for name, usual in USUAL.items():
        if (given := getattr(module, name, usual)) != usual:
            raise Unexportable(f"it has {name.strip('_')}={given}")
    dilation = getattr(module, "dilation", 1)
    if isinstance(module, nn.MaxPool1d | nn.MaxPool2d) and set(np.ravel(dilation)) != {1}:
        raise Unexportable(f"it has dilation={dilation}")


def plain(module: nn.Module, *kinds: type[nn.Module]) -> bool:
    """Whether its forward is that of one of these classes."""
    return any(type(module).forward is kind.forward for kind in kinds)


def joined(name: str, part: str) -> str:
    """The name of a part."""
    return f"{name}.{part}" if name else part


def linear(graph: Graph, module: Any, value: str, x: Tensor) -> str:
    bias = [] if module.bias is None else [graph.constant(module.bias)]
    if x.ndim == 2:
        return graph.node("Gemm", [value, graph.constant(module.weight), *bias], transB=1)
    turned = graph.node("Transpose", [graph.constant(module.weight)], perm=[1, 0])
    product = graph.node("MatMul", [value, turned])
    return graph.node("Add", [product, *bias]) if bias else product


def convolution(graph: Graph, module: Any, value: str, x: Tensor) -> str:
    options: dict[str, Any] = {
        "kernel_shape": module.kernel_size, "strides": module.stride, "dilations": module.dilation,
        "group": module.groups,
    }  # fmt: skip
    if isinstance(module.padding, str):
        reach = [
            d * (k - 1) if module.padding == "same" else 0
            for d, k in zip(module.dilation, module.kernel_size, strict=True)
        ]
        options["pads"] = [*(r // 2 for r in reach), *(r - r // 2 for r in reach)]
    else:
        options["pads"] = [*module.padding, *module.padding]
    if module.transposed:
        options["output_padding"] = module.output_padding
    inputs = [value, *(graph.constant(p) for p in (module.weight, module.bias) if p is not None)]
    return graph.node("ConvTranspose" if module.transposed else "Conv", inputs, **options)


def pooling(kind: str, axes: int, **options: Any) -> Callable[..., str]:
    def export(graph: Graph, module: Any, value: str, x: Tensor) -> str:
        size, stride, padding = (
            whole_numbers(type(module).__name__, name, getattr(module, name), axes, 0)
            for name in ("kernel_size", "stride", "padding")
        )
        return graph.node(kind, [value], kernel_shape=size, strides=stride, pads=[*padding, *padding], **options)

    return export


def global_average(graph: Graph, module: Any, value: str, x: Tensor) -> str:
    means = graph.node("GlobalAveragePool", [value])
    return means if module.keepdims else graph.node("Flatten", [means], axis=1)


def flatten(graph: Graph, module: Any, value: str, x: Tensor) -> str:
    kept = module(x).ndim - 1
    return graph.node("Reshape", [value, graph.constant([0] * kept + [-1], np.int64)])  # 0: as long as it was


def batch_norm(graph: Graph, module: Any, value: str, x: Tensor) -> str:
    if module.running_mean is None or module.running_var is None:
        raise Unexportable("it normalizes by the batch even when it is used; track_running_stats=True has averages")
    n = module.num_features
    scale, bias = (
        graph.made(np.full(n, usual), x) if p is None else graph.constant(p)
        for p, usual in ((module.weight, 1.0), (module.bias, 0.0))
    )
    statistics = [graph.constant(module.running_mean), graph.constant(module.running_var)]
    return graph.node("BatchNormalization", [value, scale, bias, *statistics], epsilon=module.eps)


def layer_norm(graph: Graph, module: Any, value: str, x: Tensor) -> str:
    scale = graph.made(np.ones(module.normalized_shape), x) if module.weight is None else graph.constant(module.weight)
    bias = [] if module.bias is None else [graph.constant(module.bias)]
    axis = -len(module.normalized_shape)
    return graph.node("LayerNormalization", [value, scale, *bias], axis=axis, epsilon=module.eps)


def prelu(graph: Graph, module: Any, value: str, x: Tensor) -> str:
    slope = graph.constant(module.weight)
    if module.axis == 1 and module.num_parameters > 1 and x.ndim > 2:
        shape = graph.constant([-1, *(1,) * (x.ndim - 2)], np.int64)
        slope = graph.node("Reshape", [slope, shape])
    return graph.node("PRelu", [value, slope])


# Activations that are a node by themselves: its name, what it takes by a name of its own, and what is constant.
ACTIVATIONS: dict[str, tuple[str, dict[str, str], dict[str, float]]] = {
    "identity": ("Identity", {}, {}),
    "sigmoid": ("Sigmoid", {}, {}),
    "tanh": ("Tanh", {}, {}),
    "relu": ("Relu", {}, {}),
    "leaky_relu": ("LeakyRelu", {"negative_slope": "alpha"}, {}),
    "elu": ("Elu", {"alpha": "alpha"}, {}),
    "selu": ("Selu", {}, {"alpha": SELU_ALPHA, "gamma": SELU_SCALE}),
    "gelu": ("Gelu", {}, {}),
    "softplus": ("Softplus", {}, {}),
    "erf": ("Erf", {}, {}),
    "hard_sigmoid": ("HardSigmoid", {}, {"alpha": 1 / 6, "beta": 0.5}),
    "mish": ("Mish", {}, {}),
    "softsign": ("Softsign", {}, {}),
    "sin": ("Sin", {}, {}),
}


def activation(graph: Graph, module: Any, value: str, x: Tensor) -> str:
    if module.name == "silu":
        return graph.node("Mul", [value, graph.node("Sigmoid", [value])])
    if module.name == "hardtanh":
        return graph.node("Clip", [value, graph.made(-1.0, x), graph.made(1.0, x)])
    if module.name not in ACTIVATIONS:
        raise Unexportable(f"{module.name} is no node of a graph")
    kind, names, fixed = ACTIVATIONS[module.name]
    given = module.record.known_params
    options: dict[str, Any] = {theirs: given[ours] for ours, theirs in names.items()} | fixed
    return graph.node(kind, [value], **options)


# What each kind of layer adds to a graph, from the name of what goes in and that on the example to that of what comes
# out.
LAYERS: dict[type[nn.Module], Callable[[Graph, Any, str, Tensor], str]] = {
    nn.Linear: linear,
    nn.Conv1d: convolution,
    nn.Conv2d: convolution,
    nn.ConvTranspose1d: convolution,
    nn.ConvTranspose2d: convolution,
    nn.MaxPool1d: pooling("MaxPool", 1),
    nn.MaxPool2d: pooling("MaxPool", 2),
    nn.AvgPool1d: pooling("AveragePool", 1, count_include_pad=1),
    nn.AvgPool2d: pooling("AveragePool", 2, count_include_pad=1),
    nn.GlobalAvgPool: global_average,
    nn.Flatten: flatten,
    nn.BatchNorm: batch_norm,
    nn.LayerNorm: layer_norm,
    nn.Dropout: lambda graph, module, value, x: value,
    nn.PReLU: prelu,
    nn.Activation: activation,
}
