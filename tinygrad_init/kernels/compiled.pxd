from libc.stdint cimport int64_t


cdef extern from "tgi.h":
    enum: TGI_FUNCTIONS
    enum: TGI_RELATIONS
    enum: TGI_UNARY_FUNCTIONS
    enum: TGI_MAX_DIMS
    enum: TGI_add
    const char *const tgi_function_names[]
    const int tgi_function_reads[]
    ctypedef struct tgi_matrix:
        const void *data
        Py_ssize_t row_stride
        Py_ssize_t column_stride
    ctypedef struct tgi_epilogue:
        const void *bias
        int bias_of_rows
        int function
        double p
        const void *kept
        void *row_sums
    ctypedef struct tgi_sgd:
        double momentum
        double weight_decay
        int nesterov
    ctypedef struct tgi_adam:
        double beta1
        double beta2
        double eps
        double weight_decay
        int decoupled
    ctypedef struct tgi_windows:
        Py_ssize_t samples, groups, inputs, outputs
        Py_ssize_t lengths[3]
        Py_ssize_t counts[3]
        Py_ssize_t size[3]
        Py_ssize_t stride[3]
        Py_ssize_t dilation[3]
        Py_ssize_t before[3]
    ctypedef struct tgi_channels:
        size_t outer, channels, inner
        double eps
        size_t first, last
    ctypedef struct tgi_rows:
        size_t rows, columns, queries
        double eps
        size_t first, last
    enum: TGI_STACKS
    ctypedef struct tgi_stack:
        int ndim
        Py_ssize_t counts[5]
        Py_ssize_t a[7]
        Py_ssize_t b[7]
        size_t m, n, k
    ctypedef struct tgi_recurrence:
        size_t steps, rows, units
    ctypedef struct tgi_kernels:
        const char *isa
        void (*unary[2])(int, size_t, const void *, double, void *) noexcept nogil
        void (*unary_vjp[2])(int, size_t, const void *, const void *, double, void *) noexcept nogil
        void (*binary[2])(int, int, const Py_ssize_t *, const void *, const Py_ssize_t *, const void *,
                          const Py_ssize_t *, void *) noexcept nogil
        void (*binary_vjp[2])(int, int, size_t, const void *, const void *, const void *, const void *,
                              void *) noexcept nogil
        void (*reduce[2])(int, int, int, const Py_ssize_t *, const void *, const Py_ssize_t *, void *) noexcept nogil
        void (*cross_entropy[2])(size_t, size_t, int, const void *, const int64_t *, void *, void *) noexcept nogil
        void (*cross_entropy_vjp[2])(size_t, size_t, int, const void *, const void *, const int64_t *,
                                     void *) noexcept nogil
        void (*sgd[2])(size_t, void *, const void *, void *, const tgi_sgd *, double) noexcept nogil
        void (*adam[2])(size_t, void *, const void *, void *, void *, double *, const tgi_adam *, double) noexcept nogil
        void (*pool[2])(int, const tgi_windows *, const void *, const void *, const void *, void *) noexcept nogil
        void (*normalize[2])(int, const tgi_channels *, const void *const *, void *) noexcept nogil
        void (*rows[2])(int, const tgi_rows *, const void *const *, void *) noexcept nogil
        double (*peak[2])(size_t) noexcept nogil
    double tgi_scalar(int, double, double, double) noexcept nogil
    double tgi_scalar_vjp(int, int, double, double, double, double, double) noexcept nogil
    const tgi_kernels *tgi_kernels_for(const char *) noexcept nogil
    const char *const *tgi_isas() noexcept nogil
    void tgi_keep_freed_memory() noexcept nogil

cdef extern from "threads.h":
    const int tgi_openmp
    int tgi_threads_now() noexcept nogil

cdef extern from "program.h":
    enum: TGI_AXES
    enum: TGI_PLACES
    enum: TGI_STAGES
    enum: TGI_OPERANDS
    enum: TGI_REGISTERS
    enum: TGI_CODE_COUNT
    const char *const tgi_code_names[]
    ctypedef struct tgi_place:
        int64_t slot
        int64_t offset
    ctypedef struct tgi_scalar_instruction:
        short function
        signed char input
        signed char kind
        int g, x, y, value, out
        double p
    ctypedef struct tgi_stage:
        short code, function, flag
        short from_ "from"[4]
        short to
        double p
    ctypedef struct tgi_chain:
        int stages, operands
        tgi_stage stage[1]
        tgi_place operand[1]
        int each[1]
    ctypedef struct tgi_instruction:
        int code, kind, function, flag, ndim, reduced
        double p[6]
        tgi_place at[1]
        Py_ssize_t shape[1]
        Py_ssize_t strides[1][8]
        const tgi_scalar_instruction *scalars
        const tgi_chain *chain
        const tgi_windows *windows
        Py_ssize_t rows
    enum: TGI_PART
    Py_ssize_t tgi_rows_of_a_part(const tgi_instruction *, Py_ssize_t) noexcept nogil
    int64_t tgi_run(const tgi_kernels *, const tgi_instruction *, int64_t, int64_t, char **, char *,
                    double *) noexcept nogil
    int (*tgi_ask)()
    size_t tgi_work_of(const tgi_kernels *, const tgi_instruction *) noexcept nogil
    ctypedef struct tgi_program:
        int64_t count, slots
        tgi_instruction *instructions
        int64_t *written
        int64_t *sizes
        size_t work
    enum: TGI_PROGRAM_VERSION
    tgi_program *tgi_read_program(const tgi_kernels *, const int64_t *, int64_t, const char **, int64_t *) noexcept nogil
    void tgi_free_program(tgi_program *) noexcept nogil
    int tgi_product(const tgi_kernels *, int, size_t, size_t, size_t, tgi_matrix, tgi_matrix, const tgi_epilogue *,
                     void *, void *) noexcept nogil
    int tgi_convolve(const tgi_kernels *, int, int, const tgi_windows *, const void *, const void *, const void *, void *,
                     void *) noexcept nogil
    size_t tgi_convolution_work(const tgi_kernels *, int, int, const tgi_windows *) noexcept nogil
    int tgi_stack_product(const tgi_kernels *, int, const tgi_stack *, const void *, const void *, void *,
                          void *) noexcept nogil
    size_t tgi_stack_work(const tgi_kernels *, int, const tgi_stack *) noexcept nogil
    int tgi_lstm(const tgi_kernels *, int, const tgi_recurrence *, const void *, const void *, const void *, const void *,
                 const void *, void *, void *) noexcept nogil
    int tgi_lstm_vjp(const tgi_kernels *, int, const tgi_recurrence *, const void *, const void *, const void *,
                     const void *, void *, void *) noexcept nogil
    size_t tgi_lstm_work(const tgi_kernels *, int, const tgi_recurrence *) noexcept nogil
    size_t tgi_product_work(const tgi_kernels *, int, size_t, size_t, size_t) noexcept nogil

cdef double scalar(int function, double x, double y, double p) noexcept nogil
cdef double scalar_vjp(int function, int input, double g, double x, double y, double out, double p) noexcept nogil
cpdef unary(int function, object array, double p=*)
cpdef unary_vjp(int function, object cotangent, object kept, double p=*)
cpdef binary(int function, object left, object right, str name=*)
cpdef binary_with_number(int function, object array, double number, bint first)
cpdef binary_vjp(int function, int input, object cotangent, object left, object right, object out)
cpdef add_into(object total, object part)
cpdef empty(tuple shape, int kind)


cdef struct watched_slot:
    int slot
    int64_t begin, end
    bint written
    char *seen


cdef class Machine:
    cdef tgi_instruction *program
    cdef tgi_program *travelled
    cdef char **slots
    cdef char *memory
    cdef char *unaligned
    cdef char *work
    cdef double *seconds
    cdef int64_t count
    cdef readonly Py_ssize_t memory_size
    cdef int slot_count, watching
    cdef bint takes_long
    cdef watched_slot *watched
    cdef list held, blocks
    cdef object calls

    cdef void *block(self, size_t size) except NULL
    cdef int fill(self, tgi_instruction *out, object found) except -1
    cdef int fill_scalars(self, tgi_instruction *out, object found) except -1
    cdef int fill_chain(self, tgi_instruction *out, object found) except -1
    cpdef bint bind(self, int slot, object array, int kind) except -1
    cpdef bind_as_it_lies(self, int slot, object array)
    cpdef let_go(self, int slot)
    cpdef let_go_of_all(self)
    cpdef bint apart(self)
    cpdef double read(self, int64_t offset, int kind)
    cpdef write(self, int64_t offset, int kind, double value)
    cpdef int64_t run(self) except? -1
