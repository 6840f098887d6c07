"""From what was written down to what has to be done: useless steps go, steps that belong together become one."""

from __future__ import annotations

import math
from collections import defaultdict

from .buffers import ITEM, Buffer, contiguous
from .instructions import OUT, A, B, C, Chain, D, E, Stage, Step, View, flat
from .layout import turn_narrow
from .slices import join_slices
from .tapes import lay_out_tapes

CHAIN_FROM = 2048  # numbers from which on elementwise steps run piece by piece: fewer stay in the cache anyway


def optimize(steps: list[Step], limits: dict[str, int], exact: bool = False) -> list[Step]:
    """All of it, in the order that lets each make work for the next; `exact` leaves out what changes orders of sums."""
    steps = without_dead(steps)
    lay_out_tapes(steps)  # from here on they say what they read and write
    if not exact:
        steps = join_slices(steps)
        turn_narrow(steps)
    steps = fuse_products(steps, exact)
    steps = chains(without_spreading(steps), limits) if limits else steps
    share_memory(steps)
    return steps


def without_dead(steps: list[Step]) -> list[Step]:
    """Leave out what is written and never read, as seen from the end."""
    kept: list[Step] = []
    for step in reversed(steps):
        if step.code == "scalars":
            if step.parts.prune():
                kept.append(step)
            continue
        targets = [view.buffer for view in step.written()]
        if step.code == "check" or any(b.lasting or b.slot > 0 or b.wanted for b in targets):
            kept.append(step)
            for view in step.reads():
                view.buffer.wanted = True
    return kept[::-1]


class Uses:
    """Which steps read and write each buffer, by their numbers."""

    def __init__(self, steps: list[Step]) -> None:
        self.reads: dict[int, list[int]] = defaultdict(list)
        self.writes: dict[int, list[int]] = defaultdict(list)
        for i, step in enumerate(steps):
            for view in step.reads():
                self.reads[id(view.buffer)].append(i)
            for view in step.written():
                self.writes[id(view.buffer)].append(i)

    def passing(self, buffer: Buffer) -> bool:
        """Whether it is written once, read once, and nobody wants it after the run."""
        return len(self.reads[id(buffer)]) == 1 and self.written_once(buffer)

    def written_once(self, buffer: Buffer) -> bool:
        """Whether it is written once, and nobody wants it after the run."""
        return len(self.writes[id(buffer)]) == 1 and not buffer.lasting and buffer.slot == 0

    def steady(self, view: View, start: int, end: int) -> bool:
        """Whether an operand's numbers are there before step `start` and do not change until step `end`."""
        writes = self.writes[id(view.buffer)]
        return not any(start <= i < end for i in writes) and (not writes or min(writes) < start or max(writes) >= end)


def fuse_products(steps: list[Step], exact: bool = False) -> list[Step]:
    """Bias, activation and its derivative go into the product's epilogue, the bias's cotangent falls out of its
    packing."""
    uses = Uses(steps)
    gone: set[int] = set()
    for i, step in enumerate(steps):
        if step.code != "product" or i in gone:
            continue
        while True:
            z = step.result().buffer
            if not uses.passing(z) or step.result().offset != 0:
                break
            j = uses.reads[id(z)][0]
            if j in gone or not absorb(step, steps[j], uses, i, j):
                break
            gone.add(j)
    for i, step in enumerate(steps):
        if step.code == "product" and i not in gone and not exact:
            take_row_sums(step, i, steps, uses, gone)
    return [step for i, step in enumerate(steps) if i not in gone]


def absorb(product: Step, step: Step, uses: Uses, i: int, j: int) -> bool:
    """Let the product do what an elementwise step does to its result, if it can."""
    m, n, _ = product.shape
    z = product.result()
    a, b = step.views[A], step.views[B]
    whole = step.shape == (m * n,) and step.views[OUT] is not None and step.result().offset % 64 == 0
    if whole and step.code == "unary" and product.function is None:
        product.function, product.p = step.function, step.p
    elif whole and step.code == "unary_vjp" and product.function is None and b is not None:
        if a is None or a.buffer is not z.buffer or b.buffer is z.buffer or not uses.steady(b, i, j):
            return False
        product.function, product.p = step.function, step.p
        product.views[D] = b
    elif step.code == "binary" and step.function == "add" and product.views[C] is None and product.function is None:
        item = ITEM[product.kind]
        rows = contiguous((m, n), item)
        other = b if a is not None and a.buffer is z.buffer else a
        full = a if other is b else b
        if other is None or full is None or step.shape != (m, n) or full.strides != rows or other.buffer is z.buffer:
            return False
        if other.strides != (0, item) or not uses.steady(other, i, j):
            return False
        product.views[C] = View(other.buffer, other.offset, (item,))
    else:
        return False
    product.views[OUT] = step.views[OUT]
    uses.writes[id(step.result().buffer)] = [i if w == j else w for w in uses.writes[id(step.result().buffer)]]
    for view in step.reads():
        uses.reads[id(view.buffer)] = [i if r == j else r for r in uses.reads[id(view.buffer)]]
    return True


def take_row_sums(product: Step, i: int, steps: list[Step], uses: Uses, gone: set[int]) -> None:
    """The sum over the rows of A = δᵀ is the bias's cotangent: it is formed while A is read anyway."""
    a = product.views[A]
    if a is None or len(uses.writes[id(a.buffer)]) > 1:
        return
    for j in uses.reads[id(a.buffer)]:
        step = steps[j]
        if j in gone or step.code != "reduce" or step.function != "sum" or j <= i or step.kind != product.kind:
            continue
        if step.views[A] == a and step.shape == (product.shape[0], product.shape[2]) and step.reduced == 1:
            product.views[E] = step.views[OUT]
            product.writes = (E, OUT)
            gone.add(j)
            return


def without_spreading(steps: list[Step]) -> list[Step]:
    """Leave out copies of a single number to many places where only elementwise steps read them that can read the
    number itself."""
    uses = Uses(steps)
    kept: list[Step] = []
    for i, step in enumerate(steps):
        source, out = step.views[A], step.views[OUT]
        if (
            step.code == "copy"
            and step.flag == step.kind
            and len(step.shape) == 1
            and step.shape[0] >= CHAIN_FROM
            and source is not None
            and source.strides[0] == 0
            and out is not None
            and uses.written_once(out.buffer)
            and all(reads_number(steps[j], step, out) and uses.steady(source, i, j) for j in uses.reads[id(out.buffer)])
        ):
            for j in uses.reads[id(out.buffer)]:
                read_number(steps[j], out, source)
        else:
            kept.append(step)
    return kept


def reads_number(step: Step, copy: Step, out: View) -> bool:
    """Whether a step that reads what a copy spreads could read a single number in its place."""
    able = step.code in ("binary", "select") or (step.code == "binary_vjp" and step.function == "mul")
    alike = step.shape == copy.shape and step.kind == copy.kind
    return able and alike and all(view == out for view in step.reads() if view.buffer is out.buffer)


def read_number(step: Step, out: View, source: View) -> None:
    """Let a step read a single number instead of what it was spread to."""
    if step.code == "binary_vjp":  # of a product: the cotangent times the other factor, but 0 where it is 0
        step.views[B] = step.views[C if step.flag == 0 else B]
        step.views[C] = None
        step.code, step.function, step.flag = "binary", "gated", 0
    step.views = [source if view == out else view for view in step.views]


def chains(steps: list[Step], limits: dict[str, int]) -> list[Step]:
    """Elementwise steps in a row over the same many numbers become one step, which keeps what lies between in the
    cache."""
    uses = Uses(steps)
    found: list[Step] = []
    group: list[int] = []

    def close() -> None:
        made = chain(steps, group, uses, limits) if len(group) > 1 else None
        found.extend([made] if made is not None else [steps[i] for i in group])
        group.clear()

    for i, step in enumerate(steps):
        first = steps[group[0]] if group else None
        fits = flat(step) and step.shape[0] >= CHAIN_FROM
        if first is not None and not (
            fits and step.shape == first.shape and step.kind == first.kind and len(group) < limits["stages"]
        ):
            close()
        if fits:
            group.append(i)
        else:
            found.append(step)
    close()
    return found


def chain(steps: list[Step], group: list[int], uses: Uses, limits: dict[str, int]) -> Step | None:
    """One step for several, or None if they need more operands or registers than a chain has."""
    inside = set(group)
    kind, shape = steps[group[0]].kind, steps[group[0]].shape
    places: dict[tuple[int, int], int] = {}  # memory operands: buffer and offset -> number
    operands: list[tuple[View, int]] = []
    registers: dict[int, int] = {}
    free = list(range(limits["registers"]))[::-1]
    stages: list[Stage] = []
    written = {id(steps[i].result().buffer): steps[i].result() for i in group}
    views: list[View | None] = []
    writes: list[int] = []
    for i in group:
        step = steps[i]
        numbers = [0, 0, 0, 0]
        for o, view in enumerate(step.views[:OUT]):
            if view is None:
                continue
            key = id(view.buffer)
            if key in written and (view.offset != written[key].offset or view.strides[0] == 0):
                return None
            if key in registers:
                numbers[o] = registers[key]
                continue
            number = places.setdefault((key, view.offset), len(operands))
            if number == len(operands):
                operands.append((view, 1 if view.strides[0] else 0))
                views.append(view)
            elif operands[number][1] != (1 if view.strides[0] else 0):
                return None
            numbers[o] = -1 - number
        for view in step.reads():  # registers whose last reader this is are free again, for the result of this one too
            key = id(view.buffer)
            if key in registers and max(uses.reads[key]) == i:
                free.append(registers.pop(key))
        result = step.result()
        key = id(result.buffer)
        if (
            len(uses.writes[key]) == 1
            and not result.buffer.lasting
            and result.buffer.slot == 0
            and all(r in inside for r in uses.reads[key])
        ):
            if not free:
                return None
            to = registers[key] = free.pop()
        else:
            number = places.setdefault((key, result.offset), len(operands))
            if number == len(operands):
                operands.append((result, 1))
                views.append(result)
            writes.append(number)
            to = -1 - number
        stages.append(Stage(step.code, step.function, step.flag, step.p[0] if step.p else 0.0, numbers, to))
    if len(operands) > limits["operands"]:
        return None
    views += [None] * (OUT + 1 - len(views))
    step = Step("chain", kind, shape, views, writes=tuple(sorted(set(writes))), place=steps[group[0]].place)
    step.parts = (stages, operands)
    return step


def settle_chain(step: Step) -> None:
    """A chain's operands as slots and offsets; its views may have come to lie elsewhere since it was made."""
    stages, operands = step.parts
    places = [
        ((v.buffer.slot, v.buffer.offset + v.offset), each)
        for v, (_, each) in zip(step.views, operands, strict=False)
        if v is not None
    ]
    step.parts = Chain(stages, places)


def share_memory(steps: list[Step]) -> None:
    """An elementwise result takes the memory of an operand that is not needed any more."""
    uses = Uses(steps)
    renamed: dict[int, Buffer] = {}
    for i, step in enumerate(steps):
        for o, view in enumerate(step.views):
            if view is not None and id(view.buffer) in renamed:
                step.views[o] = View(renamed[id(view.buffer)], view.offset, view.strides)
        if not flat(step):
            continue
        out = step.result()
        if out.buffer.lasting or out.buffer.slot or out.offset or len(uses.writes[id(out.buffer)]) != 1:
            continue
        if out.buffer.lone:  # tapes know it by itself
            continue
        for view in step.views[:OUT]:
            if view is None or view.offset or view.strides[0] == 0:
                continue
            x = view.buffer
            # `x` may itself be shared already: then its last reader is that of the buffer that took its memory.
            if (
                x.value is not None
                or x.lasting
                or x.lone
                or x.slot
                or x.size != out.buffer.size
                or x.kind != out.buffer.kind
            ):
                continue
            if max(uses.reads[id(x)], default=-1) > i or step.views.count(view) != sum(
                v is not None and v.buffer is x for v in step.views[:OUT]
            ):
                continue
            if math.prod(step.shape) * ITEM[step.kind] != x.size:
                continue
            renamed[id(out.buffer)] = x
            uses.reads[id(x)] = uses.reads[id(x)] + uses.reads[id(out.buffer)]
            step.views[OUT] = View(x, 0, out.strides)
            break
