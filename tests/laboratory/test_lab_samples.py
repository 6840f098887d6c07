"""The Lab's data: held out, seen as features, drawn by seeds; and what a regularization does to the weights."""

from dataclasses import replace

import numpy as np
import pytest

from tests.laboratory.test_lab_experiment import CONFIGS, advanced, state
from tinygrad_init.data import REGRESSIONS
from tinygrad_init.laboratory.experiment.experiment import Experiment
from tinygrad_init.laboratory.experiment.samples import samples
from tinygrad_init.laboratory.looking.measure import watch
from tinygrad_init.laboratory.messages.config import DATA, FEATURES, Config, Data
from tinygrad_init.laboratory.messages.message_schema import Invalid


def test_held_out_samples_are_the_rest_and_have_no_part_in_training() -> None:
    name = "a regression, features, l1, held out, edited"
    config = CONFIGS[name]
    part, whole = samples(config), samples(replace(config, data=replace(config.data, test=0.0)))
    assert (len(part.x), len(part.test.x), len(whole.test.x)) == (60, 20, 0)
    np.testing.assert_array_equal(np.concatenate([part.x, part.test.x]), whole.x)
    experiment = advanced(config, 9)
    watched = watch(experiment)[0]
    now = watched.now(9, 1, watched.look())
    output = experiment.runs[0].model(part.test.x).numpy()
    assert now.test_loss == pytest.approx(0.5 * np.mean((output - part.test.target) ** 2), rel=1e-12)
    assert now.accuracy is None and now.test_losses == ((9, now.test_loss),)
    spoiled = Experiment(config)
    spoiled.samples.test.x[:] = spoiled.samples.test.target[:] = np.nan
    while spoiled.step < 9:
        spoiled.advance()
    assert state(spoiled) == state(experiment)


def test_a_regularization_shrinks_weights_and_is_not_in_the_loss_that_is_shown() -> None:
    """One step of gradient descent: Δw = -lr · (∂C/∂w + rate · sign w or rate · w), for weights and not for biases."""
    free = Config(Data("xor", 40), lr=0.1)
    moved = {}
    for kind in ("none", "l1", "l2"):
        run = advanced(replace(free, regularization=kind, regularization_rate=0.3), 1).runs[0]
        moved[kind] = run.losses[0], run.model.state_dict()
    before = Experiment(free).runs[0].model.state_dict()
    assert moved["l1"][0] == moved["l2"][0] == moved["none"][0]
    for name, start in before.items():
        weight = name.endswith("weight")
        for kind, slope in (("l1", np.sign(start)), ("l2", start)):
            expected = moved["none"][1][name] - 0.1 * 0.3 * slope * weight
            np.testing.assert_allclose(moved[kind][1][name], expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("feature", FEATURES)
def test_maps_are_drawn_with_the_features_that_the_network_sees(feature: str) -> None:
    """Where the feature is the same, so is whatever the network says."""
    experiment = advanced(Config(layers=(6,), activations=("tanh",), features=(feature,)), 3)
    picture = watch(experiment)[0].pictures.map()
    assert picture is not None
    values = np.frombuffer(picture.values, np.uint8).reshape((picture.size, picture.size))
    mirrored = {"x": values[::-1], "sin_x": values[::-1], "x2": values[:, ::-1], "xy": values.T}
    mirrored |= {"y": values[:, ::-1], "sin_y": values[:, ::-1], "y2": values[::-1]}
    np.testing.assert_array_equal(values, mirrored[feature])
    assert np.ptp(values) > 0


def test_data_keep_their_own_seed() -> None:
    data = Data("circles", 40, seed=3)
    one, other = Experiment(Config(data, seed=1)), Experiment(Config(data, seed=2))
    np.testing.assert_array_equal(one.samples.x, other.samples.x)
    assert not np.array_equal(one.runs[0].parameters[0].numpy(), other.runs[0].parameters[0].numpy())


@pytest.mark.parametrize("name", REGRESSIONS)
def test_a_regression_has_numbers_and_one_loss(name: str) -> None:
    drawn = samples(Config(Data(name, 500, noise=0.0), loss="half_squared_error"))
    assert (drawn.classes, drawn.outputs, drawn.target.shape) == (0, 1, (500, 1))
    assert 0.5 < np.ptp(drawn.y) <= 2.2 and abs(drawn.y.mean()) < 0.1
    with pytest.raises(Invalid, match="expected half_squared_error"):
        Experiment(Config(Data(name), loss="cross_entropy"))


@pytest.mark.parametrize("name", sorted(set(DATA) - {"points", *REGRESSIONS}))
def test_data_are_scaled_and_follow_the_seed(name: str) -> None:
    drawn = [samples(Config(Data(name, 60), seed=seed)) for seed in (1, 1, 2)]
    assert len(drawn[0].x) == 60 and 0.99 <= np.abs(drawn[0].x).max() <= 1
    np.testing.assert_array_equal(drawn[0].x, drawn[1].x)
    assert not np.array_equal(drawn[0].x, drawn[2].x)
