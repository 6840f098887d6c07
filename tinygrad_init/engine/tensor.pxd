cimport cython
cimport numpy as cnp
from .bound cimport Bound
from .graph cimport Node, Operation, new_node
from .modes cimport Mode
from .numbers cimport round_to_single
from .recording cimport record, record_elementwise
from .storage cimport Storage, is_view, memory_of, share_number
from ..kernels.compiled cimport (
    scalar, unary as unary_kernel, binary as binary_kernel, binary_with_number as binary_with_number_kernel
)

cdef Mode mode
cdef Bound bound


cdef inline bint same_shape(x, y):
    """Of two arrays, or of stand-ins for arrays."""
    cdef int d
    if not (isinstance(x, cnp.ndarray) and isinstance(y, cnp.ndarray)):
        return x.shape == y.shape
    if cnp.PyArray_NDIM(x) != cnp.PyArray_NDIM(y):
        return False
    for d in range(cnp.PyArray_NDIM(x)):
        if cnp.PyArray_DIM(x, d) != cnp.PyArray_DIM(y, d):
            return False
    return True


cdef class Tensor(Storage):
    pass


cpdef Tensor blank(bint single)
cpdef Tensor wrap(array)
cpdef Tensor number(double value, bint single)
cdef Node leaf(Tensor tensor)
cdef binary(Operation op, x, y)
cpdef Tensor apply(Operation op, tuple inputs, tuple params)
cdef Tensor apply_unary(Operation op, Tensor x, double p, tuple params)
cdef Tensor apply_binary(Operation op, Tensor x, Tensor y)
