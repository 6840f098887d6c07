cdef double scalar(int function, double x, double y, double p) noexcept nogil
cdef double scalar_vjp(int function, int input, double g, double x, double y, double out, double p) noexcept nogil
cpdef unary(int function, object array, double p=*)
cpdef unary_vjp(int function, object cotangent, object kept, double p=*)
cpdef binary(int function, object left, object right, str name=*)
