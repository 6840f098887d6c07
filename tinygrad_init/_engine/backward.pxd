cimport cython
from .graph cimport Memory, Node, Operation, schedule
from .storage cimport Storage
from .tensor cimport Tensor, apply, blank, number, wrap
from .._kernels cimport scalar_vjp, unary_vjp as unary_vjp_kernel


cdef list pull_back(Operation op, Node node, Tensor g, list asked)
cdef list pull_back_by_kernel(Operation op, Node node, Tensor g, list asked)
cdef Tensor unpack(Node node, Py_ssize_t i)
cdef fetch(Node node, int what, Tensor g, list asked)
cdef Tensor fit(Operation op, Py_ssize_t i, Tensor part, Node parent)
cdef Tensor accumulate(total, Tensor g, sums, Py_ssize_t slot)
