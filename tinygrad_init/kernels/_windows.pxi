"""Convolution, pooling and normalization: the kernels that images need."""

# Part of _kernels.pyx.


cdef int read_windows(tgi_windows *to, tuple numbers) except -1:
    """Windows as C reads them, of the numbers that `ops.windows.Windows.numbers` gives."""
    cdef int i
    if len(numbers) != 22:
        raise ValueError(f"windows are 22 numbers, got {len(numbers)}")
    to.samples, to.groups, to.inputs, to.outputs = numbers[:4]
    for i in range(3):
        to.lengths[i], to.counts[i], to.size[i] = numbers[4 + i], numbers[7 + i], numbers[10 + i]
        to.stride[i], to.dilation[i], to.before[i] = numbers[13 + i], numbers[16 + i], numbers[19 + i]
        if min(to.lengths[i], to.counts[i], to.size[i], to.stride[i], to.dilation[i]) < 1 or to.before[i] < 0:
            raise ValueError(f"no windows are described by {numbers}")
    if min(to.samples, to.groups, to.inputs, to.outputs) < 0:
        raise ValueError(f"no windows are described by {numbers}")
    return 0


cdef Py_ssize_t over(const Py_ssize_t *n) noexcept:
    return n[0] * n[1] * n[2]


cdef cnp.ndarray with_numbers(str name, object array, Py_ssize_t size, int kind):
    """An operand without gaps, with as many numbers as the windows say."""
    cdef cnp.ndarray x = solid(array)
    if kind_of(x) != kind:
        raise TypeError(f"{name}: float32 and float64 do not mix")
    if cnp.PyArray_SIZE(x) != size:
        raise ValueError(f"{name}: expected an operand of {size} numbers, got shape {(<object>x).shape}")
    return x


def convolve(int which, object left, object right, object bias, tuple windows, tuple shape):
    """A convolution (0) or its derivative by the input (1) or the weight (2), see `tgi_convolution`."""
    if not isinstance(left, cnp.ndarray):
        return recorded(left, "convolve", which, right, bias, windows, shape)
    cdef tgi_windows w
    read_windows(&w, windows)
    cdef int kind = kind_of(left), whole
    cdef Py_ssize_t[3] sizes
    sizes[0] = w.samples * w.groups * w.inputs * over(w.lengths)
    sizes[1] = w.groups * w.outputs * w.inputs * over(w.size)
    sizes[2] = w.samples * w.groups * w.outputs * over(w.counts)
    if not 0 <= which < 3:
        raise ValueError(f"no convolution has the number {which}")
    cdef cnp.ndarray a = with_numbers("convolve", left, sizes[2 if which == 1 else 0], kind)
    cdef cnp.ndarray b = with_numbers("convolve", right, sizes[2 if which == 2 else 1], kind)
    cdef cnp.ndarray c = None if bias is None else with_numbers("convolve", bias, w.groups * w.outputs, kind)
    cdef cnp.ndarray out = empty(shape, kind)
    with_numbers("convolve", out, sizes[0 if which == 1 else 1 if which == 2 else 2], kind)
    cdef void *work = malloc(tgi_convolution_work(K, kind, which, &w))
    if work == NULL:
        raise MemoryError(f"convolve: no memory for windows {windows}")
    cdef const void *added = NULL if c is None else cnp.PyArray_DATA(c)
    with nogil:
        whole = tgi_convolve(K, kind, which, &w, cnp.PyArray_DATA(a), cnp.PyArray_DATA(b), added,
                             cnp.PyArray_DATA(out), work)
    free(work)
    if not whole:
        pass_on()
    return out


def pool(int which, object array, object given, object found, tuple windows, tuple shape):
    """One number for each window, or what undoes it, see `tgi_pooling`; `given` and `found` are input and maxima."""
    if not isinstance(array, cnp.ndarray):
        return recorded(array, "pool", which, given, found, windows, shape)
    cdef tgi_windows w
    read_windows(&w, windows)
    cdef int kind = kind_of(array)
    cdef Py_ssize_t before = w.samples * over(w.lengths), after = w.samples * over(w.counts)
    cdef bint back = which == 1 or which == 4, reads = which == 1 or which == 2
    if not 0 <= which < 5:
        raise ValueError(f"no pooling has the number {which}")
    cdef cnp.ndarray a = with_numbers("pool", array, after if back else before, kind)
    cdef cnp.ndarray x = with_numbers("pool", given, before, kind) if reads else a
    cdef cnp.ndarray largest = with_numbers("pool", found, after, kind) if reads else a
    cdef cnp.ndarray out = empty(shape, kind)
    with_numbers("pool", out, before if back else after, kind)
    with nogil:
        K.pool[kind](which, &w, cnp.PyArray_DATA(a), cnp.PyArray_DATA(x), cnp.PyArray_DATA(largest),
                     cnp.PyArray_DATA(out))
    return out


def normalize(int which, list operands, double eps):
    """Moments (0), channels normalized (1) and what undoes it (2, 3), see `tgi_normalization`; x is (outer, channels, inner)."""
    if not isinstance(operands[0], cnp.ndarray):
        return recorded(operands[0], "normalize", which, operands[1:], eps)
    cdef cnp.ndarray x = an_array(operands[1 if which > 1 else 0]), one, out
    cdef int kind = kind_of(x), i
    cdef tgi_channels s
    cdef const void *of[5]
    if not 0 <= which < 4 or len(operands) != (1, 4, 3, 5)[which]:
        raise ValueError(f"no normalization has the number {which} and {len(operands)} operands")
    if cnp.PyArray_NDIM(x) != 3:
        raise ValueError(f"normalize: expected (outer, channels, inner), got shape {(<object>x).shape}")
    s.outer, s.channels, s.inner, s.eps = cnp.PyArray_DIM(x, 0), cnp.PyArray_DIM(x, 1), cnp.PyArray_DIM(x, 2), eps
    s.first, s.last = 0, s.channels
    cdef Py_ssize_t all = cnp.PyArray_SIZE(x), few = s.channels
    cdef tuple sizes = ((all,), (all, 2 * few, few, few), (all, all, 2 * few), (all, all, 2 * few, few, 2 * few))[which]
    cdef list held = [with_numbers("normalize", operand, size, kind)
                      for operand, size in zip(operands, sizes, strict=True)]
    for i, one in enumerate(held):
        of[i] = cnp.PyArray_DATA(one)
    out = empty((2, few) if which in (0, 2) else (<object>x).shape, kind)
    with nogil:
        K.normalize[kind](which, &s, of, cnp.PyArray_DATA(out))
    return out
