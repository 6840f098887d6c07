from .graph cimport Node
from .tensor cimport Tensor
