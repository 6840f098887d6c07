"""Trees of tensors: what they are made of, and that they stay what they are."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, namedtuple
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.ops.results import Extreme
from tinygrad_init.trees import filled, form_of, leaves_of, rebuilt

Pair = namedtuple("Pair", "one other")


class Own(list[Any]):
    """A list of a class of its own."""


TREES = {
    "nested": [1.5, (2.5, {"a": 3.5, "b": [4.5]}), None],
    "named": Pair(1.5, [2.5]),
    "results": Extreme(1.5, 2.5),
    "own list": Own([1.5, 2.5]),
    "ordered": OrderedDict(b=1.5, a=2.5),
    "default": defaultdict(list, a=1.5),
    "counter": Counter(a=1.5),
    "single": 1.5,
    "nothing": None,
    "empty": [[], {}, ()],
}


def kinds(tree: Any) -> Any:
    """The types of all containers, by a walk of the test's own."""
    if isinstance(tree, dict):
        return type(tree), [(key, kinds(value)) for key, value in tree.items()]
    return (type(tree), [kinds(value) for value in tree]) if isinstance(tree, list | tuple) else tree is None


@pytest.mark.parametrize("name", TREES)
def test_trees_keep_their_form_and_get_other_leaves(name: str) -> None:
    tree = TREES[name]
    leaves = leaves_of(tree)
    assert leaves == [i + 1.5 for i in range(len(leaves))]
    doubled = rebuilt(tree, lambda x: 2 * x)
    assert leaves_of(doubled) == [2 * x for x in leaves]
    assert leaves_of(tree) == leaves  # which is as it was
    assert kinds(doubled) == kinds(tree) and form_of(doubled) == form_of(tree)
    assert filled(doubled, leaves) == tree
    assert getattr(doubled, "default_factory", None) is getattr(tree, "default_factory", None)


def test_forms_tell_trees_apart() -> None:
    forms = [form_of(tree) for tree in (*TREES.values(), [1.5], (1.5,), {"a": 1.5}, {"b": 1.5}, [None])]
    assert len(set(forms)) == len(forms)


@pytest.mark.parametrize("name", TREES)
def test_captured_functions_take_and_return_them(name: str) -> None:
    tree = rebuilt(TREES[name], lambda x: tgi.tensor([x, -x]))
    run = tgi.capture(lambda tree: rebuilt(tree, lambda x: x * 2.0))
    for _ in range(2):
        found = run(tree)
        assert kinds(rebuilt(found, lambda _: 0)) == kinds(rebuilt(tree, lambda _: 0))
        for x, y in zip(leaves_of(found), leaves_of(tree), strict=True):
            np.testing.assert_array_equal(x.numpy(), 2.0 * y.numpy())
    assert run.captures == 1
