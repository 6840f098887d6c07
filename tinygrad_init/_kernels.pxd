cdef double scalar(int function, double x, double y, double p) noexcept nogil
cdef double scalar_vjp(int function, int input, double g, double x, double y, double out, double p) noexcept nogil
