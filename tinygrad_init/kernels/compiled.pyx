"""The kernels of `csrc/` for NumPy arrays; `reference.py` is their specification."""

import os

import numpy as np

cimport cython
cimport numpy as cnp
from libc.limits cimport INT_MAX
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

cnp.import_array()

# Below this many elements (or multiply-adds) letting other threads run costs more than the work itself.
cdef Py_ssize_t NOGIL = 20_000
cdef enum:
    SMALL_WORK = 32768  # bytes on the stack for small products to pack into


cdef extern from "Python.h":
    void *PyGILState_GetThisThreadState() noexcept nogil
    int hear_signals "PyErr_CheckSignals"() except -1
    int heard_signal "PyErr_CheckSignals"() noexcept


cdef int ask() noexcept nogil:
    """Whether Ctrl-C has come; the exception is set then. The threads of long products ask, Python's among them."""
    if PyGILState_GetThisThreadState() == NULL:
        return 0
    with gil:
        return heard_signal()


cdef int pass_on() except -1:
    """Raise the exception that is set."""
    return -1


tgi_ask = ask
tgi_keep_freed_memory()


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


def threads():
    """How many threads share out large work now: OpenMP's number, or what OMP_NUM_THREADS says, or all processors."""
    return tgi_threads_now()


cdef const tgi_kernels *K = choose()
ISA = K.isa.decode()
OPENMP = bool(tgi_openmp)
FUNCTIONS = {tgi_function_names[i].decode(): i for i in range(TGI_RELATIONS)}
RELATIONS = {tgi_function_names[i].decode(): i for i in range(TGI_RELATIONS, TGI_FUNCTIONS)}
REDUCTIONS = {"sum": 0, "max": 1, "min": 2, "norm": 3}
CODES = {tgi_code_names[i].decode(): i for i in range(TGI_CODE_COUNT)}
PROGRAM_VERSION = TGI_PROGRAM_VERSION
LIMITS = {"axes": TGI_AXES, "stages": TGI_STAGES, "operands": TGI_OPERANDS, "registers": TGI_REGISTERS}
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


cdef inline cnp.ndarray an_array(object array):
    """What is given, if it is an array: for Cython None is one as well."""
    if array is None:
        raise TypeError("expected an array, got None")
    return array


cdef inline cnp.ndarray solid(object array):
    """The array itself, or a copy in C order, aligned and in native byte order if it is anything else."""
    cdef cnp.ndarray x = an_array(array)
    if cnp.PyArray_ISCARRAY_RO(x):
        return x
    return cnp.PyArray_FROM_OF(x, cnp.NPY_ARRAY_CARRAY_RO | cnp.NPY_ARRAY_NOTSWAPPED)


include "_elementwise.pxi"


cdef inline cnp.ndarray aligned(object array):
    cdef cnp.ndarray x = an_array(array)
    return x if cnp.PyArray_ISBEHAVED_RO(x) else solid(x)


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
    cdef tgi_epilogue end
    memset(&end, 0, sizeof(end))
    end.function = -1
    if bias is not None:
        end.bias = cnp.PyArray_DATA(bias)
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
    cdef int whole
    if m * n * k < NOGIL:
        whole = tgi_product(K, kind, m, n, k, a, b, &end, cnp.PyArray_DATA(out), work)
    else:
        with nogil:
            whole = tgi_product(K, kind, m, n, k, a, b, &end, cnp.PyArray_DATA(out), work)
    if size > SMALL_WORK:
        free(work)
    if not whole:
        pass_on()
    return out


def matmul(object left, object right):
    """The product of two matrices, or of those of two stacks."""
    if not isinstance(left, cnp.ndarray):
        return recorded(left, "matmul", right)
    cdef cnp.ndarray x = aligned(left), y = aligned(right)
    if cnp.PyArray_NDIM(x) > 2:
        return stack_product(x, y)
    check_product(x, y, False)
    return product(x, y, False, None)


def linear(object left, object right, object bias):
    """x Wᵀ + b for a matrix x, a matrix W and a vector b."""
    if not isinstance(left, cnp.ndarray):
        return recorded(left, "linear", right, bias)
    cdef cnp.ndarray x = aligned(left), w = aligned(right), b = solid(bias)
    check_product(x, w, True)
    if kind_of(b) != kind_of(x) or cnp.PyArray_NDIM(b) != 1 or cnp.PyArray_SIZE(b) != cnp.PyArray_DIM(w, 0):
        raise ValueError(f"linear: expected a bias of shape ({cnp.PyArray_DIM(w, 0)},) and {x.dtype}, "
                         f"got {(<object>b).shape}, {b.dtype}")
    return product(x, w, True, b)


cdef int check_product(cnp.ndarray x, cnp.ndarray y, bint y_transposed) except -1:
    if cnp.PyArray_NDIM(x) != 2 or cnp.PyArray_NDIM(y) != 2:
        raise ValueError(f"expected two matrices, got shapes {(<object>x).shape} and {(<object>y).shape}")
    if kind_of(x) != kind_of(y):
        raise TypeError(f"{x.dtype} and {y.dtype} do not mix")
    if cnp.PyArray_DIM(x, 1) != cnp.PyArray_DIM(y, 1 if y_transposed else 0):
        raise ValueError(f"inner sizes differ: shapes {(<object>x).shape} and {(<object>y).shape}")
    return 0


def recorded(object first, str name, *rest):
    """What is no array may be a stand-in for one, in a function that is being captured: it writes the kernel down."""
    record = getattr(type(first), name, None)
    if record is None:
        raise TypeError(f"{name}: expected an array, got {type(first).__name__}")
    return record(first, *rest)


cpdef empty(tuple shape, int kind):
    """An array whose numbers are still to come."""
    cdef cnp.npy_intp[TGI_MAX_DIMS] dims
    cdef int d
    for d in range(len(shape)):
        dims[d] = shape[d]
    return cnp.PyArray_EMPTY(len(shape), dims, (cnp.NPY_FLOAT32 if kind == 0 else cnp.NPY_FLOAT64 if kind == 1
                                                else cnp.NPY_INT64), 0)


def reduce(object array, int reduction, tuple axes, bint keepdims, double divisor=1):
    """The sum, largest, smallest or norm (see `REDUCTIONS`) over axes, divided by a number."""
    if not isinstance(array, cnp.ndarray):
        return recorded(array, "reduce", reduction, axes, keepdims)
    cdef cnp.ndarray x = aligned(array)
    cdef int kind = kind_of(x), d, ndim = cnp.PyArray_NDIM(x), kept = 0, reduced = 0
    cdef Py_ssize_t[TGI_MAX_DIMS] shape, strides, out_shape
    cdef bint[TGI_MAX_DIMS] gone
    if not 0 <= reduction < 4:
        raise ValueError(f"no reduction has the number {reduction}")
    memset(gone, 0, sizeof(gone))
    for axis in axes:
        if not 0 <= axis < ndim:
            raise ValueError(f"no axis {axis} in {ndim}")
        gone[<int>axis] = True
    for d in range(ndim):
        if not gone[d]:
            shape[kept] = cnp.PyArray_DIM(x, d)
            strides[kept] = cnp.PyArray_STRIDE(x, d)
            kept += 1
    for d in range(ndim):
        if gone[d]:
            shape[kept + reduced] = cnp.PyArray_DIM(x, d)
            strides[kept + reduced] = cnp.PyArray_STRIDE(x, d)
            reduced += 1
    if keepdims:
        for d in range(ndim):
            out_shape[d] = 1 if gone[d] else cnp.PyArray_DIM(x, d)
    else:
        memcpy(out_shape, shape, kept * sizeof(Py_ssize_t))
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(ndim if keepdims else kept, <cnp.npy_intp *>out_shape,
                                             cnp.PyArray_TYPE(x), 0)
    if cnp.PyArray_SIZE(x) < NOGIL:
        K.reduce[kind](reduction, ndim, reduced, shape, cnp.PyArray_DATA(x), strides, cnp.PyArray_DATA(out))
    else:
        with nogil:
            K.reduce[kind](reduction, ndim, reduced, shape, cnp.PyArray_DATA(x), strides, cnp.PyArray_DATA(out))
    if divisor != 1:
        for d in range(cnp.PyArray_SIZE(out)):
            if kind == 0:
                (<float *>cnp.PyArray_DATA(out))[d] /= <float>divisor
            else:
                (<double *>cnp.PyArray_DATA(out))[d] /= divisor
    return out


def peak(bint single, size_t repeats):
    """Run `repeats` rounds of independent fused multiply-adds; returns the number of operations done."""
    cdef double done
    with nogil:
        done = K.peak[0 if single else 1](repeats)
    return done


include "_training.pxi"
include "_windows.pxi"
include "_sequences.pxi"
include "_machine.pxi"
