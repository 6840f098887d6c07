cimport cython
from .graph cimport Memory, Node, Operation, new_node
from .storage cimport Storage, memory_of
from .._kernels cimport scalar, unary as unary_kernel, binary as binary_kernel


cdef inline double round_to_single(double value) noexcept:
    return <float>value


cdef class Tensor(Storage):
    pass


cpdef Tensor blank(bint single)
cpdef Tensor wrap(array)
cpdef Tensor number(double value, bint single)
cdef Node leaf(Tensor tensor)
cpdef tuple coerce(str name, tuple args)
cdef Tensor constant(str name, value, bint single)
cdef binary(str name, x, y)
cpdef Tensor apply(Operation op, tuple inputs, tuple params)
@cython.locals(array_=object)
cdef record(Operation op, tuple inputs, tuple params, Tensor out)
