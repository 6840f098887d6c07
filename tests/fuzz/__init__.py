"""Random programs against PyTorch: `python -m tests.fuzz --minutes 5 --seed 0`.

`programs` says what a program is and makes them, `lines` what their lines can be, `ours` and `oracle` run them here and
in PyTorch, each in a process of its own, `compare` tells a difference from rounding, `shrink` makes what was found
short, and `worker` does all that for a range of seeds.
"""
