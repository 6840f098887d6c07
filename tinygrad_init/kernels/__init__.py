"""The same small set of kernels twice: C behind Cython (`compiled`, over `csrc/`) and NumPy (`reference`), each with a
machine that runs captured programs. `backend` says which of them runs.
"""
