"""Rows, stacks of matrices and recurrent layers: the kernels that sequences need."""

# Part of _kernels.pyx.


def rows(int which, list operands, Py_ssize_t queries=1, double eps=0):
    """A function of rows, the last axis of x, or what undoes it, see `tgi_of_rows`; moments are (2, rows)."""
    if not isinstance(operands[0], cnp.ndarray):
        return recorded(operands[0], "rows", which, operands[1:], queries, eps)
    if not 0 <= which < len(OF_ROWS) or len(operands) != len(OF_ROWS[which]):
        raise ValueError(f"no function of rows has the number {which} and {len(operands)} operands")
    cdef cnp.ndarray x = an_array(operands[1 if which > 5 else 0]), one, out
    cdef int kind = kind_of(x), i
    cdef tgi_rows s
    cdef const void *of[4]
    if cnp.PyArray_NDIM(x) == 0 or cnp.PyArray_SIZE(x) == 0 or queries < 1:
        raise ValueError(f"rows: expected numbers in rows, got shape {(<object>x).shape}")
    s.columns = cnp.PyArray_DIM(x, cnp.PyArray_NDIM(x) - 1)
    s.rows = <size_t>cnp.PyArray_SIZE(x) // s.columns
    s.queries, s.eps = queries, eps
    s.first, s.last = 0, s.columns if which == 6 else s.rows
    cdef dict sizes = {"x": cnp.PyArray_SIZE(x), "m": 2 * s.rows, "w": s.columns}
    cdef list held = [with_numbers("rows", operand, sizes[size], kind)
                      for operand, size in zip(operands, OF_ROWS[which], strict=True)]
    for i, one in enumerate(held):
        of[i] = cnp.PyArray_DATA(one)
    out = empty((2, s.columns) if which == 6 else (<object>x).shape, kind)
    with nogil:
        K.rows[kind](which, &s, of, cnp.PyArray_DATA(out))
    return out


cdef tuple OF_ROWS = ("x", "x", "x", "xx", "xx", "xmww", "xxm", "xxmw")


cdef cnp.ndarray stack_product(cnp.ndarray x, cnp.ndarray y):
    """The products of two stacks of matrices of as many axes, stretched to each other."""
    cdef int kind = kind_of(x), ndim = cnp.PyArray_NDIM(x), d, whole
    cdef Py_ssize_t item = cnp.PyArray_ITEMSIZE(x)
    cdef tgi_stack s
    if cnp.PyArray_NDIM(y) != ndim or ndim > TGI_STACKS + 2:
        raise ValueError(f"expected stacks of up to {TGI_STACKS} axes, got shapes {(<object>x).shape} and "
                         f"{(<object>y).shape}")
    if kind_of(y) != kind:
        raise TypeError(f"{x.dtype} and {y.dtype} do not mix")
    cdef Py_ssize_t a, b
    s.ndim = ndim - 2
    cdef list shape = []
    for d in range(ndim):
        a, b = cnp.PyArray_DIM(x, d), cnp.PyArray_DIM(y, d)
        s.a[d], s.b[d] = cnp.PyArray_STRIDE(x, d) // item, cnp.PyArray_STRIDE(y, d) // item
        if d < ndim - 2:
            if a != b and a != 1 and b != 1:
                raise ValueError(f"the stacks do not broadcast: shapes {(<object>x).shape} and {(<object>y).shape}")
            s.counts[d] = b if a == 1 else a
            shape.append(s.counts[d])
            s.a[d] = 0 if a == 1 else s.a[d]
            s.b[d] = 0 if b == 1 else s.b[d]
    s.m, s.k, s.n = cnp.PyArray_DIM(x, ndim - 2), cnp.PyArray_DIM(x, ndim - 1), cnp.PyArray_DIM(y, ndim - 1)
    if <Py_ssize_t>s.k != cnp.PyArray_DIM(y, ndim - 2):
        raise ValueError(f"inner sizes differ: shapes {(<object>x).shape} and {(<object>y).shape}")
    cdef cnp.ndarray out = empty((*shape, s.m, s.n), kind)
    if cnp.PyArray_SIZE(out) == 0:
        return out
    cdef void *work = malloc(tgi_stack_work(K, kind, &s))
    if work == NULL:
        raise MemoryError(f"matmul: no memory to pack {s.m}x{s.k} by {s.k}x{s.n}")
    with nogil:
        whole = tgi_stack_product(K, kind, &s, cnp.PyArray_DATA(x), cnp.PyArray_DATA(y), cnp.PyArray_DATA(out), work)
    free(work)
    if not whole:
        pass_on()
    return out


def lstm(int which, list operands, tuple shape):
    """Long short-term memory (0) of given, h, c, w and bias or None; its derivative (1) of g, kept, c and w: see `tgi_lstm`.

    The shape is steps, rows, units; what comes out is (6 steps, rows, units), or (4 steps + 2, rows, units).
    """
    if not isinstance(operands[0], cnp.ndarray):
        return recorded(operands[0], "lstm", which, operands[1:], shape)
    if which not in (0, 1) or len(operands) != (4 if which else 5) or len(shape) != 3 or min(shape) < 1:
        raise ValueError(f"no memory has the number {which}, {len(operands)} operands and the shape {shape}")
    cdef tgi_recurrence s = tgi_recurrence(shape[0], shape[1], shape[2])
    cdef int kind = kind_of(operands[0]), i, whole
    cdef Py_ssize_t state = s.rows * s.units, square = 4 * s.units * s.units
    cdef list sizes = [4 * s.steps * state, state, state, square, 4 * s.units]
    if which:
        sizes = [(s.steps + 1) * state, 6 * s.steps * state, state, square]
    cdef list held = [None if operand is None and i == 4 else with_numbers("lstm", operand, size, kind)
                      for i, (operand, size) in enumerate(zip(operands, sizes, strict=True))]
    cdef const void *of[5]
    cdef cnp.ndarray one, out = empty((4 * s.steps + 2 if which else 6 * s.steps, s.rows, s.units), kind)
    for i, one in enumerate(held):
        of[i] = NULL if one is None else cnp.PyArray_DATA(one)
    cdef void *work = malloc(tgi_lstm_work(K, kind, &s))
    if work == NULL:
        raise MemoryError(f"lstm: no memory for a sequence of {shape}")
    with nogil:
        if which:
            whole = tgi_lstm_vjp(K, kind, &s, of[0], of[1], of[2], of[3], cnp.PyArray_DATA(out), work)
        else:
            whole = tgi_lstm(K, kind, &s, of[0], of[1], of[2], of[3], of[4], cnp.PyArray_DATA(out), work)
    free(work)
    if not whole:
        pass_on()
    return out
