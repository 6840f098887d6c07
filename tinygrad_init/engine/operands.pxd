from .modes cimport Mode
from .tensor cimport Tensor, number, wrap

cdef Mode mode


cpdef tuple coerce(str name, tuple args)
cdef Tensor constant(str name, value, bint single)
