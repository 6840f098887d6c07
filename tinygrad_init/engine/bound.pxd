cimport cython
from .graph cimport Operation


@cython.final
cdef class Bound:
    cdef public Operation add, sub, mul, div, pow, neg, abs
    cdef public object remainder, floor_divide, array_namespace, matmul, getitem, transpose, sum_to, differentiate, coerce, is_operand, numpy_ufunc, numpy_function, replay
