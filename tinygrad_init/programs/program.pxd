from .exchange cimport Gradient, Input, Output
from .guards cimport same_contents, same_names
from ..engine.modes cimport Mode
from .tracing cimport Binding
from .traffic cimport Traffic
from ..kernels.compiled cimport Machine

cdef Mode mode
cdef Traffic traffic


cdef class Program:
    cdef readonly list inputs, bindings, outputs, gradients, steps, attributes, visited, names, containers
    cdef readonly Machine machine
    cdef readonly object structure, checks
    cdef Py_ssize_t epoch, era
    cdef readonly bint grad, unaliased, calls, refuted
    cdef readonly object dtype
    cdef object idle
    cdef bint running
    cdef Py_ssize_t waiting
    cdef readonly Py_ssize_t runs

    cpdef bint takes(self, tuple values)
    cdef acquire(self)
    cdef release(self)
    cdef long long call(self) except? -1
    cdef attach(self, tuple values)
    cpdef run(self, tuple values)


cdef class Runner:
    cdef public Program last
