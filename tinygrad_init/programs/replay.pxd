cimport cython
cimport numpy as cnp
from ..engine.backward cimport check_memories
from ..engine.graph cimport Memory, Node, Operation
from ..engine.modes cimport Mode
from ..engine.tensor cimport Tensor, blank
from ..kernels.compiled cimport Machine
from .exchange cimport Input, Output
from .program cimport Program

cdef Mode mode


cdef inline bint lies(value, dtype, tuple shape, strides):
    """Whether an array has this dtype and shape and lies in memory so, or without gaps (strides None)."""
    cdef int d
    if not isinstance(value, cnp.ndarray) or cnp.PyArray_NDIM(value) != len(shape):
        return False
    for d in range(cnp.PyArray_NDIM(value)):
        if cnp.PyArray_DIM(value, d) != <Py_ssize_t>shape[d]:
            return False
        if strides is not None and cnp.PyArray_STRIDE(value, d) != <Py_ssize_t>strides[d]:
            return False
    if not (<object>cnp.PyArray_DESCR(value) is dtype or value.dtype == dtype):
        return False
    return strides is not None or cnp.PyArray_ISCARRAY_RO(value)


@cython.final
cdef class Plan:
    cdef list nodes, dtypes, shapes, strides
    cdef object edges, roots
    cdef tuple given
    cdef public int sightings, trials
    cdef public double by_rules, by_program
    cdef public Program program
    cdef public bint dead, running

    cdef bint fits(self, list order, object edges, object roots, tuple given, list values)
    cdef list run(self, Program program, list values, list seeds)


cdef bint collect(list order, list values)
cdef int held(Node node)
