"""How fast is it? One harness, one file a question, peers optional: `python -m bench` from the root of the repository.

A *question* (`chains`, `scalars`, `networks`, `images`, `transformers`, `kernels`, `imports`; if it is named,
`scaling`) is a list of *rows*; a row sets a problem that several *sides* solve: `tinygrad_init` and its `peers`, as far
as they are installed. All sides start from the same arrays, and no time is printed before their results were found to
agree; a *floor*, such as the matrix products of a training step alone, does less and is marked as such. Sides take
turns in one process, so that whatever else the machine does meets all of them, and each number of threads has a process
of its own (`worker`).

Beside times, `python -m bench.instructions` counts instructions, which do not depend on what else the machine does, and
`python -m bench.memory` measures the memory of a training step, `python -m bench.interrupts` how soon Ctrl-C is heard.
"""
