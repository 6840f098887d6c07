"""`nn.functional`: PyTorch's names, orders and numbers."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.nn import functional as F

RNG = np.random.default_rng(0)
ROWS, SIGNAL, IMAGE = RNG.normal(size=(4, 6)), RNG.normal(size=(2, 4, 7)), RNG.normal(size=(2, 4, 6, 6))
LABELS, SIGNS = np.array([0, 5, 2, 2]), np.array([1.0, -1.0, 1.0, -1.0])
POSITIVE = RNG.random((4, 6)) + 0.1
BY_CHANNEL = RNG.random(4) + 0.5
# Arguments by position, in PyTorch's order, and by name; arrays of floats become tensors.
CALLS: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    **{name: [((ROWS * 3,), {})] for name in (
        "relu", "relu6", "selu", "silu", "mish", "hardsigmoid", "hardswish", "hardshrink", "softshrink", "tanhshrink",
        "softsign", "sigmoid", "tanh", "logsigmoid", "elu", "celu", "leaky_relu", "gelu", "hardtanh", "softplus", "glu",
    )},
    "elu ": [((ROWS, 0.5, False), {})],
    "leaky_relu ": [((ROWS, 0.3, False), {}), ((), {"input": ROWS, "negative_slope": 0.1})],
    "hardtanh ": [((ROWS, -0.5, 0.2), {})],
    "threshold": [((ROWS, 0.1, 2.0), {})],
    "softplus ": [((ROWS, 2, 1), {})],
    "gelu ": [((ROWS,), {"approximate": "tanh"})],
    "prelu": [((ROWS, np.array([0.3])), {}), ((IMAGE, BY_CHANNEL), {})],
    "softmax": [((ROWS, 0), {}), ((ROWS,), {"dim": -1})],
    "log_softmax": [((ROWS, 1), {})],
    "softmin": [((ROWS, 1), {})],
    "linear": [((ROWS, RNG.normal(size=(3, 6)), RNG.normal(size=3)), {})],
    "bilinear": [((ROWS, ROWS, RNG.normal(size=(2, 6, 6))), {})],
    "conv1d": [((SIGNAL, RNG.normal(size=(2, 4, 3))), {"padding": "same"})],
    "conv2d": [((IMAGE, RNG.normal(size=(2, 2, 3, 3)), None, 2, 1, 2, 2), {})],
    "conv_transpose2d": [((IMAGE, RNG.normal(size=(4, 2, 3, 3)), None, 2, 1, 1), {})],
    "max_pool1d": [((SIGNAL, 3, 2, 1, 1, True), {})],
    "max_pool2d": [((IMAGE, (3, 2)), {"stride": 2, "return_indices": True})],
    "avg_pool2d": [((IMAGE, 3, 2, 1, True, False, None), {}), ((IMAGE, 2), {"divisor_override": 3})],
    "lp_pool2d": [((np.abs(IMAGE), 3.0, 2), {})],
    "adaptive_avg_pool2d": [((IMAGE, (4, None)), {})],
    "adaptive_max_pool1d": [((SIGNAL, 3, True), {})],
    "interpolate": [
        ((IMAGE, None, 1.7), {"mode": mode}) for mode in ("nearest", "nearest-exact", "bilinear", "area")
    ] + [
        ((IMAGE, (4, 9)), {"mode": "bilinear", "align_corners": True}), ((IMAGE, 3), {"mode": "nearest"}),
        ((IMAGE,), {"scale_factor": 0.6, "mode": "bilinear", "recompute_scale_factor": True}),
        ((SIGNAL, 5), {"mode": "linear"}),
    ],
    "pixel_shuffle": [((IMAGE, 2), {})],
    "pixel_unshuffle": [((IMAGE, 3), {})],
    "channel_shuffle": [((IMAGE, 2), {})],
    "pad": [
        ((IMAGE, (1, 2)), {}), ((IMAGE, (1, -1, 0, 2), "constant", 3.0), {}), ((IMAGE, (1, 2, 3, 0), "reflect"), {}),
        ((IMAGE, (2, 1, 0, 1)), {"mode": "replicate"}), ((IMAGE, [1, 2, 3, 4], "circular"), {}),
    ],
    "one_hot": [((LABELS,), {}), ((LABELS, 7), {})],
    "layer_norm": [((ROWS, (6,), RNG.normal(size=6), RNG.normal(size=6), 0.1), {})],
    "rms_norm": [((ROWS, (6,), RNG.normal(size=6)), {})],
    "group_norm": [((IMAGE, 2, BY_CHANNEL, BY_CHANNEL), {})],
    "local_response_norm": [((IMAGE, 3, 0.5), {})],
    "normalize": [((ROWS,), {}), ((ROWS, 1.0, 0), {}), ((ROWS, 3.0), {"dim": -1})],
    "cosine_similarity": [((ROWS, ROWS[::-1].copy()), {}), ((IMAGE, IMAGE[:1] + 1.0, -1), {})],
    "pairwise_distance": [((ROWS, ROWS[::-1].copy()), {}), ((ROWS, ROWS[:1], 1.0, 1e-3, True), {})],
    "batch_norm": [((IMAGE, BY_CHANNEL, BY_CHANNEL, BY_CHANNEL, None), {}), ((IMAGE, None, None), {"training": True})],
    "instance_norm": [((IMAGE,), {})],
    "dropout": [((ROWS, 0.5, False), {}), ((ROWS, 0.0), {})],
    "embedding": [((np.array([[0, 3], [1, 1]]), ROWS, 1), {})],
    "scaled_dot_product_attention": [
        ((SIGNAL, SIGNAL, SIGNAL), {}), ((SIGNAL, SIGNAL[:, :3], SIGNAL[:, :3]), {"is_causal": True, "scale": 0.3}),
        ((SIGNAL, SIGNAL, SIGNAL, np.arange(16).reshape(4, 4) % 3 > 0), {}),
        ((SIGNAL, SIGNAL, SIGNAL, np.arange(16).reshape(4, 4) > 3), {}),
        ((SIGNAL, SIGNAL, SIGNAL, RNG.normal(size=(4, 4))), {}),
        ((IMAGE, IMAGE[:, :2], IMAGE[:, :2]), {"enable_gqa": True}),
    ],
    "cross_entropy": [
        ((ROWS, LABELS), {}), ((ROWS, LABELS, POSITIVE[0]), {}), ((ROWS, LABELS), {"ignore_index": 2}),
        ((ROWS, LABELS, POSITIVE[0], None, 2, None, "sum", 0.2), {}), ((ROWS[0], np.array(3)), {}),
        ((ROWS, POSITIVE, POSITIVE[1]), {"label_smoothing": 0.1}), ((ROWS[0], POSITIVE[0]), {}),
        ((IMAGE, np.arange(72).reshape(2, 6, 6) % 4, BY_CHANNEL), {"reduction": "none", "ignore_index": 1}),
        ((IMAGE, np.abs(IMAGE), BY_CHANNEL), {"reduction": "mean"}), ((IMAGE, np.abs(IMAGE)), {"reduction": "none"}),
    ],
    "nll_loss": [((ROWS, LABELS, POSITIVE[0]), {"ignore_index": 5}), ((IMAGE, np.zeros((2, 6, 6), int)), {})],
    "mse_loss": [((ROWS, POSITIVE, None, None, "sum"), {})],
    "l1_loss": [((ROWS, POSITIVE), {"reduction": "none"})],
    "smooth_l1_loss": [((ROWS, POSITIVE), {"beta": b}) for b in (0.0, 0.4)],
    "huber_loss": [((ROWS, POSITIVE, "sum", 0.4), {})],
    "kl_div": [((ROWS, POSITIVE), {"reduction": r}) for r in ("sum", "none", "batchmean")]
    + [((ROWS, ROWS[::-1].copy()), {"log_target": True, "reduction": "batchmean"})],
    "gaussian_nll_loss": [((ROWS, POSITIVE, POSITIVE[:, :1]), {"full": True}), ((ROWS, POSITIVE, POSITIVE[:, 0]), {})],
    "poisson_nll_loss": [((ROWS, POSITIVE * 3, True, True), {}), ((POSITIVE, POSITIVE, False), {})],
    "cosine_embedding_loss": [((ROWS, POSITIVE, SIGNS, 0.1), {})],
    "margin_ranking_loss": [((ROWS[:, 0], ROWS[:, 1], SIGNS, 0.2), {})],
    "hinge_embedding_loss": [((ROWS[:, 0], SIGNS, 0.5), {})],
    "soft_margin_loss": [((ROWS[:, 0], SIGNS), {})],
    "multi_margin_loss": [((ROWS, LABELS, 2, 0.5, POSITIVE[0]), {}), ((ROWS[0], np.array(1)), {})],
    "multilabel_margin_loss": [((ROWS[:2, :4], np.array([[3, 0, -1, 1], [1, 1, 2, -1]])), {})],
    "multilabel_soft_margin_loss": [((ROWS, (POSITIVE > 0.5).astype(float), POSITIVE[0]), {})],
    "triplet_margin_loss": [((ROWS, POSITIVE, ROWS[::-1].copy()), {"swap": s, "p": 1.0 + s}) for s in (False, True)],
}  # fmt: skip
DISCRETE = ("cross_entropy", "nll_loss", "one_hot", "embedding")


def theirs(torch: Any, value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    return torch.from_numpy(value.copy()).requires_grad_(value.dtype.kind == "f")


def mine(value: Any) -> Any:
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        return value
    return tgi.tensor(value, requires_grad=True)


@pytest.mark.parametrize("name", CALLS)
def test_numbers_and_gradients_are_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    constant = {"batch_norm": (1, 2), "mse_loss": (1,), "multilabel_soft_margin_loss": (1, 2), "soft_margin_loss": (1,),
                "hinge_embedding_loss": (1,), "margin_ranking_loss": (2,), "cosine_embedding_loss": (2,),
                "cross_entropy": (2,), "nll_loss": (2,), "multi_margin_loss": (4,)}.get(name.strip(), ())  # fmt: skip
    for args, options in CALLS[name]:
        their_args = [theirs(torch, value) for value in args]
        my_args = [mine(value) for value in args]
        for i in constant:
            if i < len(args) and isinstance(args[i], np.ndarray):
                their_args[i] = their_args[i].detach()
                my_args[i] = tgi.tensor(args[i]) if name == "batch_norm" else args[i]
        their_options = {key: theirs(torch, value) for key, value in options.items()}
        my_options = {key: mine(value) for key, value in options.items()}
        expected = getattr(torch.nn.functional, name.strip())(*their_args, **their_options)
        found = getattr(F, name.strip())(*my_args, **my_options)
        if isinstance(expected, tuple):
            np.testing.assert_array_equal(np.asarray(found[1]), expected[1].numpy())
            expected, found = expected[0], found[0]
        numbers = found.numpy() if isinstance(found, tgi.Tensor) else np.asarray(found)
        assert numbers.shape == tuple(expected.shape)
        np.testing.assert_allclose(numbers, expected.detach().numpy(), rtol=1e-8, atol=1e-8)
        if not expected.requires_grad:
            continue
        leaves = [x for x in [*their_args, *their_options.values()] if isinstance(x, torch.Tensor) and x.requires_grad]
        my_leaves = [x for x in [*my_args, *my_options.values()] if isinstance(x, tgi.Tensor) and x.requires_grad]
        gradients = torch.autograd.grad((expected * expected).sum(), leaves, allow_unused=True)
        (found * found).sum().backward()
        for gradient, leaf in zip(gradients, my_leaves, strict=True):
            wanted = np.zeros(leaf.shape) if gradient is None else gradient.numpy()
            got = np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy()
            np.testing.assert_allclose(got, wanted, rtol=1e-7, atol=1e-8)


def test_arguments_are_in_pytorchs_order() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    compared = 0
    for name in dir(F):
        theirs, mine = getattr(torch.nn.functional, name, None), getattr(F, name)
        if theirs is None or name.startswith("_") or not callable(mine) or isinstance(mine, type):
            continue
        try:
            wanted = list(inspect.signature(theirs).parameters)
        except (TypeError, ValueError):
            continue
        own = [p.name for p in inspect.signature(mine).parameters.values() if p.kind is not p.KEYWORD_ONLY]
        if wanted[:1] != ["args"]:
            assert own == wanted[: len(own)], name
            compared += 1
    assert compared > 50


def test_running_statistics_follow() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    for name in ("batch_norm", "instance_norm"):
        means = [torch.zeros(4, dtype=torch.float64), torch.ones(4, dtype=torch.float64)]
        mine = [tgi.tensor(np.zeros(4)), tgi.tensor(np.ones(4))]
        option = {"training": True} if name == "batch_norm" else {"use_input_stats": True}
        getattr(torch.nn.functional, name)(torch.from_numpy(IMAGE), *means, momentum=0.3, **option)
        getattr(F, name)(tgi.tensor(IMAGE), *mine, momentum=0.3, **option)
        for ours, theirs in zip(mine, means, strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-10)


def test_noise() -> None:
    x = tgi.tensor(np.ones((100, 50)))
    assert F.dropout(x, 0.3, training=False) is x
    np.testing.assert_array_equal(F.dropout(x, 0.3, rng=1).numpy(), tgi.dropout(x, 0.3, 1).numpy())
    assert F.dropout2d(x.reshape(1, 100, 10, 5), 0.5, rng=0).numpy().reshape(100, 50).std(1).max() == 0
    assert F.alpha_dropout(x, 0.3, rng=0).numpy().std() == 0  # outside training, which is usual there
    weights = F.scaled_dot_product_attention(x, x, x, dropout_p=0.5, rng=0)
    assert abs(weights.numpy().mean() - 1) < 0.1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.relu(x, 3), TypeError, "relu: expected inplace as True or False, got 3"),
        (lambda x: F.elu(x, 1.0, False, 1), TypeError, "elu: takes input, alpha, inplace by position; got 4"),
        (lambda x: F.elu(x, slope=1.0), TypeError, "elu: takes input, alpha, inplace; got slope"),
        (lambda x: F.elu(x, input=x), TypeError, "elu: input given twice"),
        (lambda x: F.threshold(x, 1.0), TypeError, "threshold: value missing"),
        (lambda x: F.softmax(x), TypeError, "softmax: dim is missing; PyTorch would guess 1 for 2 axes"),
        (lambda x: F.l1_loss(x, x, True), TypeError, 'l1_loss: size_average and reduce .* write reduction="mean"'),
        (lambda x: F.l1_loss(x, x, reduction="avg"), ValueError, "must be 'mean', 'sum' or 'none', got 'avg'"),
        (lambda x: F.l1_loss(x, x[:1]), ValueError, r"target has shape \(1, 6\); expected \(4, 6\)"),
        (lambda x: F.cross_entropy(x, np.array([0, 1, 2, 9])), ValueError, "no class number from 0 to 5"),
        (lambda x: F.cross_entropy(x, LABELS, POSITIVE), ValueError, r"weight has shape \(4, 6\); expected \(6,\)"),
        (lambda x: F.cross_entropy(x, LABELS, label_smoothing=2.0), ValueError, "label_smoothing from 0 to 1"),
        (lambda x: tgi.cross_entropy(x, LABELS, POSITIVE[0]), TypeError, "said by name, weight="),
        (lambda x: F.cross_entropy(x, LABELS[:2], ignore_index=0), ValueError, r"expected \(4,\) or \(4, 6\)"),
        (lambda x: F.kl_div(x, x, reduction="batch"), ValueError, "reduction must be"),
        (lambda x: F.gaussian_nll_loss(x, x, -1.0), ValueError, "variances of at least 0"),
        (lambda x: F.gaussian_nll_loss(x, x, np.ones(5)), ValueError, "does not stretch"),
        (lambda x: F.huber_loss(x, x, delta=0.0), ValueError, "delta above 0"),
        (lambda x: F.smooth_l1_loss(x, x, beta=-1.0), ValueError, "beta of at least 0"),
        (lambda x: F.multi_margin_loss(x, LABELS, 3), ValueError, "expected p 1 or 2"),
        (lambda x: F.multilabel_margin_loss(x, LABELS), ValueError, "a target like them"),
        (lambda x: F.cosine_embedding_loss(x, x, SIGNS[:2]), ValueError, "a target for each sample"),
        (lambda x: F.margin_ranking_loss(x, x, SIGNS), ValueError, "as many axes"),
        (lambda x: F.pad(x, (1, 2), "reflect", 1.0), ValueError, "value is for mode 'constant'"),
        (lambda x: F.pad(x, (1, 2, 3)), ValueError, "pairs of widths"),
        (lambda x: F.batch_norm(x, None, None), ValueError, "expected running_mean and running_var outside"),
        (lambda x: F.embedding(LABELS, x, max_norm=1.0), NotImplementedError, "max_norm"),
        (lambda x: F.prelu(x, np.ones(3)), ValueError, "expected 1 or 6 slopes, got 3"),
        (lambda x: F.scaled_dot_product_attention(x, x[:, :3], x), ValueError, "do not fit"),
        (
            lambda x: F.scaled_dot_product_attention(x, x, x, np.ones((4, 4), bool), is_causal=True),
            ValueError, "either attn_mask or is_causal",
        ),
        (lambda x: F.dropout(x, 1.5), ValueError, "p from 0 to 1"),
    ],
)  # fmt: skip
def test_errors_that_teach(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(tgi.tensor(ROWS))


@pytest.mark.parametrize("name", [name for name in CALLS if "loss" in name or name in ("cross_entropy", "kl_div")])
def test_losses_are_captured_and_have_second_derivatives(name: str) -> None:
    for args, options in CALLS[name]:
        x = tgi.tensor(args[0], requires_grad=True)
        rest = [tgi.tensor(a) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in args[1:]]

        def loss(x: Any, rest: Any = rest, options: Any = options) -> Any:
            return getattr(F, name)(x, *rest, **options)

        assert tgi.gradcheck(loss, x) and tgi.gradgradcheck(loss, x)
        run = tgi.capture(loss)
        for shift in (0.0, 0.01):
            given = tgi.tensor(args[0] + shift)
            np.testing.assert_allclose(run(given).numpy(), loss(given).numpy(), rtol=1e-12, atol=1e-14)


def test_targets_are_arguments_of_a_captured_function() -> None:
    run = tgi.capture(lambda x, y: F.cross_entropy(x, y, ignore_index=-100, label_smoothing=0.1))
    x = tgi.tensor(ROWS)
    for labels in (LABELS, np.array([-100, 1, 2, -100])):
        np.testing.assert_allclose(
            run(x, labels).item(), F.cross_entropy(x, labels, ignore_index=-100, label_smoothing=0.1).item()
        )
    with pytest.raises(ValueError, match="no class number from 0 to 5"):
        run(x, np.array([0, 1, 2, 6]))
