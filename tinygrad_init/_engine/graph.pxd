cimport cython
from cpython.array cimport array


@cython.final
cdef class Operation:
    cdef readonly str name
    cdef public object __doc__
    cdef readonly object forward
    cdef readonly tuple rules, plans, masks, param_names, defaults
    cdef readonly int arity, code
    cdef readonly bint joint, broadcasts, view
    cdef readonly object spec

    cpdef tuple bind_params(self, tuple extra, dict kwargs)


@cython.final
cdef class Memory:
    cdef Py_ssize_t version
    cdef object label


@cython.final
@cython.freelist(1024)
@cython.trashcan(True)
cdef class Node:
    cdef object __weakref__
    cdef readonly Operation op
    cdef readonly tuple params
    cdef readonly tuple parents
    cdef readonly tuple saved
    cdef readonly object out
    cdef readonly tuple shape
    cdef readonly bint single
    cdef tuple shapes, memories
    cdef object place, owner
    cdef Py_ssize_t pending, slot

    cpdef free(self)


cpdef Node new_node(op, params, parents, shape, bint single)
cpdef tuple schedule(list roots)
cpdef place_in_user_code()
