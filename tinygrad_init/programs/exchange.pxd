cimport cython
cimport numpy as cnp
from .guards cimport same_contents
from ..engine.storage cimport Storage
from ..engine.tensor cimport Tensor, blank, number
from ..kernels.compiled cimport Machine, empty

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(object)


cdef inline Py_ssize_t references(x):
    return Py_REFCNT(x)


cdef inline bint is_array(value, dtype, tuple shape):
    """Whether something is an array of this dtype and shape."""
    cdef int d
    if not isinstance(value, cnp.ndarray) or cnp.PyArray_NDIM(value) != len(shape):
        return False
    for d in range(cnp.PyArray_NDIM(value)):
        if cnp.PyArray_DIM(value, d) != <Py_ssize_t>shape[d]:
            return False
    return <object>cnp.PyArray_DESCR(value) is dtype or value.dtype == dtype


@cython.final
cdef class Input:
    cdef readonly bint dynamic, is_tensor, is_number, single
    cdef public object value
    cdef readonly object dtype, varies
    cdef readonly tuple shape
    cdef public object traced
    cdef public int slot, kind
    cdef public long long offset

    cpdef bint takes(self, value)
    cpdef attach(self, Machine machine, value)


@cython.final
cdef class Output:
    cdef readonly object same, dtype
    cdef readonly bint is_tensor, numbers, single
    cdef readonly tuple shape
    cdef readonly int slot, kind
    cdef readonly long long offset
    cdef object array

    cpdef prepare(self, Machine machine)
    cpdef take(self, Machine machine)


@cython.final
cdef class Gradient:
    cdef readonly Tensor tensor
    cdef readonly Tensor held
    cdef readonly bint there, before, read
    cdef readonly int slot, kind
    cdef readonly long long offset

    cpdef bint fits(self)
    cpdef prepare(self, Machine machine)
    cpdef store(self, Machine machine)
