"""Faults in the C code: what somebody may well write there by mistake.

Each is a file of `csrc/`, a text that stands there once, what stands there instead, and what that is.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from .fault import Fault, changed

C_FAULTS: list[tuple[str, str, str, str]] = [
    ("loss.inc.h", "losses += TOGETHER, labels += TOGETHER", "losses += TOGETHER", "labels of the first rows again"),
    ("loss.inc.h", "losses += TOGETHER, labels += TOGETHER", "labels += TOGETHER", "losses over those of before"),
    (
        "loss.inc.h",
        "rows - i0 < TOGETHER ? rows - i0 : TOGETHER;\n        const REAL *from",
        "rows < TOGETHER ? rows : TOGETHER;\n        const REAL *from",
        "beyond the last row, by columns",
    ),
    ("loss.inc.h", "top - top == 0 ? top : 0", "top", "infinite logits minus themselves"),
    ("loss.inc.h", "+ i] = T(log)(total[i], 0)", "+ i] = T(log)(total[0], 0)", "the first sum for all, by columns"),
    ("loss.inc.h", "losses[i0 + i] = total[i] -", "losses[i] = total[i] -", "losses over others, of short rows"),
    ("loss.inc.h", "REAL *to = p + i0;", "REAL *to = p;", "probabilities over those of before, by columns"),
    (
        "program.c",
        "if (n[d] == 0)\n            return;",
        "if (n[d] == -1)\n            return;",
        "empty axes are copied",
    ),
    ("program.c", "-= (n[d] - 1) * sf[d]", "-= n[d] * sf[d]", "copies go back one too far"),
    ("program.c", "+ begin * each", "+ begin * item", "single numbers of chains move on"),
    (
        "program.c",
        "outside |= !(x[i] >= low) | !(x[i] <= high)",
        "outside |= x[i] < low | x[i] > high",
        "NaN lies within limits",
    ),
    ("program.c", "[index[i] * width + j] += ", "[index[i] * width + j] = ", "indices twice count once"),
    ("program.c", "*out = x < 0 ? 0 : x;", "*out = x <= 1 ? 0 : x;", "relu of single numbers"),
    (
        "program.c",
        "*out = g == 0 ? 0 : g * (s->input == 0 ? y : x);",
        "*out = g * (s->input == 0 ? y : x);",
        "0 times infinity in gradients of single numbers",
    ),
    ("program.c", ".nesterov = in->flag", ".nesterov = 0", "Nesterov's momentum is none in programs"),
    ("program.c", ".bias_of_rows = in->flag", ".bias_of_rows = 0", "the bias of a product that was turned"),
]


def faults(rng: random.Random, root: Path) -> Iterator[Fault]:
    """All of them, in random order."""
    for file, old, new, what in rng.sample(C_FAULTS, len(C_FAULTS)):
        path = f"csrc/{file}"
        text = (root / path).read_text(encoding="utf-8")
        if old not in text:
            raise ValueError(f"c_faults: {path} says {old!r} no more")
        faulty = text.replace(old, new, 1)
        line, before, after = changed(text, faulty)
        yield Fault(path, line, what, before, after, faulty)
