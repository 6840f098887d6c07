cimport cython
from .buffers cimport Buffer, InBuffer, number_buffer
from ..engine.places cimport place_in_user_code


@cython.final
cdef class Entry:
    cdef str function
    cdef int kind, of
    cdef double p
    cdef Buffer g, x, y, value, out
    cdef readonly object place


@cython.final
cdef class Tape:
    cdef readonly list entries, functions
    cdef readonly object places, parameters
    cdef readonly Buffer scratch
    cdef Py_ssize_t count
    cdef int number

    cpdef Py_ssize_t differs(self, Tape other, Names names)
    cpdef bint prune(self)
    cdef claim(self, int number)
    cdef lay_out(self)
    cdef long long where(self, Buffer buffer)


@cython.final
cdef class Names:
    cdef int count

    cpdef name(self, Buffer one, Buffer other, bint alike)
    cpdef bint same(self, Buffer one, Buffer other)


cdef bint same_number(double p, double other)
cdef claim(Buffer buffer, int number)
cpdef number_of(recorder, str name, int kind, int of, double p, Buffer g, Buffer x, Buffer y, Buffer value)
cpdef note_copy(list steps, InBuffer x, InBuffer out, place)
cpdef bint only_numbers(list arrays)
cdef note(list steps, Entry entry)
cdef share(step)
