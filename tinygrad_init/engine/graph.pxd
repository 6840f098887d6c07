cimport cython
from .modes cimport hear_signals


@cython.final
cdef class Operation:
    cdef readonly str name
    cdef public object __doc__
    cdef readonly object forward
    cdef readonly tuple rules, plans, masks, param_names, defaults
    cdef readonly int arity, code
    cdef readonly long x_mask, y_mask
    cdef readonly bint joint, broadcasts, view, elementwise, complete
    cdef readonly object spec, whole

    cpdef tuple bind_params(self, tuple extra, dict kwargs)


@cython.final
cdef class Memory:
    cdef Py_ssize_t version
    cdef object label
    cdef list twins


@cython.final
cdef class Node:
    cdef readonly Operation op
    cdef readonly tuple params, shape
    cdef readonly bint single, numbers, freed
    cdef readonly int degree
    cdef Node left, right, below
    cdef tuple others, shapes
    cdef readonly object x, y, out
    cdef tuple rest
    cdef Memory x_memory, y_memory
    cdef Py_ssize_t x_version, y_version, pending, slot
    cdef readonly object place, owner
    cdef public object hooks, seen
    cdef double x_value, y_value, out_value, cotangent

    cpdef free(self)
    cpdef Node parent(self, int i)
    cpdef kept(self, int i)


cdef extern from "Python.h":
    ctypedef struct PyObject:
        pass
    Py_ssize_t Py_REFCNT(PyObject *)


cdef inline bint goes_too(Node node, int i):
    """Whether nobody but the node holds the one on its left (0) or right."""
    return Py_REFCNT(<PyObject *>node.left if i == 0 else <PyObject *>node.right) == 1


cdef Py_ssize_t BOTTOM
cdef list _heap
cdef bint _clearing


cpdef Node new_node(Operation op, tuple params, tuple shape, bint single)
cpdef tuple schedule(list roots)
cpdef Node count_edges(list roots, list seen)
cdef lay_out(list roots, list order)
