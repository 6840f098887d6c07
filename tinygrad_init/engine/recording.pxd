from .graph cimport Memory, Node, Operation, new_node
from .storage cimport Storage, memory_of


cpdef record(Operation op, tuple inputs, tuple params, Storage out, list arrays)
cpdef record_elementwise(Operation op, Storage x, Storage y, tuple params, Storage out)
cdef keep(Operation op, Node node, int i, Storage x, array)
