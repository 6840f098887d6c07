"""Tensors, the graph, and the walk back through it."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
import threading
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init.engine.methods import METHODS

from ..strategies import arrays, dtypes, seeds


class TestMakingTensors:
    def test_dtypes(self) -> None:
        assert tgi.tensor(1.0).dtype == tgi.Tensor([1, 2]).dtype == tgi.Tensor(np.arange(3)).dtype == np.float32
        assert tgi.tensor(np.zeros(2)).dtype == tgi.tensor(np.float64(1)).dtype == np.float64
        assert tgi.tensor(np.zeros(2), dtype="float32").dtype == np.float32
        assert tgi.tensor(np.zeros(2, ">f8")).numpy().dtype.isnative
        with tgi.default_dtype(np.float64):
            assert tgi.tensor([1.0]).dtype == tgi.exp(1.0).dtype == np.float64
        assert tgi.tensor([1.0]).dtype == np.float32

    @pytest.mark.parametrize("data", [1j, "a", None, [None], np.array(["a"]), object(), np.datetime64(1, "s"), [1j]])
    def test_what_is_no_number(self, data: Any) -> None:
        with pytest.raises(TypeError, match="expected real numbers"):
            tgi.tensor(data)

    def test_other_errors(self) -> None:
        with pytest.raises(ValueError, match="equal lengths"):
            tgi.tensor([[1.0], [1.0, 2.0]])
        for dtype in ("int32", np.float16, "nonsense", complex):
            with pytest.raises(TypeError, match="float32 or float64"):
                tgi.Tensor(1.0, dtype=dtype)
        for dtype in (np.float16, "nonsense", complex):
            with pytest.raises(TypeError, match="float32"):
                tgi.tensor(1.0, dtype=dtype)
        with pytest.raises(TypeError, match="float32 or float64, got float16"):
            tgi.tensor(np.zeros(2, np.float16))
        with pytest.raises(TypeError, match="lose their gradients"):
            tgi.tensor([[tgi.tensor(1.0)]])

    @given(x=arrays(-10, 10), dtype=dtypes)
    def test_what_goes_in_comes_out(self, x: Any, dtype: Any) -> None:
        x = x.astype(dtype)
        t = tgi.tensor(x)
        np.testing.assert_array_equal(t.numpy(), x)
        np.testing.assert_array_equal(np.asarray(t), x)
        assert (t.shape, t.ndim, t.size, t.dtype) == (x.shape, x.ndim, x.size, x.dtype)
        assert t.numpy() is not x
        for again in (copy.deepcopy(t), pickle.loads(pickle.dumps(t)), tgi.tensor(t)):
            np.testing.assert_array_equal(again.numpy(), x)
            assert again.dtype == t.dtype

    def test_lists_that_hold_themselves(self) -> None:
        endless: list[Any] = []
        endless.append(endless)
        deep: Any = 1.0
        for _ in range(100_000):
            deep = [deep]
        for strange in (endless, deep):
            with pytest.raises((ValueError, TypeError, RecursionError)):
                tgi.tensor(strange)

    def test_the_data_is_copied(self) -> None:
        x = np.zeros(3)
        t = tgi.tensor(x)
        x[0] = 1
        assert t.numpy()[0] == 0

    def test_repr_shows_the_operation(self) -> None:
        x = tgi.tensor([1.0], requires_grad=True)
        assert repr(x) == "tensor([1.], dtype=float32, requires_grad=True)"
        assert "op=mul" in repr(x * 2) and "op=exp" in repr(tgi.exp(x[0]))
        assert repr(x.detach()) == "tensor([1.], dtype=float32)"
        assert f"{(x * 2).sum():.2f}" == "2.00"

    def test_python_protocols(self) -> None:
        t = tgi.tensor([[1.0, 2.0]])
        assert [row.shape for row in t] == [(2,)]
        assert len(t) == 1
        assert float(t[0, 1]) == 2.0 and int(t[0, 1]) == 2 and bool(t[0, 0])
        assert t in {t} and "sum" in dir(t)
        for bad in (lambda: len(t[0, 0]), lambda: iter(t[0, 0])):
            with pytest.raises(TypeError, match="0-d"):
                bad()
        with pytest.raises(ValueError, match="ambiguous"):
            bool(t)
        with pytest.raises(ValueError, match="one element"):
            t.item()
        with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
            t.nonsense  # noqa: B018

    @given(value=st.floats(width=32, allow_nan=False), other=st.floats(width=32, allow_nan=False))
    def test_numbers_are_rounded_to_their_dtype(self, value: float, other: float) -> None:
        with np.errstate(all="ignore"):
            expected = np.float32(value) * np.float32(other)
        np.testing.assert_equal((tgi.tensor(value) * other).item(), float(expected))
        np.testing.assert_equal((tgi.tensor([value]) * other).item(), float(expected))


class TestBackward:
    def test_gradients_accumulate(self) -> None:
        x = tgi.tensor([1.0, 2.0], requires_grad=True)
        (x * x).sum().backward()
        (x * x).sum().backward()
        np.testing.assert_array_equal(x.grad.numpy(), [4, 8])
        x.grad = None
        assert x.grad is None

    def test_a_shared_node_is_visited_once(self) -> None:
        x = tgi.tensor(1.0, dtype="float64", requires_grad=True)
        y = x
        for _ in range(40):
            y = y + y
        y.backward()
        assert x.grad.item() == 2.0**40

    def test_second_backward_is_an_error_that_says_so(self) -> None:
        x = tgi.tensor([1.0], requires_grad=True)
        y = x * x
        y.backward(retain_graph=True)
        y.backward()
        assert x.grad.item() == 4
        with pytest.raises(RuntimeError, match="freed.*retain_graph=True"):
            y.backward()
        z = y * 2.0
        with pytest.raises(RuntimeError, match="freed"):
            z.backward()
        assert x.grad.item() == 4

    def test_a_failed_backward_leaves_the_graph_usable(self) -> None:
        x = tgi.tensor([1.0], requires_grad=True)
        used = x * x
        used.backward()
        fresh = x * 3.0
        with pytest.raises(RuntimeError, match="freed"):
            (fresh + used).backward()
        x.grad = None
        fresh.backward()
        assert x.grad.item() == 3

    def test_start_of_backward(self) -> None:
        x = tgi.tensor([1.0, 2.0], requires_grad=True)
        with pytest.raises(RuntimeError, match="needs a gradient of that shape"):
            (x * 2).backward()
        with pytest.raises(ValueError, match=r"expected a gradient of shape \(2,\)"):
            (x * 2).backward(np.ones(3, np.float32))
        with pytest.raises(RuntimeError, match="requires grad"):
            tgi.tensor([1.0]).backward()
        (x * 2).backward([1.0, 10.0])
        np.testing.assert_array_equal(x.grad.numpy(), [2, 20])
        leaf = tgi.tensor(3.0, requires_grad=True)
        leaf.backward()
        assert leaf.grad.item() == 1

    def test_gradients_never_share_memory(self) -> None:
        a, b = (tgi.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
        seed = tgi.tensor([1.0, 1.0])
        (a + b).backward(seed)
        a.grad.fill_(5.0)
        np.testing.assert_array_equal(b.grad.numpy(), [1, 1])
        np.testing.assert_array_equal(seed.numpy(), [1, 1])
        c = tgi.tensor([1.0, 2.0], requires_grad=True)
        inner = c * 1.0
        g_inner, g_c = tgi.grad(inner.reshape(1, 2), [inner, c], gradients=[[1.0, 2.0]])
        g_inner.fill_(7.0)
        np.testing.assert_array_equal(g_c.numpy(), [1, 2])

    def test_the_callers_gradient_stays_the_callers(self) -> None:
        x = tgi.tensor([1.0, 2.0], requires_grad=True)
        g = tgi.tensor([3.0, 4.0], requires_grad=True)
        view = g.detach().reshape(2, 1)
        (x + 0.0).backward(g)
        assert x.grad is not g and not x.grad.requires_grad
        x.grad.fill_(9.0)
        np.testing.assert_array_equal(g.numpy(), [3, 4])
        with tgi.no_grad():
            g.fill_(7.0)
        np.testing.assert_array_equal(view.numpy(), [[7], [7]])

    def test_freezing_for_a_while_loses_nothing(self) -> None:
        x = tgi.tensor([1.0, 2.0], requires_grad=True)
        y = (x * 2.0).sum()
        x.requires_grad = False
        assert not (x * 2.0).requires_grad
        x.requires_grad = True
        np.testing.assert_array_equal(tgi.grad(y, x)[0].numpy(), [2, 2])

    @pytest.mark.skipif(tgi.BACKEND != "reference", reason="compiled, nothing can interrupt the counting")
    def test_an_interrupt_while_the_graph_is_ordered_leaves_no_traces(self) -> None:
        x = tgi.tensor([1.0, 2.0], requires_grad=True)
        y = (x * x + x).sum()
        lines, stop_at = 0, 0

        def interrupt(frame: Any, event: str, argument: Any) -> Any:
            nonlocal lines
            if frame.f_code.co_name in ("count_edges", "lay_out"):
                lines += event == "line"
                if lines == stop_at:
                    raise KeyboardInterrupt
            return interrupt

        interrupted = 0
        before = sys.gettrace()
        for stop_at in range(1, 120):  # noqa: B007 (`interrupt` reads it)
            lines = 0
            sys.settrace(interrupt)
            try:
                y.backward(retain_graph=True)
            except KeyboardInterrupt:
                interrupted += 1
            finally:
                sys.settrace(before)
            x.grad = None
            y.backward(retain_graph=True)
            np.testing.assert_array_equal(x.grad.numpy(), [3, 5])
        assert interrupted > 50

    def test_asking_for_nothing_or_twice(self) -> None:
        x = tgi.tensor([1.0, 2.0], requires_grad=True)
        assert tgi.grad((x * x).sum(), []) == () and x.grad is None
        first, second = tgi.grad((x * x).sum(), [x, x])
        first.fill_(0.0)
        np.testing.assert_array_equal(second.numpy(), [2, 4])

    def test_threads_lose_no_part_of_a_gradient(self) -> None:
        x = tgi.tensor(np.zeros(100_000), requires_grad=True)  # large enough that kernels let other threads run

        def work() -> None:
            for _ in range(50):
                (x * 1.0).backward(np.ones(100_000))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert np.all(x.grad.numpy() == 200)

    def test_grad_leaves_other_leaves_alone(self) -> None:
        x, w = tgi.tensor([2.0], requires_grad=True), tgi.tensor([3.0], requires_grad=True)
        z = x * w
        assert tgi.grad(z * z, z)[0].item() == 12
        assert tgi.grad(x * w, [w])[0].item() == 2
        assert x.grad is None and w.grad is None
        unrelated = tgi.tensor([1.0, 1.0], requires_grad=True)
        np.testing.assert_array_equal(tgi.grad(x * w, unrelated)[0].numpy(), [0, 0])
        with pytest.raises(RuntimeError, match="input 1 does not require grad"):
            tgi.grad(x * w, [x, tgi.tensor(1.0)])

    def test_several_outputs_add_up(self) -> None:
        x = tgi.tensor(2.0, requires_grad=True)
        assert tgi.grad([x * x, 3.0 * x], x)[0].item() == 7

    def test_higher_derivatives(self) -> None:
        x = tgi.tensor(2.0, dtype="float64", requires_grad=True)
        y = x**4
        found = []
        for _ in range(4):
            (y,) = tgi.grad(y, x, create_graph=True)
            found.append(y.item())
        assert found == pytest.approx([32, 48, 48, 24])

    @given(seed=seeds)
    def test_backward_with_create_graph_can_be_differentiated(self, seed: int) -> None:
        w = tgi.tensor(np.random.default_rng(seed).normal(size=3), requires_grad=True)
        tgi.tanh(w * w).sum().backward(create_graph=True)
        penalty = (w.grad * w.grad).sum()
        w.grad = None
        penalty.backward()

        def first(t: tgi.Tensor) -> tgi.Tensor:
            with tgi.enable_grad():
                point = tgi.tensor(t, requires_grad=True) if not t.requires_grad else t
                (g,) = tgi.grad(tgi.tanh(point * point).sum(), point, create_graph=True)
                return (g * g).sum()

        assert tgi.gradcheck(first, tgi.tensor(w.numpy(), requires_grad=True), atol=1e-5)
        np.testing.assert_allclose(w.grad.numpy(), tgi.grad(first(w), w)[0].numpy())


class TestInPlace:
    def test_a_changed_saved_array_is_an_error_that_says_where(self) -> None:
        w = tgi.tensor([1.0, 2.0], requires_grad=True, name="weight")
        y = (w * w).sum()
        with tgi.no_grad():
            w[0] = 5.0
        with pytest.raises(RuntimeError, match=r"mul.*'weight'.*test_engine\.py:\d+ in test_a_changed"):
            y.backward()

    def test_changing_what_nobody_saved_is_fine(self) -> None:
        w = tgi.tensor([1.0, 2.0], requires_grad=True)
        y = (w + 1.0).sum()
        with tgi.no_grad():
            w.fill_(0.0)
        y.backward()
        np.testing.assert_array_equal(w.grad.numpy(), [1, 1])

    @pytest.mark.parametrize(
        "view", [lambda t: t[0], lambda t: t.T, lambda t: t.reshape(4), lambda t: t.detach(), lambda t: t.detach().T]
    )
    def test_views_count_as_the_same_memory(self, view: Any) -> None:
        base = tgi.tensor([[1.0, 2.0], [3.0, 4.0]])
        w = tgi.tensor([[1.0, 1.0], [1.0, 1.0]], requires_grad=True)
        y = (w * base).sum()
        view(base).fill_(9.0)
        with pytest.raises(RuntimeError, match="changed in place"):
            y.backward()
        base = tgi.tensor([[1.0, 2.0], [3.0, 4.0]])
        part = view(base)
        u = tgi.tensor(np.ones(part.shape, np.float32), requires_grad=True)
        y = (u * part).sum()
        base.fill_(9.0)
        with pytest.raises(RuntimeError, match="changed in place"):
            y.backward()

    def test_a_copy_is_not_a_view(self) -> None:
        w = tgi.tensor([1.0, 2.0], requires_grad=True)
        base = tgi.tensor([3.0, 4.0])
        y = (w * base).sum()
        base[np.array([0])].fill_(9.0)
        base[base > 3.5].fill_(9.0)
        y.backward()
        np.testing.assert_array_equal(w.grad.numpy(), [3, 4])

    def test_detached_results_are_copied_before_a_change(self) -> None:
        x = tgi.tensor([1.0, 2.0], requires_grad=True)
        y = x * 2.0
        z = (y * y).sum()
        y.detach().fill_(100.0)
        with tgi.no_grad():
            y.reshape(2).detach().fill_(100.0)
        z.backward()
        np.testing.assert_array_equal(x.grad.numpy(), [8, 16])

    def test_what_cannot_be_changed(self) -> None:
        x = tgi.tensor([1.0, 2.0], requires_grad=True)
        with pytest.raises(RuntimeError, match="only inside no_grad"):
            x[0] = 1.0
        with pytest.raises(RuntimeError, match="result of mul"):
            (x * 2).fill_(1.0)
        with pytest.raises(ValueError, match="read-only"):
            x.numpy()[0] = 1.0
        with pytest.raises(ValueError, match="read-only"):
            np.asarray(tgi.tensor([1.0]))[0] = 1.0
        y = tgi.tensor([1.0, 2.0])
        with pytest.raises(ValueError, match=r"expected shape \(2,\), got \(3,\)"):
            y.copy_(np.zeros(3, np.float32))
        with pytest.raises(TypeError, match="expected float32, got float64"):
            y.copy_(np.zeros(2))
        with pytest.raises(RuntimeError, match="detach"):
            y.copy_(x)
        for strange in (None, "5", 1j):
            with pytest.raises(TypeError, match="expected real numbers"):
                y[0] = strange
        np.testing.assert_array_equal(y.numpy(), [1, 2])

    def test_assignment(self) -> None:
        y = tgi.tensor(np.zeros((2, 3)))
        y[0] = tgi.tensor(np.arange(3.0))
        y[1, ::2] = 7
        y[y == 1.0] = -1.0
        np.testing.assert_array_equal(y.numpy(), [[0, -1, 2], [7, 0, 7]])
        s = tgi.tensor(1.0)
        s.fill_(3.0)
        assert s.item() == 3 and (s * 2).item() == 6

    def test_an_index_is_frozen(self) -> None:
        x = tgi.tensor([1.0, 2.0, 3.0], requires_grad=True)
        index = np.array([0, 1])
        y = x[index].sum()
        index[:] = 2
        y.backward()
        np.testing.assert_array_equal(x.grad.numpy(), [1, 1, 0])

    def test_a_constant_array_is_frozen(self) -> None:
        x = tgi.tensor([1.0, 2.0], requires_grad=True)
        c = np.array([3.0, 4.0], np.float32)
        y = (x * c).sum()
        c[:] = 0
        y.backward()
        np.testing.assert_array_equal(x.grad.numpy(), [3, 4])


class TestInPlaceOperators:
    def test_the_idiom_of_an_update_by_hand(self) -> None:
        w = tgi.tensor([1.0, 2.0], requires_grad=True)
        same, view = w, w.detach()
        (w * w).sum().backward()
        with tgi.no_grad():
            w -= 0.25 * w.grad
        assert w is same
        np.testing.assert_array_equal(view.numpy(), [0.5, 1])
        s = tgi.tensor(3.0, requires_grad=True)
        with tgi.no_grad():
            s *= 2
        assert s.item() == 6 and s.is_leaf

    def test_sums_that_are_recorded_are_new_tensors(self) -> None:
        x = tgi.tensor(2.0, requires_grad=True)
        total = tgi.tensor(0.0)
        for _ in range(3):
            total += x * x
        total /= 2.0
        total.backward()
        assert x.grad.item() == 6
        with pytest.raises(RuntimeError, match="only inside no_grad"):
            x += 1.0

    def test_a_change_in_place_is_counted(self) -> None:
        c, w = tgi.tensor([1.0, 2.0]), tgi.tensor([1.0, 1.0], requires_grad=True)
        y = (c * w).sum()
        c += 1.0
        with pytest.raises(RuntimeError, match="changed in place"):
            y.backward()


class TestMemory:
    def test_no_reference_cycles(self) -> None:
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)  # what only the collector could free is kept in gc.garbage
        try:
            for create in (False, True):
                x = tgi.tensor([1.0, 2.0], requires_grad=True)
                y = tgi.tanh(tgi.linear(x, tgi.tensor(np.eye(2, dtype=np.float32), requires_grad=True)))
                y.sum().backward(create_graph=create)
                nodes = [weakref.ref(y.detach()), weakref.ref(x)]
                del x, y
                assert [ref() for ref in nodes] == [None, None]
            gc.collect()
            ours = [o for o in gc.garbage if type(o).__module__.startswith("tinygrad_init")]
            assert not ours
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()

    def test_nothing_is_kept_after_backward(self) -> None:
        x = tgi.tensor(np.ones(3), requires_grad=True)
        hidden = x + 1.0
        kept = weakref.ref(hidden.numpy().base)
        y = (hidden * hidden).sum()
        del hidden
        assert kept() is not None  # what is multiplied is needed for the derivative
        y.backward()
        assert kept() is None

    def test_only_what_rules_ask_for_is_kept(self) -> None:
        x = tgi.tensor(np.ones(3), requires_grad=True)
        intermediate = x + 1.0
        alive = weakref.ref(intermediate)
        y = intermediate + 1.0
        del intermediate
        assert alive() is None
        y.sum().backward()

    @pytest.mark.parametrize("shape", [(), (2,)])
    def test_a_chain_of_a_million_nodes(self, shape: tuple[int, ...]) -> None:
        n = 1_000_000 if tgi.BACKEND == "compiled" else 100_000
        x = tgi.tensor(np.ones(shape), requires_grad=True)
        y = x
        for _ in range(n):
            y = y + 1.0
        y.backward(np.ones(shape))
        np.testing.assert_array_equal(x.grad.numpy(), np.ones(shape))
        for _ in range(n):
            y = y + 1.0
        del y  # a deep graph that was never consumed is freed without recursion, too


class TestModes:
    def test_no_grad(self) -> None:
        x = tgi.tensor([1.0], requires_grad=True)
        with tgi.no_grad():
            assert not (x * 2).requires_grad
            with tgi.enable_grad():
                assert (x * 2).requires_grad
            assert not tgi.is_grad_enabled()
        assert (x * 2).requires_grad

        @tgi.no_grad()
        def f(t: tgi.Tensor) -> tgi.Tensor:
            return t * 2

        assert not f(x).requires_grad

    def test_exceptions_leave_the_mode_alone(self) -> None:
        with pytest.raises(KeyError), tgi.no_grad():
            raise KeyError
        assert tgi.is_grad_enabled()

        @tgi.operation(
            lambda g: 1 / 0, formula="a rule that fails", name="failing", exempt="made to fail, see this test"
        )
        def failing(x: Any, /) -> Any:
            return x + 0

        tgi.ops.REGISTRY.pop("failing")
        x = tgi.tensor([1.0], requires_grad=True)
        y = failing(x)
        with tgi.no_grad(), pytest.raises(ZeroDivisionError):
            y.backward()
        assert tgi.is_grad_enabled()
        with pytest.raises(ZeroDivisionError):
            y.backward()

    def test_one_context_object_in_two_threads(self) -> None:
        shared, entered, leave = tgi.no_grad(), threading.Event(), threading.Event()

        def other() -> None:
            with shared:
                entered.set()
                leave.wait(10)

        thread = threading.Thread(target=other)
        thread.start()
        assert entered.wait(10)
        with shared:
            leave.set()
            thread.join()
            assert not tgi.is_grad_enabled()
        assert tgi.is_grad_enabled()

    def test_decorators_that_would_do_nothing_are_refused(self) -> None:
        with pytest.raises(TypeError, match="parentheses"):
            tgi.no_grad(lambda: None)
        with pytest.raises(TypeError, match="generator"):

            @tgi.no_grad()
            def numbers() -> Any:
                yield 1

    def test_one_threads_no_grad_leaves_the_others_alone(self) -> None:
        entered, leave = threading.Event(), threading.Event()

        def other() -> None:
            with tgi.no_grad(), tgi.default_dtype("float64"):
                entered.set()
                leave.wait(10)

        thread = threading.Thread(target=other)
        thread.start()
        assert entered.wait(10)
        x = tgi.tensor([1.0], requires_grad=True)
        assert (x * 2).requires_grad and tgi.tensor(1.0).dtype == np.float32
        leave.set()
        thread.join()

    def test_threads_on_one_graph(self) -> None:
        """Nested gradients in four threads, all through the same nodes: none is wrong."""
        x = tgi.tensor(np.linspace(-1, 1, 5), requires_grad=True)
        shared = tgi.tanh(x * x)
        wrong = []
        repeats = 2500 if tgi.BACKEND == "compiled" else 100

        def work(k: int) -> None:
            for i in range(repeats):
                scale = float(k * repeats + i + 1)
                y = (shared * scale).sum()
                (g,) = tgi.grad(y, x, retain_graph=True, create_graph=True)
                (h,) = tgi.grad((g * g).sum(), x, retain_graph=True)
                t = np.tanh(np.linspace(-1, 1, 5) ** 2)
                p = np.linspace(-1, 1, 5)
                first = 2 * p * (1 - t * t)
                second = 2 * (1 - t * t) - 8 * p * p * t * (1 - t * t)
                if not (
                    np.allclose(g.numpy(), scale * first) and np.allclose(h.numpy(), 2 * scale**2 * first * second)
                ):
                    wrong.append(i)

        threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong


@pytest.mark.skipif(tgi.BACKEND == "reference", reason="interpreted, a method takes whatever has what it asks for")
@pytest.mark.parametrize(
    "name",
    [
        name
        for name in dir(tgi.Tensor)
        if callable(getattr(tgi.Tensor, name)) and name[0] != "_" and name not in METHODS
    ],
)
def test_a_method_of_tensors_on_something_else_is_refused_not_crashed_on(name: str) -> None:
    """As `map(Tensor.detach, values)` has it where one of the values is no tensor."""
    for value in (3, "x", None, np.ones(3), tgi.Tensor, object()):
        with pytest.raises((TypeError, AttributeError)):
            getattr(tgi.Tensor, name)(value)
