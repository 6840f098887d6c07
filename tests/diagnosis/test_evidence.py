"""What stands beside the verdict: sharpness, first updates, representation, precision, confidence; none decides."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim
from tinygrad_init.diagnosis import Report, diagnose, judging, read_report, run
from tinygrad_init.diagnosis.fronts.first_step import adam_scale, first_step, flat, limit_of
from tinygrad_init.diagnosis.measures.lanczos import largest_eigenvalue
from tinygrad_init.diagnosis.measures.precision import MOST, bfloat16, precision, rounding, some
from tinygrad_init.diagnosis.measures.representation import correlation, participation_ratio, representation
from tinygrad_init.diagnosis.records import Evidence, Precision, Rounding
from tinygrad_init.diagnosis.showing.evidence import evidence_phrases
from tinygrad_init.words import LANGUAGES

from .test_findings import HEALTHY, ahead, change, evidence, rounded

Array = np.ndarray[Any, Any]
RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(60, 4)), RNG.integers(0, 3, 60)


def network(activation: str = "tanh", hidden: tuple[int, ...] = (6, 5), dtype: str = "float64") -> nn.MLP:
    return nn.MLP((4, *hidden, 3), activation, rng=3, dtype=dtype)


def gradient_at(model: nn.Module, x: Array = X, y: Any = Y, loss: Any = tgi.cross_entropy) -> Array:
    parameters = list(model.parameters())
    return flat([g.numpy() for g in tgi.grad(loss(model(tgi.tensor(x, dtype="float64")), y), parameters)])


def dense_hessian(model: nn.Module, x: Array = X, y: Any = Y, loss: Any = tgi.cross_entropy, h: float = 1e-5) -> Array:
    """Of all parameters, by central differences of gradients."""
    rows = []
    for parameter in model.parameters():
        for i in np.ndindex(parameter.shape):
            found = []
            for way in (h, -2 * h):
                with tgi.no_grad():
                    parameter[i] = parameter.numpy()[i] + way
                found.append(gradient_at(model, x, y, loss))
            with tgi.no_grad():
                parameter[i] = parameter.numpy()[i] + h
            rows.append((found[0] - found[1]) / (2 * h))
    hessian = np.array(rows)
    assert np.allclose(hessian, hessian.T, atol=1e-7)
    return hessian


def sharpness(model: nn.Module, optimizer: Any, x: Array = X, y: Any = Y, loss: Any = tgi.cross_entropy) -> Any:
    return first_step(model, x, y, loss, optimizer, []).sharpness


@pytest.mark.parametrize("activation", ["tanh", "gelu", "sigmoid"])
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_the_sharpness_is_the_largest_eigenvalue_of_the_dense_hessian(activation: str, decay: float) -> None:
    model = network(activation)
    found = sharpness(model, lambda ps: optim.SGD(ps, 0.5, weight_decay=decay))
    wanted = np.linalg.eigvalsh(dense_hessian(model))[-1] + decay
    assert found.products <= 10 and found.samples == len(X) and found.metric == "gradient"
    assert wanted * (1 + 1e-6) >= found.eigenvalue >= wanted * 0.98, "found from below, within two percent"
    assert found.share == pytest.approx(0.5 * found.eigenvalue / 2) and found.largest == pytest.approx(4.0)


def test_a_network_of_float32_has_the_same_sharpness() -> None:
    wanted = sharpness(network(), 0.1).eigenvalue
    model = nn.MLP((4, 6, 5, 3), "tanh", rng=3, dtype="float32")
    model.load_state_dict({name: values.astype(np.float32) for name, values in network().state_dict().items()})
    assert sharpness(model, 0.1).eigenvalue == pytest.approx(wanted, rel=0.02)


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("decay", [0.0, 0.2])
def test_adam_has_the_largest_eigenvalue_in_its_own_metric(steps: int, decay: float) -> None:
    """That of D⁻¹H, where D divides what momentum has summed up: found here from two of Adam's own updates."""
    model = network()
    rule = optim.Adam(model.parameters(), 1e-3, eps=1e-3, weight_decay=decay)
    for _ in range(steps):
        rule.zero_grad()
        tgi.cross_entropy(model(tgi.tensor(X, dtype="float64")), Y).backward()
        rule.step()
    found = sharpness(model, rule)
    hessian = dense_hessian(model) + decay * np.eye(sum(p.size for p in model.parameters()))
    # D by its definition: Adam's step over the rate, beside the sum of momentum that leads to it.
    gradient = gradient_at(model) + decay * flat([p.numpy() for p in model.parameters()])
    remembered = [rule.state.get(p) or rule.start(p, rule.param_groups[0]) for p in rule.parameters]
    momentum = 0.9 * flat([known["exp_avg"] for known in remembered]) / (1 - 0.9) + gradient
    before = flat([p.numpy() for p in model.parameters()])
    rule.zero_grad()
    tgi.cross_entropy(model(tgi.tensor(X, dtype="float64")), Y).backward()
    rule.step()
    moved = before - flat([p.numpy() for p in model.parameters()])
    d = 1e-3 * momentum / moved
    wanted = np.linalg.eigvals(hessian / d[:, None]).real.max()
    assert found.metric == "adam" and found.limit == pytest.approx(3.8)
    assert wanted * (1 + 1e-5) >= found.eigenvalue >= 0.95 * wanted


@pytest.mark.parametrize(
    "make",
    [
        lambda ps, lr: optim.SGD(ps, lr),
        lambda ps, lr: optim.SGD(ps, lr, momentum=0.9),
        lambda ps, lr: optim.SGD(ps, lr, momentum=0.5, nesterov=True),
    ],
    ids=["plain", "momentum", "nesterov"],
)
@pytest.mark.parametrize(("share", "grows"), [(0.97, False), (1.03, True)])
def test_the_limit_is_where_a_rule_stops_to_converge_on_a_quadratic(make: Any, share: float, grows: bool) -> None:
    """A linear map with squared errors: its Hessian is that of the inputs, and steps of any size tell."""
    x = RNG.normal(size=(40, 3)) * [1.0, 2.0, 0.5]
    y = x @ RNG.normal(size=(3, 1))
    model = nn.Sequential(nn.Linear(3, 1, rng=0, dtype="float64", bias=False))
    exact = 2 * np.linalg.eigvalsh(x.T @ x / len(x))[-1]
    lr = share * limit_of(make(model.parameters(), 0.1)) / exact
    found = sharpness(model, lambda ps: make(ps, lr), x, y, tgi.mse)
    assert found.eigenvalue == pytest.approx(exact, rel=0.01) and found.error < 0.05 * exact
    assert found.share == pytest.approx(share, rel=0.01)
    rule, losses = make(model.parameters(), lr), []
    for _ in range(400):
        rule.zero_grad()
        loss = tgi.mse(model(tgi.tensor(x, dtype="float64")), y)
        loss.backward()
        rule.step()
        losses.append(loss.item())
    assert (losses[-1] > losses[0]) == grows


def test_the_metric_of_adam_at_its_first_step_is_the_size_of_the_gradient() -> None:
    model = network()
    rule = optim.Adam(model.parameters(), 1e-3)
    gradients = [g.numpy() for g in tgi.grad(tgi.cross_entropy(model(tgi.tensor(X)), Y), rule.parameters)]
    scale = adam_scale(rule, dict(enumerate(gradients)), 0.0)
    np.testing.assert_allclose(scale**-2, np.abs(flat(gradients)) + 1e-8, rtol=1e-9)


class Signs(optim.Optimizer):
    """A rule of somebody's own."""

    def update(self, weight: Array, gradient: Array, state: Any, options: Any) -> None:
        weight -= options["lr"] * np.sign(gradient)


def test_of_a_rule_of_ones_own_the_updates_are_known_and_not_what_is_stable() -> None:
    model = network()
    found = first_step(model, X, Y, tgi.cross_entropy, lambda ps: Signs(ps, 0.01), ["layers.0.weight"])
    weight = model.linears()[0].weight.numpy()
    assert found.sharpness is None
    assert found.updates == pytest.approx([0.01 * math.sqrt(weight.size) / np.linalg.norm(weight)])


@pytest.mark.parametrize(
    "make",
    [lambda ps: optim.SGD(ps, 0.3, momentum=0.9), lambda ps: optim.Adam(ps, 1e-2), lambda ps: optim.AdamW(ps, 0.1)],
)
def test_the_updates_are_those_of_the_optimizers_own_first_step(make: Callable[..., Any]) -> None:
    model, twin = network(), network()
    before = copy.deepcopy(model.state_dict())
    report = diagnose(model, X, Y, optimizer=make)
    assert all(np.array_equal(model.state_dict()[name], values) for name, values in before.items())
    rule = make(twin.parameters())
    tgi.cross_entropy(twin(tgi.tensor(X)), Y).backward()
    rule.step()
    wanted = [
        np.linalg.norm(now.weight.numpy() - then.weight.numpy()) / np.linalg.norm(then.weight.numpy())
        for now, then in zip(twin.linears(), model.linears(), strict=True)
    ]
    assert report.evidence is not None and report.evidence.updates == pytest.approx(wanted, rel=1e-6)
    if isinstance(rule, optim.Adam):  # not the rate times the gradient
        assert report.evidence.updates[0] > 3 * report.layers[0].update_ratio * rule.lr / report.lr


def test_frozen_and_unused_parameters_and_gradients_without_a_graph() -> None:
    """A loss that is linear in what the optimizer holds has no curvature; what it does not hold does not move."""
    model = nn.Sequential(nn.Linear(4, 3, rng=0, dtype="float64"), nn.Linear(3, 2, rng=1, dtype="float64"))
    held = model[1].parameters()
    linear = first_step(
        model, X, Y, lambda out, y: out.mean(), optim.SGD(held, 0.1), ["0.weight", "1.weight"]
    )  # fmt: skip
    assert linear.sharpness is not None and linear.sharpness.eigenvalue == 0 and linear.sharpness.share == 0
    assert linear.updates[0] == 0 and linear.updates[1] > 0
    # What is frozen after the optimizer was made is no direction either.
    model, twin = network(), network()
    rule, other = optim.Adam(model.parameters(), 0.1), optim.Adam(list(twin.parameters())[2:], 0.1)
    for parameter in list(model.parameters())[:2]:
        parameter.requires_grad = False
    found, wanted = (diagnose(m, X, Y, optimizer=r).evidence for m, r in ((model, rule), (twin, other)))
    assert found is not None and wanted is not None and found.sharpness == wanted.sharpness is not None
    assert found.updates == wanted.updates and found.updates[0] == 0
    for parameter in model.parameters():
        parameter.requires_grad = False
    assert first_step(model, X, Y, tgi.cross_entropy, rule, ["layers.0.weight"]) == Evidence()


def test_what_is_not_finite_has_no_sharpness_and_one_sample_no_step() -> None:
    model = network()
    with tgi.no_grad():
        model.linears()[1].weight[0, 0] = math.inf
    assert sharpness(model, 0.1) is None and diagnose(model, X, Y, optimizer=0.1).evidence is not None
    assert first_step(network(), X[:1], Y[:1], tgi.cross_entropy, 0.1, ["layers.0.weight"]) == Evidence()


@pytest.mark.parametrize(("work", "samples"), [(1.0, 128), (1e6, 66), (1e12, 32)])
def test_a_large_network_is_looked_at_on_fewer_samples(work: float, samples: int) -> None:
    x, y = RNG.normal(size=(300, 4)), RNG.integers(0, 3, 300)
    found = first_step(network(), x, y, tgi.cross_entropy, 0.1, [], work).sharpness
    assert found is not None and found.samples == samples


@pytest.mark.parametrize("size", [1, 2, 40])
def test_the_largest_eigenvalue_of_a_matrix(size: int) -> None:
    a = RNG.normal(size=(size, size))
    a = a + a.T - 3 * np.eye(size)  # the one of largest size is negative
    value, error, products = largest_eigenvalue(lambda v: a @ v, size, most=40, settled=1e-9)
    values = np.linalg.eigvalsh(a)
    assert value == pytest.approx(values[-1], abs=1e-7) and products <= size
    rough, error, products = largest_eigenvalue(lambda v: a @ v, size, most=6, settled=0.0)
    assert rough <= values[-1] + 1e-9 and np.min(np.abs(values - rough)) <= error + 1e-9 and products <= 6
    assert largest_eigenvalue(lambda v: 0 * v, size) == (0.0, 0.0, 1)
    assert math.isnan(largest_eigenvalue(lambda v: v * math.nan, size)[0])


def test_the_participation_ratio_counts_directions() -> None:
    """k orthogonal directions of equal variance count k, whatever their size and place; one direction counts one."""
    for k in (1, 3, 8):
        q = np.linalg.qr(RNG.normal(size=(64, k + 1)) - 0.0)[0]
        q = np.linalg.qr(q - q.mean(axis=0))[0][:, :k]
        turn = np.linalg.qr(RNG.normal(size=(20, k)))[0]
        for size, place in ((1.0, 0.0), (1e-3, 1.0)):
            assert participation_ratio(size * q @ turn.T + place) == pytest.approx(k, rel=1e-6)
    rows = RNG.normal(size=(50, 7)) * np.arange(1, 8)
    values = np.linalg.eigvalsh(np.cov(rows.T))
    for same in (rows, np.pad(rows, ((0, 0), (0, 100)))):  # by the one product of rows and by the other
        assert participation_ratio(same) == pytest.approx(values.sum() ** 2 / (values**2).sum())
    assert math.isnan(participation_ratio(np.ones((5, 3)) * 0.1))


def test_the_correlation_is_the_mean_cosine_of_all_pairs() -> None:
    rows = RNG.normal(size=(12, 5)) + 0.5
    cosines = [
        a @ b / np.linalg.norm(a) / np.linalg.norm(b) for i, a in enumerate(rows) for b in rows[:i]
    ]  # fmt: skip
    assert correlation(rows) == pytest.approx(np.mean(cosines))
    assert correlation(np.vstack([rows, np.zeros((3, 5))])) == pytest.approx(np.mean(cosines))
    assert math.isnan(correlation(np.vstack([rows[:1], np.zeros((3, 5))])))


@pytest.mark.parametrize(("spread", "alike"), [(1.0, False), (1e-3, True)])
def test_samples_that_look_alike_at_the_last_layer(spread: float, alike: bool) -> None:
    model = network("tanh", (16, 16))
    found = representation(run(model, 2 + spread * X, Y, tgi.cross_entropy))
    assert found is not None and (found.features, found.samples) == (16, 60)
    assert (found.correlation > 0.999) == alike and 1 <= found.participation_ratio <= 16
    assert representation(run(nn.Sequential(nn.Linear(4, 3)), X, Y, tgi.cross_entropy)) is None
    assert representation(run(model, X[:1], Y[:1], tgi.cross_entropy)) is None


SIZES = np.concatenate([RNG.normal(size=500) * 10.0 ** RNG.uniform(-12, 7, 500), [65504.0, 65519.9, 65520.0, 2.0**-25]])


def test_float16_is_what_numpy_makes_of_the_numbers() -> None:
    with np.errstate(all="ignore"):
        found, rounded = rounding(SIZES, "float16"), SIZES.astype(np.float16)
    size = np.abs(rounded)
    assert found == Rounding(np.mean(size == 0), np.mean((size > 0) & (size < 2.0**-14)), np.mean(np.isinf(rounded)))
    assert min(found.zero, found.subnormal, found.infinite) > 0


def test_bfloat16_is_the_nearest_number_of_eight_digits() -> None:
    """Of the two numbers beside, by cutting float32's lower bits, the nearer; of two as near the even one."""
    values = np.concatenate([SIZES, [1 + 2.0**-8, 1 + 3 * 2.0**-8, -1 - 2.0**-8, 3.4e38, 1e-40]]).astype(np.float32)
    found = bfloat16(values).astype(np.float64)
    below = (values.view(np.uint32) & 0xFFFF0000).astype(np.uint32)
    with np.errstate(over="ignore"):
        low, high = (bits.view(np.float32).astype(np.float64) for bits in (below, below + np.uint32(0x10000)))
    near, far = np.abs(low - values), np.abs(high - values)
    even = (below >> 16) % 2 == 0
    wanted = np.where((near < far) | ((near == far) & even), low, high)
    top = ~np.isfinite(high)  # what lies nearer to the number after the largest becomes infinite
    np.testing.assert_array_equal(found[~top], wanted[~top])
    assert np.isinf(found[top]).all() and top.any()
    assert list(bfloat16(np.array([1 + 2.0**-8, 1 + 3 * 2.0**-8]))) == [1.0, 1 + 2.0**-6]


def test_every_layers_numbers_are_rounded_as_they_are() -> None:
    model = network("sigmoid", (6,) * 6, "float32")
    found = run(model, X, Y, tgi.cross_entropy)
    for part, link in zip(precision(found), found.linears(), strict=True):
        parts = (part.signal, part.gradient, part.weight_gradient)
        values = (link.output, found.backward()[link].numbers(), found.gradients[link.matrix.name])
        for shares, numbers in zip(parts, values, strict=True):
            with np.errstate(all="ignore"):
                lost = np.mean(numbers[numbers != 0].astype(np.float16) == 0)
            assert shares["float16"].zero == lost and shares["bfloat16"].zero == 0
    assert precision(found)[0].lost("float16") > 0.05 >= precision(found)[-1].lost("float16")


def test_of_very_many_numbers_some_of_every_column_are_looked_at() -> None:
    wide = np.tile(np.arange(1.0, 65.0), (4096, 1))
    assert len(some(wide)) <= MOST and len(np.unique(some(wide))) == 64
    assert set(some(np.array([0.0, 1.0, math.nan, math.inf, -2.0]))) == {1.0, -2.0}
    assert rounding(np.zeros(0), "float16") == Rounding(0.0, 0.0, 0.0)


def layer_between(smallest: float, largest: float) -> Evidence:
    nothing = {form: Rounding(0.0, 0.0, 0.0) for form in ("float16", "bfloat16")}
    return Evidence(precision=(Precision("0", nothing, nothing, nothing, smallest, largest),))


@pytest.mark.parametrize(
    ("smallest", "largest", "scale"),
    [
        (1e-3, 1.0, 1.0),
        (2.0**-20, 1.0, 2.0**6),  # back to normal numbers
        (2.0**-30, 16.0, 2.0**11),  # as far as there is room: no zeros, though few digits
        (2.0**-30, 2.0**12, math.nan),  # no room
        (1e-3, 1e6, math.nan),
        (math.inf, 0.0, 1.0),
    ],
)
def test_the_loss_scale_brings_gradients_back(smallest: float, largest: float, scale: float) -> None:
    found = layer_between(smallest, largest).loss_scale
    assert found == scale or (math.isnan(found) and math.isnan(scale))
    if not math.isnan(found) and 0 < smallest < math.inf:
        kept = (np.array([smallest, largest]) * found).astype(np.float16)
        assert np.isfinite(kept).all() and kept.all()


def test_a_loss_that_is_scaled_as_told_loses_no_more() -> None:
    """Of a network whose gradients vanish in float16: with the told scale a hundredth at most becomes 0."""
    model = network("sigmoid", (16,) * 8, "float32")
    report = diagnose(model, X, Y)
    (note,) = [note for note in report.notes if note.key == "precision.underflow"]
    assert report.evidence is not None and not note.fault and note.numbers["layers"][0] == 1
    scale = report.evidence.loss_scale
    assert f"scale the loss by {scale:.0f}" in note.reason
    for part in precision(run(model, X, Y, lambda out, y: tgi.cross_entropy(out, y) * scale)):
        assert part.lost("float16") <= 0.02 and part.overflow("float16") == 0


def test_notes_change_neither_verdict_nor_answers() -> None:
    noted = evidence(rounded(HEALTHY, signal=0.1, gradient=0.9), sharpness=sharpness(network(), 1e3))
    assert {note.key for note in noted.notes} == {"steps.sharp", "precision.underflow", "precision.overflow"}
    assert not any(note.fault for note in noted.notes)
    assert noted.verdict == HEALTHY.verdict and noted.answers == HEALTHY.answers
    adam = evidence(HEALTHY, sharpness=sharpness(network(), lambda ps: optim.Adam(ps, 10.0)))
    assert adam.evidence is not None and adam.evidence.sharpness is not None and adam.evidence.sharpness.share > 1
    assert adam.notes == (), "Adam's metric lasts for a step: no note is made of it"


def with_all() -> Report:
    """Of a network that learns, so that it is said how sure that is."""
    return diagnose(network(dtype="float32"), X, X[:, :3].argmax(axis=1), optimizer=0.5)


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_said_in_text_and_page(language: str) -> None:
    report = with_all()
    assert report.evidence is not None
    assert set(report.evidence.seconds) == {"sharpness", "updates", "representation", "precision"}
    assert all(0 <= seconds < 10 for seconds in report.evidence.seconds.values())
    noted = rounded(report, signal=0.1, gradient=0.9)
    for one in (report, noted, evidence(noted, sharpness=sharpness(network(), 1e3))):
        said = [sentence.spoken(language) for sentence in evidence_phrases(one)]
        assert len(said) == 5 and len({sentence[:20] for sentence in said}) == 5
        text, page = "".join(one.text(language).split()), one.to_html(language)
        for sentence in said:
            assert "".join(sentence.split()) in text
            assert sentence.replace("'", "&#39;") in page
    bare = change(HEALTHY, evidence=None)
    assert evidence_phrases(bare) == [] and bare.text(language)
    dead = evidence(HEALTHY, representation=None, precision=())
    assert evidence_phrases(dead) == []


def test_old_reports_are_read_as_if_nothing_had_been_measured() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    from tinygrad_init.diagnosis.showing.schema import schema

    new = with_all().to_dict()
    jsonschema.validate(new, schema())
    assert new["evidence"]["sharpness"]["eigenvalue"] > 0 and new["confidence"]["networks"] > 10
    assert len(new["evidence"]["precision"]) == 3 and read_report(json.dumps(new)) == new
    old = {key: value for key, value in new.items() if key not in ("evidence", "confidence")}
    read = read_report(json.dumps(old))
    jsonschema.validate(read, schema())
    assert read == {**old, "evidence": None, "confidence": None}
    starts = {"version": 3, "starts": [{"before": old, "after": old}]}
    (start,) = read_report(json.dumps(starts))["starts"]
    assert start["before"] == start["after"] == read


def test_a_verdict_says_how_often_such_a_one_was_right() -> None:
    report = ahead(HEALTHY, last=0.1)
    counted = judging.shares()["words"]["healthy"]
    sure = report.confidence
    assert sure is not None and (sure.right, sure.networks) == (counted["right"], counted["networks"])
    assert "bench.verdicts" in sure.source and f"{sure.right} of {sure.networks}" in report.text()
    for other in (HEALTHY, change(report, trained=True), ahead(report, steps=25)):
        assert other.confidence is None
    stalled = ahead(HEALTHY, last=HEALTHY.guess)
    assert stalled.verdict.word == "stalled" and stalled.confidence is None, "of so few networks a share says little"
    assert judging.shares()["words"]["stalled"]["networks"] < judging.COUNTED <= counted["networks"]
