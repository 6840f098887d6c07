/* Elementwise kernels on arrays, included once for each type and instruction set. */

static void T(unary)(int function, size_t n, const void *x_, double p_, void *out_) {
    const REAL *restrict x = x_;
    REAL *restrict out = out_;
    const REAL p = (REAL)p_;
    switch (function) {
#define CASE(name, reads)                                                                                              \
    case TGI_##name:                                                                                                   \
        for (size_t i = 0; i < n; i++)                                                                                 \
            out[i] = T(name)(x[i], p);                                                                                 \
        return;
        TGI_UNARY(CASE)
#undef CASE
    }
}

static void T(unary_vjp)(int function, size_t n, const void *g_, const void *kept_, double p_, void *cotangent_) {
    const REAL *restrict g = g_;
    const REAL *restrict kept = kept_;
    REAL *restrict cotangent = cotangent_;
    const REAL p = (REAL)p_;
    switch (function) {
#define CASE(name, reads)                                                                                              \
    case TGI_##name:                                                                                                   \
        for (size_t i = 0; i < n; i++)                                                                                 \
            cotangent[i] = T(name##_vjp)(g[i], kept[i], p);                                                            \
        return;
        TGI_UNARY(CASE)
#undef CASE
    }
}

/* One row of a broadcast operation. Contiguous operands and a stretched one (stride 0) get loops of their own, which the
 * compiler vectorizes; anything else is walked by its strides. */
#define ROW(name)                                                                                                      \
    static void T(name##_row)(size_t n, const char *x, ptrdiff_t sx, const char *y, ptrdiff_t sy, REAL *restrict out) { \
        const ptrdiff_t one = sizeof(REAL);                                                                            \
        if (sx == one && sy == one) {                                                                                  \
            const REAL *xs = (const REAL *)x, *ys = (const REAL *)y;                                                   \
            for (size_t i = 0; i < n; i++)                                                                             \
                out[i] = T(name)(xs[i], ys[i]);                                                                        \
        } else if (sx == one && sy == 0) {                                                                             \
            const REAL *xs = (const REAL *)x, y0 = *(const REAL *)y;                                                   \
            for (size_t i = 0; i < n; i++)                                                                             \
                out[i] = T(name)(xs[i], y0);                                                                           \
        } else if (sx == 0 && sy == one) {                                                                             \
            const REAL x0 = *(const REAL *)x, *ys = (const REAL *)y;                                                   \
            for (size_t i = 0; i < n; i++)                                                                             \
                out[i] = T(name)(x0, ys[i]);                                                                           \
        } else {                                                                                                       \
            for (size_t i = 0; i < n; i++)                                                                             \
                out[i] = T(name)(*(const REAL *)(x + (ptrdiff_t)i * sx), *(const REAL *)(y + (ptrdiff_t)i * sy));      \
        }                                                                                                              \
    }
TGI_BINARY(ROW)
#undef ROW

static void T(binary)(int function, int ndim, const ptrdiff_t *shape, const void *x, const ptrdiff_t *x_strides,
                      const void *y, const ptrdiff_t *y_strides, void *out_) {
    typedef void (*row_kernel)(size_t, const char *, ptrdiff_t, const char *, ptrdiff_t, REAL *);
#define ENTRY(name) T(name##_row),
    static const row_kernel rows[] = {TGI_BINARY(ENTRY)};
#undef ENTRY
    const row_kernel row = rows[function - TGI_UNARY_FUNCTIONS];
    REAL *out = out_;
    ptrdiff_t n[TGI_MAX_DIMS], sx[TGI_MAX_DIMS], sy[TGI_MAX_DIMS], at[TGI_MAX_DIMS] = {0};
    int dims = 0;
    /* Leave out axes of length 1 and merge neighbours that both operands walk through evenly: rows get long. */
    for (int d = 0; d < ndim; d++) {
        if (shape[d] == 0)
            return;
        if (shape[d] == 1)
            continue;
        if (dims > 0 && sx[dims - 1] == shape[d] * x_strides[d] && sy[dims - 1] == shape[d] * y_strides[d]) {
            n[dims - 1] *= shape[d];
            sx[dims - 1] = x_strides[d];
            sy[dims - 1] = y_strides[d];
        } else {
            n[dims] = shape[d];
            sx[dims] = x_strides[d];
            sy[dims] = y_strides[d];
            dims++;
        }
    }
    if (dims == 0) {
        row(1, x, 0, y, 0, out);
        return;
    }
    const int last = dims - 1;
    const char *px = x, *py = y;
    for (;;) {
        row((size_t)n[last], px, sx[last], py, sy[last], out);
        out += n[last];
        int d = last - 1;
        for (; d >= 0; d--) {
            px += sx[d];
            py += sy[d];
            if (++at[d] < n[d])
                break;
            px -= n[d] * sx[d];
            py -= n[d] * sy[d];
            at[d] = 0;
        }
        if (d < 0)
            return;
    }
}
