cimport cython


@cython.final
cdef class Tape:
    cdef public list entries, places
    cdef public dict own
    cdef public object scratch
