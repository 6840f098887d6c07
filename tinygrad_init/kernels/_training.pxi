"""Losses and update rules: the kernels that only training needs."""

# Part of _kernels.pyx.


cdef cnp.ndarray class_numbers(object labels, Py_ssize_t rows, Py_ssize_t columns):
    """The labels as the kernels read them; checked, because they become addresses."""
    cdef cnp.ndarray found = cnp.PyArray_FROM_OTF(labels, cnp.NPY_INT64, cnp.NPY_ARRAY_CARRAY_RO)
    cdef const int64_t *at = <const int64_t *>cnp.PyArray_DATA(found)
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
        K.cross_entropy[kind_of(x)](rows, columns, 0, cnp.PyArray_DATA(x), <const int64_t *>cnp.PyArray_DATA(at),
                                    cnp.PyArray_DATA(losses), cnp.PyArray_DATA(probabilities))
    return losses, probabilities, at


def cross_entropy(object logits, object labels):
    """-ln softmax(logits)[label], row by row."""
    if not isinstance(logits, cnp.ndarray):
        return recorded(logits, "cross_entropy", labels)
    return softmax_losses(logits, labels)[0]


def cross_entropy_vjp(object cotangent, object logits, object labels):
    """g (softmax(logits) - one_hot(labels)), row by row: the cotangent of the logits."""
    if not isinstance(logits, cnp.ndarray):
        return recorded(logits, "cross_entropy_vjp", cotangent, labels)
    cdef cnp.ndarray g = solid(cotangent), probabilities, at
    _, probabilities, at = softmax_losses(logits, labels)
    cdef Py_ssize_t rows = cnp.PyArray_DIM(probabilities, 0), columns = cnp.PyArray_DIM(probabilities, 1)
    if kind_of(g) != kind_of(probabilities) or cnp.PyArray_SIZE(g) != rows:
        raise ValueError(f"cross_entropy_vjp: expected {rows} cotangents of {probabilities.dtype}, "
                         f"got shape {(<object>g).shape}, {g.dtype}")
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(2, cnp.PyArray_DIMS(probabilities), cnp.PyArray_TYPE(g), 0)
    K.cross_entropy_vjp[kind_of(g)](rows, columns, 0, cnp.PyArray_DATA(g), cnp.PyArray_DATA(probabilities),
                                    <const int64_t *>cnp.PyArray_DATA(at), cnp.PyArray_DATA(out))
    return out


def within(object array, double low, double high):
    """Whether all numbers lie between two limits."""
    cdef cnp.ndarray x = an_array(array)
    cdef int kind = cnp.PyArray_TYPE(x)
    cdef Py_ssize_t i, n = cnp.PyArray_SIZE(x)
    cdef double number
    if kind not in (cnp.NPY_INT64, cnp.NPY_FLOAT32, cnp.NPY_FLOAT64) or not cnp.PyArray_ISCARRAY_RO(x):
        return bool(np.all((array >= low) & (array <= high)))
    for i in range(n):
        if kind == cnp.NPY_INT64:
            number = <double>(<int64_t *>cnp.PyArray_DATA(x))[i]
        elif kind == cnp.NPY_FLOAT32:
            number = (<float *>cnp.PyArray_DATA(x))[i]
        else:
            number = (<double *>cnp.PyArray_DATA(x))[i]
        if not low <= number <= high:
            return False
    return True


def sgd(object weight, object gradient, object velocity, object lr, double momentum, bint nesterov,
        double weight_decay):
    """Gradient descent, in place: velocity (None without momentum) and weight; see `csrc/update.inc.h`."""
    if not isinstance(weight, cnp.ndarray):
        return recorded(weight, "sgd", gradient, velocity, lr, momentum, nesterov, weight_decay)
    cdef cnp.ndarray w = writable(weight, weight), g = solid(gradient), v = None
    cdef tgi_sgd rule = tgi_sgd(momentum, weight_decay, nesterov)
    cdef size_t n = cnp.PyArray_SIZE(w)
    cdef double rate = lr
    cdef void *velocities = NULL
    if kind_of(g) != kind_of(w) or <size_t>cnp.PyArray_SIZE(g) != n:
        raise ValueError("sgd: weight and gradient differ in dtype or size")
    if velocity is not None:
        v = writable(velocity, weight)
        velocities = cnp.PyArray_DATA(v)
    with nogil:
        K.sgd[0 if cnp.PyArray_ITEMSIZE(w) == 4 else 1](n, cnp.PyArray_DATA(w), cnp.PyArray_DATA(g), velocities, &rule,
                                                       rate)


def adam(object weight, object gradient, object m, object v, object powers, object lr, double beta1, double beta2,
         double eps, double weight_decay, bint decoupled):
    """Adam, in place: moments, powers of the betas (two of float64) and weight; see `csrc/update.inc.h`."""
    if not isinstance(weight, cnp.ndarray):
        return recorded(weight, "adam", gradient, m, v, powers, lr, beta1, beta2, eps,
                        weight_decay, decoupled)
    cdef cnp.ndarray w = writable(weight, weight), g = solid(gradient)
    cdef cnp.ndarray first = writable(m, weight), second = writable(v, weight), power = an_array(powers)
    cdef tgi_adam rule = tgi_adam(beta1, beta2, eps, weight_decay, decoupled)
    cdef size_t n = cnp.PyArray_SIZE(w)
    cdef double rate = lr
    if kind_of(g) != kind_of(w) or <size_t>cnp.PyArray_SIZE(g) != n:
        raise ValueError("adam: weight and gradient differ in dtype or size")
    if kind_of(power) != 1 or cnp.PyArray_SIZE(power) != 2 or not cnp.PyArray_ISCARRAY(power):
        raise ValueError("adam: expected the two powers as float64")
    with nogil:
        K.adam[0 if cnp.PyArray_ITEMSIZE(w) == 4 else 1](n, cnp.PyArray_DATA(w), cnp.PyArray_DATA(g),
                                                        cnp.PyArray_DATA(first), cnp.PyArray_DATA(second),
                                                        <double *>cnp.PyArray_DATA(power), &rule, rate)


cdef cnp.ndarray writable(object array, object weight):
    """An array to be changed in place, like the weight in size and dtype."""
    cdef cnp.ndarray x = an_array(array), w = an_array(weight)
    if not cnp.PyArray_ISCARRAY(x):
        raise ValueError("an array that is updated must lie in memory without gaps and be writable")
    if kind_of(x) != kind_of(w) or cnp.PyArray_SIZE(x) != cnp.PyArray_SIZE(w):
        raise ValueError("state and weight differ in dtype or size")
    return x
