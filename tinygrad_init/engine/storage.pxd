cimport cython
from .graph cimport Memory, Node
from .modes cimport Mode

cdef Mode mode


cdef class Storage:
    cdef object __weakref__
    cdef object _array
    cdef tuple _shape
    cdef object _grad
    cdef Memory _memory
    cdef Node _node
    cdef Node _leaf
    cdef bint _shared
    cdef bint _single
    cdef double _value
    cdef public object name

    cpdef _store(self, array)
    cpdef _as_array(self)
    cpdef tuple _dims(self)


cpdef Memory memory_of(Storage tensor)
cpdef bint is_view(array, other) except -1
cpdef share_number(Storage one, Storage other)
cpdef tell_twins(Storage tensor)
