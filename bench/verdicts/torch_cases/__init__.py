"""Is what is said of trainings in PyTorch true? Small trainings, healthy ones and broken ones, each broken one beside
the same with its fault mended; what `tgi.torch.diagnose` and `tgi.torch.watch` say of them, and what other tools say.

    python -m bench.verdicts torch                       the half for finding thresholds, our own tool
    python -m bench.verdicts torch --half reporting      other data, architectures and seeds: what counts
    python -m bench.verdicts torch --tool torchtest2     another tool, if it is installed; may be repeated; or "all"
    python -m bench.verdicts torch --check               no tool at all: whether cases train, or do not, as they should

A case (`case.py`) has a rubric, written before any tool was run: what the cause may be called, and which modules
it is in. `settings.py` has the data and usual networks of the halves, `healthy.py` and the files `broken_*.py` the
cases, `tools.py` and `peers.py` how each tool is used as its own documentation says, `scores.py` what comes out.
"""
