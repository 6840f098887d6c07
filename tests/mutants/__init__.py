"""Planted faults: `python -m tests.mutants --minutes 30 --seed 0` says which ones the tests do not see.

`python_faults` makes faults by the operators of Cosmic Ray, `c_faults` lists some for the C code, `fault` says what one
is, `equivalent` which ones nobody can see. `trials` plants them in a copy of the tree and runs the tests that are
relevant, and `__main__` does so until the time is over.
"""
