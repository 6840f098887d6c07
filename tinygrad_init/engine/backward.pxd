cimport cython
cimport numpy as cnp
from .bound cimport Bound
from .graph cimport Memory, Node, Operation, schedule
from .modes cimport Mode, hear_signals
from .storage cimport Storage
from .numbers cimport walk_numbers
from .tensor cimport Tensor, apply, blank, number, same_shape, wrap
from ..kernels.compiled cimport (
    scalar_vjp, unary_vjp as unary_vjp_kernel, binary_vjp as binary_vjp_kernel, add_into as add_into_kernel
)

cdef Mode mode


cdef inline bint same_array_shape(kept, array):
    """Whether what was saved is an array (and no bare number or stand-in) of that shape."""
    return isinstance(kept, cnp.ndarray) and same_shape(kept, array)


cdef Bound bound


cdef list start_values(list seeds)
cdef bint has_kernel(Operation op, Node node, Tensor g)
cdef Tensor by_kernel(Operation op, Node node, int i, Tensor g)
cpdef list pull_back(Operation op, Node node, Tensor g, list asked)
cdef Tensor unpack(Node node, int i)
cdef fetch(Node node, int what, Tensor g, list asked)
cpdef check_memories(Operation op, Node node)
cdef check_memory(Operation op, Node node, int i, Memory memory, Py_ssize_t version)
cdef Tensor fit(Operation op, Py_ssize_t i, Tensor part, Node parent)
cdef Tensor accumulate(total, Tensor g, bytearray sums, Py_ssize_t slot, bint fresh, bint recording)
cdef Tensor exclusive(Tensor g)
cdef deliver(Node node, Tensor g)
