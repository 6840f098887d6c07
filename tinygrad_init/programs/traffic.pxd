cimport cython
from ..engine.modes cimport Mode

cdef Mode mode


@cython.final
cdef class Traffic:
    cdef public Py_ssize_t running, era
    cdef public unsigned long capturing
    cdef readonly object alone, listing, changed

    cdef enter(self)
    cdef leave(self)
