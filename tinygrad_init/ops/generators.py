"""A generator of random numbers as PyTorch's scripts write it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .devices import require_here


class Generator(np.random.Generator):
    """A generator of NumPy that can begin anew: `Generator().manual_seed(0)`.

    Whatever takes a generator or a seed takes it.

    Parameters
    ----------
    device
        None or "cpu".
    """

    def __init__(self, device: Any = None) -> None:
        require_here("Generator", device)
        super().__init__(np.random.PCG64())
        self.begun_with: int | None = None

    def manual_seed(self, seed: int) -> Generator:
        """Begin anew; what is drawn then is what `np.random.default_rng(seed)` draws."""
        self.bit_generator.state = np.random.PCG64(seed).state
        self.begun_with = seed
        return self

    def initial_seed(self) -> int | None:
        """What it last began with; None if that was not said."""
        return self.begun_with

    def seed(self) -> int:
        """Begin anew with a seed that is random, and say which."""
        found = int(np.random.SeedSequence().generate_state(1)[0])
        self.manual_seed(found)
        return found
