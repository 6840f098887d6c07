cimport cython


@cython.final
cdef class Mode:
    cdef readonly Py_ssize_t unusual, structure, dtypes
    cdef object threads, lock

    cpdef set(self, str name, value)
