from .graph cimport Node, Operation, count_edges
from ..kernels.compiled cimport scalar_vjp


cdef inline double round_to_single(double value) noexcept:
    return <float>value


cpdef walk_numbers(list roots, list seeds, bint keep)
cdef Node give(Node parent, double part, Node top)
