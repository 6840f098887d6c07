cdef extern from "tgi.h":
    enum: TGI_FUNCTIONS
    enum: TGI_RELATIONS
    enum: TGI_UNARY_FUNCTIONS
    enum: TGI_MAX_DIMS
    const char *const tgi_function_names[]
    const int tgi_function_reads[]
    ctypedef struct tgi_matrix:
        const void *data
        Py_ssize_t row_stride
        Py_ssize_t column_stride
    ctypedef struct tgi_epilogue:
        const void *bias
        int one_bias
        int function
        double p
        const void *kept
    ctypedef struct tgi_kernels:
        const char *isa
        void (*unary[2])(int, size_t, const void *, double, void *) noexcept nogil
        void (*unary_vjp[2])(int, size_t, const void *, const void *, double, void *) noexcept nogil
        void (*binary[2])(int, int, const Py_ssize_t *, const void *, const Py_ssize_t *, const void *,
                          const Py_ssize_t *, void *) noexcept nogil
        void (*cross_entropy[2])(size_t, size_t, const void *, const Py_ssize_t *, void *, void *) noexcept nogil
        void (*cross_entropy_vjp[2])(size_t, size_t, const void *, const void *, const Py_ssize_t *,
                                     void *) noexcept nogil
        double (*peak[2])(size_t) noexcept nogil
    double tgi_scalar(int, double, double, double) noexcept nogil
    double tgi_scalar_vjp(int, int, double, double, double, double, double) noexcept nogil
    const tgi_kernels *tgi_kernels_for(const char *) noexcept nogil
    const char *const *tgi_isas() noexcept nogil

cdef extern from "program.h":
    enum: TGI_AXES
    enum: TGI_PLACES
    enum: TGI_STAGES
    enum: TGI_OPERANDS
    enum: TGI_REGISTERS
    enum: TGI_CODE_COUNT
    const char *const tgi_code_names[]
    ctypedef struct tgi_place:
        long long slot
        long long offset
    ctypedef struct tgi_scalar_instruction:
        short function
        signed char kind
        signed char input
        int g, x, y, value, out
        double p
    ctypedef struct tgi_stage:
        short code
        short function
        short from_ "from"[3]
        short to
        double p
    ctypedef struct tgi_chain:
        int stages, operands
        tgi_stage stage[32]
        tgi_place operand[12]
        int each[12]
    ctypedef struct tgi_instruction:
        int code, kind, function, ndim, reduced, with_bias, with_kept, count
        double p
        tgi_place at[5]
        Py_ssize_t shape[8]
        Py_ssize_t strides[5][8]
        const tgi_scalar_instruction *scalars
        const tgi_chain *chain
    long long tgi_run(const tgi_kernels *, const tgi_instruction *, long long, char **, char *, double *) noexcept nogil
    void tgi_product(const tgi_kernels *, int, size_t, size_t, size_t, tgi_matrix, tgi_matrix, const tgi_epilogue *,
                     void *, void *) noexcept nogil
    size_t tgi_product_work(const tgi_kernels *, int, size_t, size_t, size_t) noexcept nogil

cdef double scalar(int function, double x, double y, double p) noexcept nogil
cdef double scalar_vjp(int function, int input, double g, double x, double y, double out, double p) noexcept nogil
cpdef unary(int function, object array, double p=*)
cpdef unary_vjp(int function, object cotangent, object kept, double p=*)
cpdef binary(int function, object left, object right, str name=*)
