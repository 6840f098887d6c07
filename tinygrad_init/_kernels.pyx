"""The kernels of `csrc/` for NumPy arrays; `reference.py` is their specification."""

import os

cimport numpy as cnp
from libc.stdlib cimport free, malloc

cnp.import_array()

cdef extern from "tgi.h":
    enum: TGI_FUNCTIONS
    enum: TGI_UNARY_FUNCTIONS
    enum: TGI_MAX_DIMS
    const char *const tgi_function_names[]
    const int tgi_function_reads[]
    ctypedef struct tgi_matrix:
        const void *data
        Py_ssize_t row_stride
        Py_ssize_t column_stride
    ctypedef struct tgi_kernels:
        const char *isa
        void (*unary[2])(int, size_t, const void *, double, void *) noexcept nogil
        void (*unary_vjp[2])(int, size_t, const void *, const void *, double, void *) noexcept nogil
        void (*binary[2])(int, int, const Py_ssize_t *, const void *, const Py_ssize_t *, const void *,
                          const Py_ssize_t *, void *) noexcept nogil
        void (*gemm[2])(size_t, size_t, size_t, tgi_matrix, tgi_matrix, const void *, void *, void *) noexcept nogil
        size_t (*gemm_work[2])(size_t, size_t, size_t) noexcept nogil
        double (*peak[2])(size_t) noexcept nogil
    double tgi_scalar(int, double, double, double) noexcept nogil
    double tgi_scalar_vjp(int, int, double, double, double, double, double) noexcept nogil
    const tgi_kernels *tgi_kernels_for(const char *) noexcept nogil
    const char *const *tgi_isas() noexcept nogil

# Below this many elements (or multiply-adds) letting other threads run costs more than the work itself.

cdef Py_ssize_t NOGIL = 20_000


cdef const tgi_kernels *choose() except NULL:
    cdef bytes wanted = os.environ.get("TINYGRAD_INIT_ISA", "").encode()
    cdef const char *name = NULL
    if wanted:
        name = wanted
    cdef const tgi_kernels *found = tgi_kernels_for(name)
    if found == NULL:
        raise ImportError(f"TINYGRAD_INIT_ISA={wanted.decode()!r}: this processor has {', '.join(isas())}")
    return found


def isas():
    """The instruction sets that this processor has and kernels were compiled for, best first."""
    cdef const char *const *names = tgi_isas()
    cdef int i = 0
    found = []
    while names[i] != NULL:
        found.append(names[i].decode())
        i += 1
    return found


cdef const tgi_kernels *K = choose()
ISA = K.isa.decode()
FUNCTIONS = {tgi_function_names[i].decode(): i for i in range(TGI_FUNCTIONS)}
READS = {tgi_function_names[i].decode(): ("nothing", "x", "out")[tgi_function_reads[i]]
         for i in range(TGI_UNARY_FUNCTIONS)}


cdef double scalar(int function, double x, double y, double p) noexcept nogil:
    return tgi_scalar(function, x, y, p)


cdef double scalar_vjp(int function, int input, double g, double x, double y, double out, double p) noexcept nogil:
    return tgi_scalar_vjp(function, input, g, x, y, out, p)


def code(str name):
    """The number of an elementwise function in the C table, or -1."""
    return FUNCTIONS.get(name, -1)


cdef inline int kind_of(cnp.ndarray x) except -1:
    cdef int number = cnp.PyArray_TYPE(x)
    if number == cnp.NPY_FLOAT32:
        return 0
    if number == cnp.NPY_FLOAT64:
        return 1
    raise TypeError(f"expected an array of float32 or float64, got {x.dtype}")


cdef inline cnp.ndarray solid(object array):
    """The array itself, or a copy in C order, aligned and in native byte order if it is anything else."""
    cdef cnp.ndarray x = array
    if cnp.PyArray_ISCARRAY_RO(x):
        return x
    return cnp.PyArray_FROM_OF(x, cnp.NPY_ARRAY_CARRAY_RO | cnp.NPY_ARRAY_NOTSWAPPED)


cpdef unary(int function, object array, double p=0.0):
    """An elementwise function of one array."""
    cdef cnp.ndarray x = solid(array)
    cdef int kind = kind_of(x)
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x), 0)
    cdef size_t n = cnp.PyArray_SIZE(x)
    if not 0 <= function < TGI_UNARY_FUNCTIONS:
        raise ValueError(f"no elementwise function of one array has the number {function}")
    if n < <size_t>NOGIL:
        K.unary[kind](function, n, cnp.PyArray_DATA(x), p, cnp.PyArray_DATA(out))
    else:
        with nogil:
            K.unary[kind](function, n, cnp.PyArray_DATA(x), p, cnp.PyArray_DATA(out))
    return out


cpdef unary_vjp(int function, object cotangent, object kept, double p=0.0):
    """The cotangent of the input of an elementwise function, read from its input or its result."""
    cdef cnp.ndarray g = solid(cotangent), v = solid(kept)
    cdef int kind = kind_of(g)
    if kind_of(v) != kind or cnp.PyArray_SIZE(v) != cnp.PyArray_SIZE(g):
        raise ValueError("unary_vjp: cotangent and saved array differ in dtype or size")
    if not 0 <= function < TGI_UNARY_FUNCTIONS:
        raise ValueError(f"no elementwise function of one array has the number {function}")
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(g), cnp.PyArray_DIMS(g), cnp.PyArray_TYPE(g), 0)
    cdef size_t n = cnp.PyArray_SIZE(g)
    if n < <size_t>NOGIL:
        K.unary_vjp[kind](function, n, cnp.PyArray_DATA(g), cnp.PyArray_DATA(v), p, cnp.PyArray_DATA(out))
    else:
        with nogil:
            K.unary_vjp[kind](function, n, cnp.PyArray_DATA(g), cnp.PyArray_DATA(v), p, cnp.PyArray_DATA(out))
    return out


cdef inline cnp.ndarray aligned(object array):
    cdef cnp.ndarray x = array
    return x if cnp.PyArray_ISBEHAVED_RO(x) else solid(x)


cdef int stretch(cnp.ndarray x, int ndim, const Py_ssize_t *shape, Py_ssize_t *strides) except -1:
    """Strides of an operand over the common shape: 0 along the axes in which it is repeated."""
    cdef int d, own, offset = ndim - cnp.PyArray_NDIM(x)
    for d in range(ndim):
        own = d - offset
        strides[d] = 0 if own < 0 or cnp.PyArray_DIM(x, own) != shape[d] else cnp.PyArray_STRIDE(x, own)
    return 0


cpdef binary(int function, object left, object right, str name="binary"):
    """An elementwise function of two arrays, stretched to a common shape."""
    cdef cnp.ndarray x = aligned(left), y = aligned(right)
    cdef int kind = kind_of(x), d, dx, dy
    cdef int nx = cnp.PyArray_NDIM(x), ny = cnp.PyArray_NDIM(y)
    cdef int ndim = nx if nx > ny else ny
    cdef Py_ssize_t a, b, n = 1
    cdef Py_ssize_t[TGI_MAX_DIMS] shape
    cdef Py_ssize_t[TGI_MAX_DIMS] x_strides
    cdef Py_ssize_t[TGI_MAX_DIMS] y_strides
    if kind_of(y) != kind:
        raise TypeError(f"{x.dtype} and {y.dtype} do not mix")
    if not TGI_UNARY_FUNCTIONS <= function < TGI_FUNCTIONS:
        raise ValueError(f"no elementwise function of two arrays has the number {function}")
    for d in range(ndim):
        dx = d - (ndim - nx)
        dy = d - (ndim - ny)
        a = cnp.PyArray_DIM(x, dx) if dx >= 0 else 1
        b = cnp.PyArray_DIM(y, dy) if dy >= 0 else 1
        if a != b and a != 1 and b != 1:
            raise ValueError(f"{name}: shapes {left.shape} and {right.shape} do not broadcast: "
                             f"axis {d - ndim} has {a} and {b}")
        shape[d] = b if a == 1 else a
        n *= shape[d]
    stretch(x, ndim, shape, x_strides)
    stretch(y, ndim, shape, y_strides)
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(ndim, <cnp.npy_intp *>shape, cnp.PyArray_TYPE(x), 0)
    if n < NOGIL:
        K.binary[kind](function, ndim, shape, cnp.PyArray_DATA(x), x_strides, cnp.PyArray_DATA(y), y_strides,
                       cnp.PyArray_DATA(out))
    else:
        with nogil:
            K.binary[kind](function, ndim, shape, cnp.PyArray_DATA(x), x_strides, cnp.PyArray_DATA(y), y_strides,
                           cnp.PyArray_DATA(out))
    return out


cdef inline tgi_matrix as_matrix(cnp.ndarray x, bint transposed) noexcept:
    cdef tgi_matrix m
    cdef Py_ssize_t item = cnp.PyArray_ITEMSIZE(x)
    cdef int last = cnp.PyArray_NDIM(x) - 1
    m.data = cnp.PyArray_DATA(x)
    m.row_stride = cnp.PyArray_STRIDE(x, last if transposed else last - 1) // item
    m.column_stride = cnp.PyArray_STRIDE(x, last - 1 if transposed else last) // item
    return m


cdef cnp.ndarray product(cnp.ndarray x, cnp.ndarray y, bint y_transposed, cnp.ndarray bias):
    cdef int kind = kind_of(x)
    cdef Py_ssize_t m = cnp.PyArray_DIM(x, 0), k = cnp.PyArray_DIM(x, 1)
    cdef Py_ssize_t n = cnp.PyArray_DIM(y, 0 if y_transposed else 1)
    cdef cnp.npy_intp[2] shape
    cdef tgi_matrix a = as_matrix(x, False), b = as_matrix(y, y_transposed)
    cdef const void *bias_data = NULL if bias is None else cnp.PyArray_DATA(bias)
    shape[0] = m
    shape[1] = n
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(2, shape, cnp.PyArray_TYPE(x), 0)
    if m == 0 or n == 0:
        return out
    cdef void *work = malloc(K.gemm_work[kind](m, n, k))
    if work == NULL:
        raise MemoryError(f"matmul: no memory to pack {m}x{k} by {k}x{n}")
    if m * n * k < NOGIL:
        K.gemm[kind](m, n, k, a, b, bias_data, cnp.PyArray_DATA(out), work)
    else:
        with nogil:
            K.gemm[kind](m, n, k, a, b, bias_data, cnp.PyArray_DATA(out), work)
    free(work)
    return out


def matmul(object left, object right):
    """The product of two matrices."""
    cdef cnp.ndarray x = aligned(left), y = aligned(right)
    check_product(x, y, False)
    return product(x, y, False, None)


def linear(object left, object right, object bias):
    """x Wᵀ + b for a matrix x, a matrix W and a vector b."""
    cdef cnp.ndarray x = aligned(left), w = aligned(right), b = solid(bias)
    check_product(x, w, True)
    if kind_of(b) != kind_of(x) or cnp.PyArray_NDIM(b) != 1 or cnp.PyArray_SIZE(b) != cnp.PyArray_DIM(w, 0):
        raise ValueError(f"linear: expected a bias of shape ({cnp.PyArray_DIM(w, 0)},) and {x.dtype}, got {(<object>b).shape}, {b.dtype}")
    return product(x, w, True, b)


cdef int check_product(cnp.ndarray x, cnp.ndarray y, bint y_transposed) except -1:
    if cnp.PyArray_NDIM(x) != 2 or cnp.PyArray_NDIM(y) != 2:
        raise ValueError(f"expected two matrices, got shapes {(<object>x).shape} and {(<object>y).shape}")
    if kind_of(x) != kind_of(y):
        raise TypeError(f"{x.dtype} and {y.dtype} do not mix")
    if cnp.PyArray_DIM(x, 1) != cnp.PyArray_DIM(y, 1 if y_transposed else 0):
        raise ValueError(f"inner sizes differ: shapes {(<object>x).shape} and {(<object>y).shape}")
    return 0


def peak(bint single, size_t repeats):
    """Run `repeats` rounds of independent fused multiply-adds; returns the number of operations done."""
    cdef double done
    with nogil:
        done = K.peak[0 if single else 1](repeats)
    return done
