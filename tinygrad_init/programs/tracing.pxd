cimport cython
from .buffers cimport Buffer, InBuffer
from .tapes cimport number_of, only_numbers
from ..engine.graph cimport Node, Operation
from ..engine.modes cimport Mode
from ..engine.storage cimport Storage, tell_twins
from ..engine.tensor cimport Tensor, blank, same_shape
from ..kernels.compiled cimport Machine

cdef Mode mode


@cython.final
cdef class Binding:
    cdef readonly Tensor tensor
    cdef readonly object array, traced
    cdef readonly bint of_gradient, single
    cdef public bint written
    cdef public int slot, kind
    cdef public long long offset
    cdef object bound
    cdef readonly object lies
    cdef readonly tuple shape
    cdef readonly bint required, numbers

    cpdef Tensor source(self)
    cpdef bint fits(self)
    cpdef attach(self, Machine machine)
    cpdef store(self, Machine machine)
    cpdef let_go(self, Machine machine)


cdef class Trace:
    cdef readonly object recorder
    cdef object elementwise
    cdef readonly list bindings, made_tensors, attributes
    cdef readonly dict known, gradients, visited
    cdef public object refused
    cdef readonly bint careful


cdef pull_number_back(recorder, Operation op, Node node, int i, InBuffer g)
