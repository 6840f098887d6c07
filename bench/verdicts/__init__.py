"""Is a verdict true? Networks diagnosed at their start, then trained for real, and what was said held against it.

    python -m bench.verdicts                        the small grid for finding thresholds, 300 networks
    python -m bench.verdicts --grid reporting       other depths, widths and seeds: what counts
    python -m bench.verdicts --full                 6000 of a grid
    python -m bench.verdicts --shares FILE          and how often each word was right, for reports
    python -m bench.verdicts torch --help           the same question about small trainings in PyTorch

Each run is a task, a dict of plain values, and its result another one; processes and journals are those of sweeps, so
that a folder that is there already, also after a kill, is gone on with. `tasks` has the grids, `trial` what is done
with a task, `scores` what comes out. PyTorch's are a file of lines of JSON.
"""
