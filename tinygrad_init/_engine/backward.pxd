cimport cython
from .graph cimport Memory, Node, Operation, schedule
from .storage cimport Storage
from .tensor cimport Tensor, unpack, wrap, number, apply
from .._kernels cimport scalar_vjp
