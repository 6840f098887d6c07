# Elementwise functions of one array and their derivatives; part of `compiled.pyx`.

# So many numbers of an elementwise function take some hundredths of a second: between them Ctrl-C is heard.
cdef enum:
    UNHEARD = 4194304


cpdef unary(int function, object array, double p=0.0):
    """An elementwise function of one array."""
    cdef cnp.ndarray x = solid(array)
    cdef int kind = kind_of(x)
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x), 0)
    cdef size_t n = cnp.PyArray_SIZE(x)
    if not 0 <= function < TGI_UNARY_FUNCTIONS:
        raise ValueError(f"no elementwise function of one array has the number {function}")
    cdef size_t each = cnp.PyArray_ITEMSIZE(x), done = 0
    cdef const char *read = <const char *>cnp.PyArray_DATA(x)
    cdef char *written = <char *>cnp.PyArray_DATA(out)
    if n < <size_t>NOGIL:
        K.unary[kind](function, n, read, p, written)
        return out
    with nogil:
        while n - done > UNHEARD and not ask():
            K.unary[kind](function, UNHEARD, read + done * each, p, written + done * each)
            done += UNHEARD
        if n - done <= UNHEARD:
            K.unary[kind](function, n - done, read + done * each, p, written + done * each)
            done = n
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
    cdef size_t each = cnp.PyArray_ITEMSIZE(g), done = 0
    cdef const char *cotangents = <const char *>cnp.PyArray_DATA(g)
    cdef const char *read = <const char *>cnp.PyArray_DATA(v)
    cdef char *written = <char *>cnp.PyArray_DATA(out)
    if n < <size_t>NOGIL:
        K.unary_vjp[kind](function, n, cotangents, read, p, written)
        return out
    with nogil:
        while n - done > UNHEARD and not ask():
            K.unary_vjp[kind](function, UNHEARD, cotangents + done * each, read + done * each, p, written + done * each)
            done += UNHEARD
        if n - done <= UNHEARD:
            K.unary_vjp[kind](function, n - done, cotangents + done * each, read + done * each, p, written + done * each)
            done = n
    if done < n:
        pass_on()
    return out
