"""The tape says what forward computed and what backward computes, and leaves everything as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init.inside import Step

from ..strategies import seeds
from .graphs import network, programs, run


@given(program=programs, seed=seeds, shape=st.sampled_from([(), (3,), (2, 2)]), inspected=st.booleans())
def test_cotangents_are_those_of_backward_bit_for_bit(
    program: list[Any], seed: int, shape: tuple[int, ...], inspected: bool
) -> None:
    """Those of `grad` in every bit, those of `backward` but for the sign of a zero: of bare numbers it adds to 0."""
    if inspected:
        with tgi.inspecting():
            end, leaves = run(program, seed, shape)
    else:
        end, leaves = run(program, seed, shape)
    tape = tgi.tape(end)
    assert all(leaf.grad is None for leaf in leaves)
    again = tgi.tape(end)  # the graph is kept
    on_tape = [leaf for leaf in leaves if leaf.name in [step.name for step in tape]]
    for leaf, expected in zip(on_tape, tgi.grad(end, on_tape, retain_graph=True), strict=True):
        assert tape[leaf.name].cotangent.tobytes() == expected.numpy().tobytes()
    end.backward()
    for leaf in leaves:
        if leaf.grad is not None:
            for one in (tape, again):
                np.testing.assert_array_equal(one[leaf.name].cotangent, leaf.grad.numpy(), strict=True)
        else:
            assert leaf.name not in [step.name for step in tape]


@given(program=programs, seed=seeds, shape=st.sampled_from([(), (2, 2)]))
def test_cotangents_of_results_are_those_of_grad_and_sums_of_what_is_handed(
    program: list[Any], seed: int, shape: tuple[int, ...]
) -> None:
    with tgi.inspecting():
        end, _ = run(program, seed, shape)
    tape = tgi.tape(end)
    sums: dict[int, Any] = {}
    for step in reversed(tape.steps):
        assert step.requires_grad == (step.cotangent is not None)
        for number, part, slope in zip(step.inputs, step.handed, step.slopes, strict=True):
            assert (part is None) == (slope is None) == (not tape[number - 1].requires_grad)
            if part is not None:
                sums[number] = sums.get(number, 0.0) + part
                if isinstance(slope, float):
                    np.testing.assert_allclose(part, step.cotangent * slope, rtol=1e-12, atol=1e-300)
    for number, total in sums.items():
        np.testing.assert_allclose(total, tape[number - 1].cotangent, rtol=1e-12, atol=1e-14)


@given(program=programs, seed=seeds, shape=st.sampled_from([(), (3,)]))
def test_steps_are_in_forward_order_and_say_what_was_computed(
    program: list[Any], seed: int, shape: tuple[int, ...]
) -> None:
    """Each after its parents; each value is that of its operation on its inputs; names are all different."""
    with tgi.inspecting():
        end, _ = run(program, seed, shape)
    tape = tgi.tape(end)
    names = [step.name for step in tape if step.requires_grad]
    assert len(set(names)) == len(names)
    for place, step in enumerate(tape, 1):
        assert step.number == place
        assert all(number < place for number in step.inputs)
        if step.op is not None:
            inputs = [tgi.tensor(tape[number - 1].value, "float64") for number in step.inputs]
            np.testing.assert_array_equal(step.op(*inputs, **step.parameters).numpy(), step.value)
        assert step.value.shape == step.shape
    np.testing.assert_array_equal(tape[-1].value, end.numpy())


@given(program=programs, seed=seeds, shape=st.sampled_from([(), (3,)]))
def test_what_was_not_kept_is_computed_again_where_it_can_be(
    program: list[Any], seed: int, shape: tuple[int, ...]
) -> None:
    with tgi.inspecting():
        end, leaves = run(program, seed, shape)
        kept = tgi.tape(end)
    end, leaves = run(program, seed, shape)
    assert leaves  # they are still there
    known = tgi.tape(end)
    for a, b in zip(kept, known, strict=True):
        assert (a.operation, a.inputs) == (b.operation, b.inputs)
        if b.value is not None:
            np.testing.assert_array_equal(a.value, b.value)
        elif b.op is None:
            assert not b.requires_grad  # a constant that nobody has kept


def test_the_values_of_a_network_are_known_without_inspecting() -> None:
    loss, model = network()
    tape = tgi.tape(loss)
    assert all(step.value is not None for step in tape)
    loss.backward()
    for parameter in model.parameters():
        assert tape[parameter.name].cotangent.tobytes() == parameter.grad.numpy().tobytes()


def test_an_unknown_constant_leaves_unknown_what_depends_on_it() -> None:
    x = tgi.tensor([1.0, 2.0], requires_grad=True, name="x")
    tape = tgi.tape(tgi.sin(x + tgi.tensor([3.0, 4.0])).sum())
    assert [step.operation for step in tape if step.value is None] == ["constant"]  # the sine has kept the sum
    tape = tgi.tape((x + tgi.tensor([3.0, 4.0])).sum())
    unknown = [step.operation for step in tape if step.value is None]
    assert unknown == ["constant", "add"]
    assert "? not kept; build it within tgi.inspecting()" in str(tape)
    assert tape["x"].cotangent.tolist() == [1.0, 1.0]


def test_an_expression_as_it_stands_in_a_book() -> None:
    with tgi.inspecting():
        x = tgi.tensor(2.0, "float64", requires_grad=True, name="x")
        y = x * x + 3.0 * x
    y.name = "y"
    tape = tgi.tape(y)
    assert [step.operation for step in tape] == ["leaf", "mul", "constant", "mul", "add"]
    assert [step.name for step in tape] == ["x", "x2", "3", "x4", "y"]
    assert [step.inputs for step in tape] == [(), (1, 1), (), (3, 1), (2, 4)]
    assert tape["x2"].slopes == (2.0, 2.0)
    assert tape["x4"].slopes == (None, 3.0)
    assert tape["y"].slopes == (1.0, 1.0)
    assert tape["x"].cotangent == 7.0
    assert [part.item() for part in tape["x2"].handed] == [2.0, 2.0]
    assert tape["y"].place.startswith(__file__)
    assert tape["y"].line == "y = x * x + 3.0 * x"
    with pytest.raises(KeyError, match="no step is called 'z'; there are x, x2"):
        tape["z"]


def test_rules_are_said_with_the_names_that_are_there() -> None:
    x = tgi.tensor([1.0, 2.0], requires_grad=True, name="x")
    h = tgi.tanh(x)
    h.name = "h"
    with tgi.inspecting():
        tape = tgi.tape((h * x).sum())
    assert tape[1].slopes == (f"(1 - {tape[1].name})·(1 + {tape[1].name})",)
    tape = tgi.tape((h * x).sum(), names={"h": h, "z": x})
    assert tape["h"].slopes == ("(1 - h)·(1 + h)",)
    assert tape[2].slopes == ("z", "h")


def test_names_that_several_share_are_numbered() -> None:
    first, second = tgi.nn.Linear(2, 3, rng=0), tgi.nn.Linear(3, 2, rng=0)
    tape = tgi.tape(second(first(np.ones((1, 2), np.float32))).sum())
    assert {step.name for step in tape if step.operation == "leaf"} == {"weight_1", "weight_2", "bias_1", "bias_2"}


def test_a_constant_that_is_used_twice_is_one_step() -> None:
    x = tgi.tensor([1.0, 2.0], requires_grad=True)
    with tgi.inspecting():
        c = tgi.tensor([5.0, 6.0])
        end = (x * c + tgi.tanh(x) * c).sum()
    assert [step.operation for step in tgi.tape(end)].count("constant") == 1


def test_what_a_constant_was_stays_said_when_it_changes() -> None:
    x = tgi.tensor([1.0, 2.0], requires_grad=True)
    c = tgi.tensor([5.0, 6.0], name="c")
    with tgi.inspecting():
        end = (x + c).sum()
    c.fill_(0.0)
    assert tgi.tape(end)["c"].value.tolist() == [5.0, 6.0]


def test_more_than_a_number_wants_a_gradient() -> None:
    x = tgi.tensor([1.0, 2.0], requires_grad=True, name="x")
    y = x * x
    assert all(step.cotangent is None for step in tgi.tape(y))
    assert tgi.tape(y, gradient=[1.0, 10.0])["x"].cotangent.tolist() == [2.0, 40.0]
    with pytest.raises(ValueError, match="expected a gradient of shape"):
        tgi.tape(y, gradient=[1.0])


def test_a_leaf_that_is_gone_has_a_cotangent_all_the_same() -> None:
    alive = tgi.tensor([1.0, 2.0], requires_grad=True, name="alive")
    alive.grad = tgi.tensor([7.0, 7.0])
    before = alive.grad
    tape = tgi.tape((tgi.tensor([3.0, 4.0], requires_grad=True) * alive).sum())
    gone = tape[0]
    assert gone.cotangent.tolist() == [1.0, 2.0]
    assert tape["alive"].cotangent.tolist() == [3.0, 4.0]
    assert alive.grad is before
    assert before.numpy().tolist() == [7.0, 7.0]


def test_hooks_run_and_stay() -> None:
    x = tgi.tensor([1.0, 2.0], requires_grad=True, name="x")
    h = tgi.tanh(x)
    h.register_hook(lambda g: g * 10.0)
    h.retain_grad()
    end = (h * h).sum()
    tape = tgi.tape(end)
    assert h.grad is None
    end.backward()
    assert h.grad is not None
    assert tape["x"].cotangent.tobytes() == x.grad.numpy().tobytes()


def test_what_cannot_be_shown_says_why() -> None:
    x = tgi.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match="expected a tensor, got float"):
        tgi.tape(1.0)
    with pytest.raises(ValueError, match="nothing was recorded"):
        tgi.tape(tgi.tensor(1.0))
    end = (x * x).sum()
    end.backward()
    with pytest.raises(RuntimeError, match="freed"):
        tgi.tape(end)
    end = (x * x).sum()
    with tgi.no_grad():
        x[0] = 3.0
    with pytest.raises(RuntimeError, match="changed in place"):
        tgi.tape(end)
    end = (x * x).sum()
    tgi.tape(end)
    end.backward()  # an error, too, has left no hook behind


def test_a_leaf_is_a_tape_of_one_step() -> None:
    (step,) = tgi.tape(tgi.tensor(2.0, requires_grad=True, name="x"))
    assert isinstance(step, Step)
    assert (step.name, step.operation, step.value, step.cotangent) == ("x", "leaf", 2.0, 1.0)


def test_long_chains_need_no_recursion() -> None:
    x = tgi.tensor(1.0, "float64", requires_grad=True, name="x")
    y = x
    for _ in range(3_000):
        y = y + 1.0
    tape = tgi.tape(y)
    assert len(tape) == 6_001
    assert tape["x"].cotangent == 1.0
    assert "… 5931 more steps …" in str(tape)


def test_the_trace_of_a_number_is_its_tape_and_of_a_matrix_its_diagonals_sum() -> None:
    x = tgi.tensor(2.0, requires_grad=True)
    assert [step.operation for step in tgi.trace(x * x)] == ["leaf", "mul"]
    matrix = tgi.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    found = tgi.trace(matrix)
    assert found.item() == 5.0
    found.backward()
    assert matrix.grad.numpy().tolist() == [[1.0, 0.0], [0.0, 1.0]]
    with pytest.raises(ValueError, match=r"expected a matrix, got shape \(2,\)$"):
        tgi.trace(tgi.tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match=r"tgi.tape\(x\)"):
        tgi.ops.trace(x)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_table_keeps_to_its_width_and_names_every_step(width: int) -> None:
    with tgi.inspecting():
        loss, _ = network()
    tape = tgi.tape(loss)
    lines = tape.table(width).splitlines()
    assert len(lines) == len(tape) + 2
    assert max(map(len, lines)) <= width
    for step, line in zip(tape, lines[2:], strict=True):
        assert line.split()[:2] == [str(step.number), step.name]
    with pytest.raises(ValueError, match="at least 60, got 10"):
        tape.table(10)


def test_columns_stand_below_each_other() -> None:
    x = tgi.tensor(2.0, "float64", requires_grad=True, name="x")
    y = tgi.tanh(x * 0.5)
    lines = tgi.tape(y).table(100).splitlines()
    at = lines[0].index("cotangent") + len("cotangent")
    assert lines[2][:at].endswith(f"{(1 - np.tanh(1.0) ** 2) / 2:.4g}")
    assert lines[5][:at].endswith(" 1")
