/* Elementwise kernels on arrays, included once for each type and instruction set. The result may be an operand itself, but
 * not overlap one otherwise. */
#ifndef SAME_OR_APART
#if defined(__clang__)
#define SAME_OR_APART _Pragma("clang loop vectorize(assume_safety)")
#else
#define SAME_OR_APART _Pragma("GCC ivdep")
#endif
#endif

/* Whether sine and cosine may be computed by the near_ functions, which make vector code. */
static int T(all_near)(size_t n, const REAL *x) {
    int far = 0;
    for (size_t i = 0; i < n; i++)
        far |= !T(near)(x[i]);
    return !far;
}

static void T(unary)(int function, size_t n, const void *x_, double p_, void *out_) {
    const REAL *x = x_;
    REAL *out = out_;
    const REAL p = (REAL)p_;
    enum { TGI_near_sin = TGI_FUNCTIONS, TGI_near_cos };
    if ((function == TGI_sin || function == TGI_cos) && T(all_near)(n, x))
        function = function == TGI_sin ? TGI_near_sin : TGI_near_cos;
    switch (function) {
#define CASE(name, reads)                                                                                              \
    case TGI_##name:                                                                                                   \
        SAME_OR_APART                                                                                                  \
        for (size_t i = 0; i < n; i++)                                                                                 \
            out[i] = T(name)(x[i], p);                                                                                 \
        return;
        TGI_UNARY(CASE)
        CASE(near_sin, X)
        CASE(near_cos, X)
#undef CASE
    }
}

static void T(unary_vjp)(int function, size_t n, const void *g_, const void *kept_, double p_, void *cotangent_) {
    const REAL *g = g_, *kept = kept_;
    REAL *cotangent = cotangent_;
    const REAL p = (REAL)p_;
    enum { TGI_near_sin = TGI_FUNCTIONS, TGI_near_cos };
    if ((function == TGI_sin || function == TGI_cos) && T(all_near)(n, kept))
        function = function == TGI_sin ? TGI_near_sin : TGI_near_cos;
    switch (function) {
#define CASE(name, reads)                                                                                              \
    case TGI_##name:                                                                                                   \
        SAME_OR_APART                                                                                                  \
        for (size_t i = 0; i < n; i++)                                                                                 \
            cotangent[i] = T(name##_vjp)(g[i], kept[i], p);                                                            \
        return;
        TGI_UNARY(CASE)
        CASE(near_sin, X)
        CASE(near_cos, X)
#undef CASE
    }
}

/* One row of a broadcast operation. Contiguous operands and a stretched one (stride 0) get loops of their own, which the
 * compiler vectorizes; anything else is walked by its strides. */
#define ROW(name)                                                                                                      \
    static void T(name##_row)(size_t n, const char *x, ptrdiff_t sx, const char *y, ptrdiff_t sy, REAL *out) { \
        const ptrdiff_t one = sizeof(REAL);                                                                            \
        if (sx == one && sy == one) {                                                                                  \
            const REAL *xs = (const REAL *)x, *ys = (const REAL *)y;                                                   \
            SAME_OR_APART                                                                                              \
            for (size_t i = 0; i < n; i++)                                                                             \
                out[i] = T(name)(xs[i], ys[i]);                                                                        \
        } else if (sx == one && sy == 0) {                                                                             \
            const REAL *xs = (const REAL *)x, y0 = *(const REAL *)y;                                                   \
            SAME_OR_APART                                                                                              \
            for (size_t i = 0; i < n; i++)                                                                             \
                out[i] = T(name)(xs[i], y0);                                                                           \
        } else if (sx == 0 && sy == one) {                                                                             \
            const REAL x0 = *(const REAL *)x, *ys = (const REAL *)y;                                                   \
            SAME_OR_APART                                                                                              \
            for (size_t i = 0; i < n; i++)                                                                             \
                out[i] = T(name)(x0, ys[i]);                                                                           \
        } else {                                                                                                       \
            SAME_OR_APART                                                                                              \
            for (size_t i = 0; i < n; i++)                                                                             \
                out[i] = T(name)(*(const REAL *)(x + (ptrdiff_t)i * sx), *(const REAL *)(y + (ptrdiff_t)i * sy));      \
        }                                                                                                              \
    }
TGI_BINARY(ROW)
TGI_RELATION(ROW)
#undef ROW

static void T(binary_vjp)(int function, int input, size_t n, const void *g_, const void *x_, const void *y_,
                          const void *out_, void *cotangent_) {
    /* What the derivative does not read still has to be an array. */
    const REAL *g = g_, *x = x_ ? x_ : g_, *y = y_ ? y_ : g_, *out = out_ ? out_ : g_;
    REAL *cotangent = cotangent_;
    switch (2 * function + input) {
#define CASE(name)                                                                                                     \
    case 2 * TGI_##name:                                                                                               \
        SAME_OR_APART                                                                                                  \
        for (size_t i = 0; i < n; i++)                                                                                 \
            cotangent[i] = T(name##_x_vjp)(g[i], x[i], y[i], out[i]);                                                  \
        return;                                                                                                        \
    case 2 * TGI_##name + 1:                                                                                           \
        SAME_OR_APART                                                                                                  \
        for (size_t i = 0; i < n; i++)                                                                                 \
            cotangent[i] = T(name##_y_vjp)(g[i], x[i], y[i], out[i]);                                                  \
        return;
        TGI_BINARY(CASE)
#undef CASE
    }
}

/* Leave out axes of length 1 and merge neighbours that every operand walks through evenly: rows get long. Returns how many
 * axes are left (0: a single number), or -1 if there is nothing to do. */
static int T(merge_axes)(int operands, int ndim, const ptrdiff_t *shape, const ptrdiff_t *const *strides, ptrdiff_t *n,
                         ptrdiff_t (*s)[TGI_MAX_DIMS]) {
    int dims = 0;
    for (int d = 0; d < ndim; d++) {
        if (shape[d] == 0)
            return -1;
        if (shape[d] == 1)
            continue;
        int even = dims > 0;
        for (int o = 0; o < operands && even; o++)
            even = s[o][dims - 1] == shape[d] * strides[o][d];
        if (even)
            n[dims - 1] *= shape[d];
        else
            n[dims++] = shape[d];
        for (int o = 0; o < operands; o++)
            s[o][dims - 1] = strides[o][d];
    }
    return dims;
}

/* On to the next row: counts the outer axes up and moves each operand; 0 when all have been visited. */
static inline int T(next_row)(int operands, int last, const ptrdiff_t *n, ptrdiff_t *at, ptrdiff_t (*s)[TGI_MAX_DIMS],
                              const char **x) {
    for (int d = last - 1; d >= 0; d--) {
        for (int o = 0; o < operands; o++)
            x[o] += s[o][d];
        if (++at[d] < n[d])
            return 1;
        for (int o = 0; o < operands; o++)
            x[o] -= n[d] * s[o][d];
        at[d] = 0;
    }
    return 0;
}

static void T(binary)(int function, int ndim, const ptrdiff_t *shape, const void *x, const ptrdiff_t *x_strides,
                      const void *y, const ptrdiff_t *y_strides, void *out_) {
    typedef void (*row_kernel)(size_t, const char *, ptrdiff_t, const char *, ptrdiff_t, REAL *);
#define ENTRY(name) T(name##_row),
    static const row_kernel rows[] = {TGI_BINARY(ENTRY) TGI_RELATION(ENTRY)};
#undef ENTRY
    const row_kernel row = rows[function - TGI_UNARY_FUNCTIONS];
    const ptrdiff_t *const strides[2] = {x_strides, y_strides};
    const char *at_[2] = {x, y};
    ptrdiff_t n[TGI_MAX_DIMS], s[2][TGI_MAX_DIMS], at[TGI_MAX_DIMS] = {0};
    REAL *out = out_;
    const int dims = T(merge_axes)(2, ndim, shape, strides, n, s), last = dims - 1;
    if (dims < 0)
        return;
    if (dims == 0) {
        row(1, x, 0, y, 0, out);
        return;
    }
    do {
        row((size_t)n[last], at_[0], s[0][last], at_[1], s[1][last], out);
        out += n[last];
    } while (T(next_row)(2, last, n, at, s, at_));
}

static void T(select)(int ndim, const ptrdiff_t *shape, const void *condition, const ptrdiff_t *condition_strides,
                      const void *x, const ptrdiff_t *x_strides, const void *y, const ptrdiff_t *y_strides, void *out_) {
    const ptrdiff_t *const strides[3] = {condition_strides, x_strides, y_strides}, one = sizeof(REAL);
    const char *from[3] = {condition, x, y};
    ptrdiff_t n[TGI_MAX_DIMS], s[3][TGI_MAX_DIMS], at[TGI_MAX_DIMS] = {0};
    REAL *out = out_;
    const int dims = T(merge_axes)(3, ndim, shape, strides, n, s), last = dims - 1;
    if (dims < 0)
        return;
    if (dims == 0) {
        out[0] = *(const REAL *)from[0] != 0 ? *(const REAL *)from[1] : *(const REAL *)from[2];
        return;
    }
    do {
        const ptrdiff_t sc = s[0][last], sx = s[1][last], sy = s[2][last];
        const REAL *c = (const REAL *)from[0], *xs = (const REAL *)from[1], *ys = (const REAL *)from[2];
        if (sc == one && sx == one && sy == one) {
            SAME_OR_APART
            for (ptrdiff_t i = 0; i < n[last]; i++)
                out[i] = c[i] != 0 ? xs[i] : ys[i];
        } else if (sc == one && sx == one && sy == 0) {
            const REAL y0 = ys[0];
            SAME_OR_APART
            for (ptrdiff_t i = 0; i < n[last]; i++)
                out[i] = c[i] != 0 ? xs[i] : y0;
        } else {
            for (ptrdiff_t i = 0; i < n[last]; i++)
                out[i] = *(const REAL *)(from[0] + i * sc) != 0 ? *(const REAL *)(from[1] + i * sx)
                                                                : *(const REAL *)(from[2] + i * sy);
        }
        out += n[last];
    } while (T(next_row)(3, last, n, at, s, from));
}
