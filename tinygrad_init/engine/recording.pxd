from .graph cimport Memory, Node, Operation, new_node
from .modes cimport Mode
from .places cimport place_in_user_code
from .storage cimport Storage, memory_of

cdef Mode mode


cpdef record(Operation op, tuple inputs, tuple params, Storage out, list arrays)
cpdef record_elementwise(Operation op, Storage x, Storage y, tuple params, Storage out)
cdef look(Node node, tuple inputs, Storage out)
cdef snapshot(Storage tensor)
cdef keep(Operation op, Node node, int i, Storage x, array)
