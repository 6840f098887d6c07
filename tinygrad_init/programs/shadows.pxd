from ..engine.graph cimport Memory, Node, Operation, new_node
