# Elementwise functions of one array and of two, and their derivatives; part of `compiled.pyx`.

# So many numbers of an elementwise function take some hundredths of a second: between them Ctrl-C is heard.
cdef enum:
    UNHEARD = 4194304


cdef inline size_t piece(size_t n, size_t done, size_t most) noexcept nogil:
    """How many of n come next, `most` at once; none after Ctrl-C, whose exception is set then."""
    return 0 if done and ask() else min(most, n - done)


cpdef unary(int function, object array, double p=0.0):
    """An elementwise function of one array."""
    cdef cnp.ndarray x = solid(array)
    cdef int kind = kind_of(x)
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x), 0)
    cdef size_t n = cnp.PyArray_SIZE(x)
    if not 0 <= function < TGI_UNARY_FUNCTIONS:
        raise ValueError(f"no elementwise function of one array has the number {function}")
    cdef size_t each = cnp.PyArray_ITEMSIZE(x), done = 0, now
    cdef const char *read = <const char *>cnp.PyArray_DATA(x)
    cdef char *written = <char *>cnp.PyArray_DATA(out)
    if n < <size_t>NOGIL:
        K.unary[kind](function, n, read, p, written)
        return out
    with nogil:
        while done < n and (now := piece(n, done, UNHEARD)):
            K.unary[kind](function, now, read + done * each, p, written + done * each)
            done += now
    if done < n:
        pass_on()
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
    cdef size_t each = cnp.PyArray_ITEMSIZE(g), done = 0, now
    cdef const char *cotangents = <const char *>cnp.PyArray_DATA(g)
    cdef const char *read = <const char *>cnp.PyArray_DATA(v)
    cdef char *written = <char *>cnp.PyArray_DATA(out)
    if n < <size_t>NOGIL:
        K.unary_vjp[kind](function, n, cotangents, read, p, written)
        return out
    with nogil:
        while done < n and (now := piece(n, done, UNHEARD)):
            K.unary_vjp[kind](function, now, cotangents + done * each, read + done * each, p, written + done * each)
            done += now
    if done < n:
        pass_on()
    return out


cdef int stretch(cnp.ndarray x, int ndim, const Py_ssize_t *shape, Py_ssize_t *strides) except -1:
    """Strides of an operand over the common shape: 0 along the axes in which it is repeated."""
    cdef int d, own, offset = ndim - cnp.PyArray_NDIM(x)
    for d in range(ndim):
        own = d - offset
        strides[d] = 0 if own < 0 or cnp.PyArray_DIM(x, own) != shape[d] else cnp.PyArray_STRIDE(x, own)
    return 0


cpdef binary(int function, object left, object right, str name="binary"):
    """An elementwise function of two arrays, stretched to a common shape."""
    return binary_into(function, left, right, name, None)


cpdef add_into(object total, object part):
    """Add an array of the same shape to another one, in place."""
    binary_into(TGI_add, total, part, "add", total)


cpdef binary_with_number(int function, object array, double number, bint first):
    """An elementwise function of an array and a number, which comes first or second."""
    cdef cnp.ndarray x = solid(array)
    cdef int kind = kind_of(x)
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x), 0)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(x), none = 0, each = cnp.PyArray_ITEMSIZE(x)
    cdef float single = <float>number
    cdef const void *y = <const void *>&single if kind == 0 else <const void *>&number
    if not TGI_UNARY_FUNCTIONS <= function < TGI_FUNCTIONS:
        raise ValueError(f"no elementwise function of two arrays has the number {function}")
    cdef const void *one = y if first else cnp.PyArray_DATA(x)
    cdef const void *other = cnp.PyArray_DATA(x) if first else y
    cdef const Py_ssize_t *steps = &none if first else &each
    cdef const Py_ssize_t *other_steps = &each if first else &none
    if n < NOGIL:
        K.binary[kind](function, 1, &n, one, steps, other, other_steps, cnp.PyArray_DATA(out))
    else:
        in_pieces(function, kind, 1, &n, one, steps, other, other_steps, cnp.PyArray_DATA(out), n)
    return out


cpdef binary_vjp(int function, int input, object cotangent, object left, object right, object out):
    """The cotangent of input 0 or 1 of an elementwise function of two arrays; those that it does not read may be None."""
    cdef cnp.ndarray g = solid(cotangent)
    cdef int kind = kind_of(g)
    cdef cnp.ndarray x = like(g, left), y = like(g, right), value = like(g, out)
    cdef cnp.ndarray result = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(g), cnp.PyArray_DIMS(g), cnp.PyArray_TYPE(g), 0)
    cdef size_t n = cnp.PyArray_SIZE(g)
    if not (TGI_UNARY_FUNCTIONS <= function < TGI_RELATIONS and 0 <= input <= 1):
        raise ValueError(f"no elementwise function of two arrays has the number {function} and an input {input}")
    cdef size_t each = cnp.PyArray_ITEMSIZE(g), at = 0, now
    cdef const char *cotangents = <const char *>cnp.PyArray_DATA(g)
    cdef const char *first = <const char *>cnp.PyArray_DATA(x)
    cdef const char *second = <const char *>cnp.PyArray_DATA(y)
    cdef const char *results = <const char *>cnp.PyArray_DATA(value)
    cdef char *written = <char *>cnp.PyArray_DATA(result)
    if n < <size_t>NOGIL:
        K.binary_vjp[kind](function, input, n, cotangents, first, second, results, written)
        return result
    with nogil:
        while at < n * each and (now := piece(n, at // each, UNHEARD)):
            K.binary_vjp[kind](function, input, now, cotangents + at, first + at, second + at, results + at, written + at)
            at += now * each
    if at < n * each:
        pass_on()
    return result


cdef inline cnp.ndarray like(cnp.ndarray g, object array):
    """An operand in the cotangent's size and dtype; where there is none, the cotangent stands in and is not read."""
    if array is None:
        return g
    cdef cnp.ndarray x = solid(array)
    if cnp.PyArray_TYPE(x) != cnp.PyArray_TYPE(g) or cnp.PyArray_SIZE(x) != cnp.PyArray_SIZE(g):
        raise ValueError("binary_vjp: cotangent and saved array differ in dtype or size")
    return x


cdef binary_into(int function, object left, object right, str name, object total):
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
    cdef cnp.ndarray out
    if total is None:
        out = cnp.PyArray_EMPTY(ndim, <cnp.npy_intp *>shape, cnp.PyArray_TYPE(x), 0)
    else:
        out = total
        if not cnp.PyArray_ISCARRAY(out) or n != cnp.PyArray_SIZE(out):
            raise ValueError(f"{name}: the result needs {n} numbers without gaps that may be written to")
    if n < NOGIL:
        K.binary[kind](function, ndim, shape, cnp.PyArray_DATA(x), x_strides, cnp.PyArray_DATA(y), y_strides,
                       cnp.PyArray_DATA(out))
    else:
        in_pieces(function, kind, ndim, shape, cnp.PyArray_DATA(x), x_strides, cnp.PyArray_DATA(y), y_strides,
                  cnp.PyArray_DATA(out), n)
    return out


cdef int in_pieces(int function, int kind, int ndim, Py_ssize_t *shape, const void *x, const Py_ssize_t *x_strides,
                   const void *y, const Py_ssize_t *y_strides, void *out, Py_ssize_t n) except -1:
    """A function of two arrays; a large one by rows of its first axis that is longer than 1, between which Ctrl-C is heard."""
    cdef int axis = 0
    cdef Py_ssize_t rows, row, now, each = sizeof(float) if kind == 0 else sizeof(double), done = 0
    while shape[axis] == 1:
        axis += 1
    rows = shape[axis]
    row = n // rows
    with nogil:
        while done < rows and (now := piece(rows, done, max(1, <Py_ssize_t>UNHEARD // row))):
            shape[axis] = now
            K.binary[kind](function, ndim, shape, <const char *>x + done * x_strides[axis], x_strides,
                           <const char *>y + done * y_strides[axis], y_strides, <char *>out + done * row * each)
            done += now
    if done < rows:
        pass_on()
    return 0
