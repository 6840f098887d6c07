cimport cython
from .graph cimport Memory, Node


@cython.freelist(1024)
@cython.trashcan(True)
cdef class Storage:
    cdef object __weakref__
    cdef object _array
    cdef object _grad
    cdef Memory _memory
    cdef Node _node
    cdef Node _leaf
    cdef bint _shared
    cdef bint _single
    cdef double _value
    cdef public object name

    cpdef _store(self, array)
    cpdef _data(self)


cpdef Memory memory_of(Storage tensor)
