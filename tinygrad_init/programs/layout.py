"""Narrow matrices turned: what has many samples and few features lies feature by feature.

Vectors of a processor hold 8 or 16 numbers. Along 3 features most of their lanes are empty, along 100 samples none. So
a matrix between two products that is narrow is stored with its columns without gaps; every step that meets it gets
other strides, and elementwise steps, which go through memory as it lies, do not notice.
"""

from __future__ import annotations

from dataclasses import dataclass

from .buffers import ITEM, Buffer
from .instructions import OUT, A, B, C, Step, View, flat

NARROW = 8  # columns up to which turning pays: 32 x 16 x 4 takes 104 ns one way and 77 the other, 32 x 16 x 16 the same


@dataclass(eq=False)
class Group:
    """Buffers that elementwise steps tie together: all are turned, or none. `shape` is that of the matrices in them."""

    buffers: list[Buffer]
    shape: tuple[int, int] | None = None
    fixed: bool = False


def turn_narrow(steps: list[Step]) -> None:
    """Turn the matrices for which it pays, in place."""
    groups: dict[int, Group] = {}
    for step in steps:
        note(step, groups)
    turned = {
        id(buffer): group.shape
        for group in groups.values()
        if not group.fixed and group.shape is not None and pays(*group.shape)
        for buffer in group.buffers
    }
    for step in steps if turned else []:
        turn(step, turned)


def pays(m: int, n: int) -> bool:
    return n <= NARROW and m >= 2 * n


def group_of(buffer: Buffer, groups: dict[int, Group]) -> Group:
    """The group that a buffer is in; it stays as it is if anybody else knows the buffer."""
    group = groups.get(id(buffer))
    if group is None:
        group = groups[id(buffer)] = Group(
            [buffer], fixed=buffer.slot > 0 or buffer.lasting or buffer.value is not None
        )
    return group


def tie(one: Buffer, other: Buffer, groups: dict[int, Group]) -> None:
    """Let two buffers be turned together or not at all."""
    a, b = group_of(one, groups), group_of(other, groups)
    if a is b:
        return
    if a.shape is not None and b.shape is not None and a.shape != b.shape:
        a.fixed = True
    a.shape = a.shape or b.shape
    a.fixed = a.fixed or b.fixed
    a.buffers += b.buffers
    for buffer in b.buffers:
        groups[id(buffer)] = a


def expect(view: View | None, shape: tuple[int, int], item: int, groups: dict[int, Group]) -> None:
    """Note that a step takes a buffer for a matrix of this shape, or for one turned; else it stays as it is."""
    if view is None:
        return
    group = group_of(view.buffer, groups)
    m, n = shape
    if view.offset or m * n * item != view.buffer.size or len(view.strides) != 2:
        group.fixed = True
    elif matches(view.strides, shape, (n * item, item)):
        settle(group, (m, n))
    elif matches(view.strides, shape, (item, m * item)):
        settle(group, (n, m))
    else:
        group.fixed = True


def matches(strides: tuple[int, ...], shape: tuple[int, int], expected: tuple[int, int]) -> bool:
    return all(s == e or n == 1 for s, e, n in zip(strides, expected, shape, strict=True))


def settle(group: Group, shape: tuple[int, int]) -> None:
    """Note the shape of the matrices in a group; a row or a column lies the same both ways."""
    if group.shape is None or (1 in shape and group.shape == shape[::-1]):
        group.shape = group.shape or shape
    elif group.shape != shape:
        group.fixed = True


def note(step: Step, groups: dict[int, Group]) -> None:
    """What a step demands of the buffers that it meets."""
    item = ITEM[step.kind]
    if step.code == "product":
        m, n, k = step.shape
        for view, shape in ((step.views[A], (m, k)), (step.views[B], (k, n)), (step.views[OUT], (m, n))):
            expect(view, shape, item, groups)
    elif step.code in ("cross_entropy", "cross_entropy_vjp"):
        rows, columns = step.shape
        pair = (A, C) if step.code == "cross_entropy" else (B, OUT)
        one, other = (step.views[i] for i in pair)
        assert one is not None and other is not None
        for view in (one, other):
            expect(view, (rows, columns), item, groups)
        tie(one.buffer, other.buffer, groups)
    elif step.code == "reduce" and len(step.shape) == 2:
        expect(step.views[A], (step.shape[0], step.shape[1]), item, groups)
    elif flat(step):
        whole = [v for v in step.views if v is not None and v.strides[0]]
        for view in whole:
            single_column = group_of(step.result().buffer, groups).shape
            if view.offset or view.buffer.size != step.shape[0] * item:
                # A part of a buffer cannot be turned, nor then what is computed from it number by number.
                group_of(view.buffer, groups).fixed = True
                group_of(step.result().buffer, groups).fixed = True
            elif not (group_of(view.buffer, groups).fixed and single_column is not None and 1 in single_column):
                tie(view.buffer, step.result().buffer, groups)
    else:
        for view in step.views:
            if view is not None:
                group_of(view.buffer, groups).fixed = True


def turn(step: Step, turned: dict[int, tuple[int, int]]) -> None:
    """Give a step the strides of what has been turned."""
    item = ITEM[step.kind]
    if step.code == "product":
        m, n, k = step.shape
        step.views[A] = restride(step.views[A], (m, k), item, turned)
        step.views[B] = restride(step.views[B], (k, n), item, turned)
        if id(step.result().buffer) in turned and turned[id(step.result().buffer)] == (m, n):
            a, b = step.views[A], step.views[B]
            assert a is not None and b is not None
            step.views[A], step.views[B] = (
                View(b.buffer, b.offset, b.strides[::-1]),
                View(a.buffer, a.offset, a.strides[::-1]),
            )
            step.shape = (n, m, k)
            step.flag = 1 - step.flag
            step.views[OUT] = View(step.result().buffer, 0, (m * item, item))
    elif step.code in ("cross_entropy", "cross_entropy_vjp"):
        view = step.views[A if step.code == "cross_entropy" else OUT]
        if view is not None and id(view.buffer) in turned:
            step.flag = 1
    elif step.code == "reduce" and len(step.shape) == 2:
        step.views[A] = restride(step.views[A], (step.shape[0], step.shape[1]), item, turned)


def restride(view: View | None, shape: tuple[int, int], item: int, turned: dict[int, tuple[int, int]]) -> View | None:
    """A view of a matrix of this shape, or of one turned, after it has been turned in memory."""
    if view is None or id(view.buffer) not in turned:
        return view
    m, n = shape
    plain = turned[id(view.buffer)] == shape
    return View(view.buffer, view.offset, (item, m * item) if plain else (n * item, item))
