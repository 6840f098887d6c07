"""The kernels of `csrc/` for NumPy arrays; `reference.py` is their specification."""

import os

cimport numpy as cnp
from libc.stdlib cimport free, malloc

cnp.import_array()

# Below this many elements (or multiply-adds) letting other threads run costs more than the work itself.
cdef Py_ssize_t NOGIL = 20_000
cdef enum:
    SMALL_WORK = 32768  # bytes on the stack for small products to pack into


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
FUNCTIONS = {tgi_function_names[i].decode(): i for i in range(TGI_RELATIONS)}
RELATIONS = {tgi_function_names[i].decode(): i for i in range(TGI_RELATIONS, TGI_FUNCTIONS)}
READS = {tgi_function_names[i].decode(): ("nothing", "x", "out")[tgi_function_reads[i]]
         for i in range(TGI_UNARY_FUNCTIONS)}


cdef const tgi_kernels *table() noexcept nogil:
    return K


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
    cdef tgi_epilogue end = tgi_epilogue(NULL if bias is None else cnp.PyArray_DATA(bias), 0, -1, 0.0, NULL)
    shape[0] = m
    shape[1] = n
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(2, shape, cnp.PyArray_TYPE(x), 0)
    if m == 0 or n == 0:
        return out
    cdef char[SMALL_WORK] small
    cdef size_t size = tgi_product_work(K, kind, m, n, k)
    cdef void *work = small if size <= SMALL_WORK else malloc(size)
    if work == NULL:
        raise MemoryError(f"matmul: no memory to pack {m}x{k} by {k}x{n}")
    if m * n * k < NOGIL:
        tgi_product(K, kind, m, n, k, a, b, &end, cnp.PyArray_DATA(out), work)
    else:
        with nogil:
            tgi_product(K, kind, m, n, k, a, b, &end, cnp.PyArray_DATA(out), work)
    if size > SMALL_WORK:
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


cdef cnp.ndarray class_numbers(object labels, Py_ssize_t rows, Py_ssize_t columns):
    """The labels as the kernels read them; checked, because they become addresses."""
    cdef cnp.ndarray found = cnp.PyArray_FROM_OTF(labels, cnp.NPY_INTP, cnp.NPY_ARRAY_CARRAY_RO)
    cdef const Py_ssize_t *at = <const Py_ssize_t *>cnp.PyArray_DATA(found)
    cdef Py_ssize_t i
    if cnp.PyArray_NDIM(found) != 1 or cnp.PyArray_SIZE(found) != rows:
        raise ValueError(f"cross_entropy: expected {rows} labels, got shape {(<object>found).shape}")
    for i in range(rows):
        if not 0 <= at[i] < columns:
            raise ValueError(f"cross_entropy: label {at[i]} of sample {i} is not from 0 to {columns - 1}")
    return found


cdef tuple softmax_losses(object logits, object labels):
    cdef cnp.ndarray x = solid(logits)
    if cnp.PyArray_NDIM(x) != 2:
        raise ValueError(f"cross_entropy: expected logits of two axes, got shape {(<object>x).shape}")
    cdef Py_ssize_t rows = cnp.PyArray_DIM(x, 0), columns = cnp.PyArray_DIM(x, 1)
    cdef cnp.ndarray at = class_numbers(labels, rows, columns)
    cdef cnp.ndarray losses = cnp.PyArray_EMPTY(1, cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x), 0)
    cdef cnp.ndarray probabilities = cnp.PyArray_EMPTY(2, cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x), 0)
    if rows:
        K.cross_entropy[kind_of(x)](rows, columns, cnp.PyArray_DATA(x), <const Py_ssize_t *>cnp.PyArray_DATA(at),
                                    cnp.PyArray_DATA(losses), cnp.PyArray_DATA(probabilities))
    return losses, probabilities, at


def cross_entropy(object logits, object labels):
    """-ln softmax(logits)[label], row by row."""
    return softmax_losses(logits, labels)[0]


def cross_entropy_vjp(object cotangent, object logits, object labels):
    """g (softmax(logits) - one_hot(labels)), row by row: the cotangent of the logits."""
    cdef cnp.ndarray g = solid(cotangent), probabilities, at
    _, probabilities, at = softmax_losses(logits, labels)
    cdef Py_ssize_t rows = cnp.PyArray_DIM(probabilities, 0), columns = cnp.PyArray_DIM(probabilities, 1)
    if kind_of(g) != kind_of(probabilities) or cnp.PyArray_SIZE(g) != rows:
        raise ValueError(f"cross_entropy_vjp: expected {rows} cotangents of {probabilities.dtype}, got shape {(<object>g).shape}, {g.dtype}")
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(2, cnp.PyArray_DIMS(probabilities), cnp.PyArray_TYPE(g), 0)
    K.cross_entropy_vjp[kind_of(g)](rows, columns, cnp.PyArray_DATA(g), cnp.PyArray_DATA(probabilities),
                                    <const Py_ssize_t *>cnp.PyArray_DATA(at), cnp.PyArray_DATA(out))
    return out


def peak(bint single, size_t repeats):
    """Run `repeats` rounds of independent fused multiply-adds; returns the number of operations done."""
    cdef double done
    with nogil:
        done = K.peak[0 if single else 1](repeats)
    return done
