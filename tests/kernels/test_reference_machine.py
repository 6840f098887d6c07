"""The machine of the reference backend finds memory that overlaps, byte for byte."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_init.kernels.reference_machine import Machine

spans = st.tuples(st.integers(0, 12), st.integers(1, 6), st.booleans())


@given(spans, spans)
def test_what_is_written_lies_apart_from_all_else(first: tuple[int, int, bool], second: tuple[int, int, bool]) -> None:
    machine, memory = Machine([], 0, 3, {}), np.zeros(32, np.uint8)
    for slot, (begin, size, written) in enumerate((first, second), start=1):
        machine.bind_as_it_lies(slot, memory)
        machine.watch(slot, begin, begin + size, written)
    bytes_of = [set(range(begin, begin + size)) for begin, size, _ in (first, second)]
    assert machine.apart() == (not bytes_of[0] & bytes_of[1] or not (first[2] or second[2]))


@pytest.mark.parametrize("offset", [0, 8])
def test_numbers_are_put_where_they_are_told(offset: int) -> None:
    machine = Machine([], 32, 1, {})
    machine.load(offset, np.array([1.5, -2.0]))
    assert list(machine.view((0, offset), (2,), (8,), 1)) == [1.5, -2.0]
