cimport cython


@cython.final
cdef class Buffer:
    cdef public object value
    cdef public long long size, offset
    cdef public int kind, slot
    cdef public bint lasting, outside, argument, lone, wanted, placed
    cdef public int met, tape, last


cdef class InBuffer:
    cdef public object recorder, narrow
    cdef public Buffer buffer
    cdef public tuple shape, strides
    cdef public long long offset
    cdef public int kind
    cdef public bint alone, boolean, number


cpdef Buffer number_buffer(int kind)
