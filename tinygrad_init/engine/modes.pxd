cimport cython
from cpython.exc cimport PyErr_CheckSignals


cdef inline int hear_signals(Py_ssize_t count) except -1:
    """Let Ctrl-C through, once in a while: compiled, nobody else would before the end."""
    if count & 255 == 0:
        PyErr_CheckSignals()
    return 0


@cython.final
cdef class Mode:
    cdef readonly Py_ssize_t unusual, structure, dtypes
    cdef object threads, lock

    cpdef set(self, str name, value)
