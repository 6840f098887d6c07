/* One number for each window, included once for each type and instruction set: window by window along a row, all rows of a
 * plane, position by position, so that nothing is decided by numbers. */

/* Those windows `begin` to `end` of an axis whose position k lies inside, and the element of the first. */
typedef struct {
    ptrdiff_t begin, end, at;
} T(stretch_of_windows);

static T(stretch_of_windows) T(inside)(const tgi_windows *w, int d, ptrdiff_t k) {
    const ptrdiff_t s = w->stride[d], shift = k * w->dilation[d] - w->before[d];
    T(stretch_of_windows) found = {shift < 0 ? (s - 1 - shift) / s : 0, 0, 0};
    found.end = w->lengths[d] > shift ? (w->lengths[d] - shift + s - 1) / s : 0;
    found.end = found.end > w->counts[d] ? w->counts[d] : found.end;
    found.at = found.begin * s + shift;
    return found;
}

/* One position of the windows of a row: x, and what lies like it, from its first element on, a window's `s` further. */
static inline __attribute__((always_inline)) void T(pool_position)(const int which, const ptrdiff_t s, ptrdiff_t n,
                                                                   const REAL *a, const REAL *x, const REAL *largest,
                                                                   REAL *out, REAL *open, REAL share) {
    for (ptrdiff_t i = 0; i < n; i++) {
        if (which == TGI_LARGEST) {
            out[i] = T(maximum)(out[i], a[i * s]);
        } else if (which == TGI_MEAN) {
            out[i] += a[i * s];
        } else if (which == TGI_MEAN_VJP) {
            out[i * s] += a[i] * share;
        } else { /* `open` is 1 until a window has met its largest */
            const REAL hit = x[i * s] == largest[i] ? open[i] : 0;
            open[i] -= hit;
            if (which == TGI_LARGEST_VJP)
                out[i * s] = hit != 0 ? out[i * s] + a[i] : out[i * s];
            else
                out[i] = hit != 0 ? a[i * s] : out[i];
        }
    }
}

/* A stride that is known makes vectors of steps in memory. */
static inline __attribute__((always_inline)) void T(pool_any)(const int which, ptrdiff_t s, ptrdiff_t n, const REAL *a,
                                                              const REAL *x, const REAL *largest, REAL *out, REAL *open,
                                                              REAL share) {
    if (s == 1)
        T(pool_position)(which, 1, n, a, x, largest, out, open, share);
    else if (s == 2)
        T(pool_position)(which, 2, n, a, x, largest, out, open, share);
    else
        T(pool_position)(which, s, n, a, x, largest, out, open, share);
}

/* A row of windows, some at a time. */
static inline __attribute__((always_inline)) void T(pool_row)(const int which, const tgi_windows *w, const REAL *a,
                                                              const REAL *x, const REAL *largest, REAL *out, ptrdiff_t oz,
                                                              ptrdiff_t oy, REAL share) {
    enum { PART = 128 };
    const int to_input = which == TGI_LARGEST_VJP || which == TGI_MEAN_VJP;
    const int from_input = which == TGI_LARGEST || which == TGI_MEAN || which == TGI_AT_LARGEST;
    REAL open[PART];
    for (ptrdiff_t p0 = 0; p0 < w->counts[2]; p0 += PART) {
        const ptrdiff_t p1 = w->counts[2] - p0 < PART ? w->counts[2] : p0 + PART;
        for (ptrdiff_t i = 0; i < p1 - p0; i++)
            open[i] = 1;
        for (ptrdiff_t kz = 0; kz < w->size[0]; kz++) {
            const ptrdiff_t z = oz * w->stride[0] + kz * w->dilation[0] - w->before[0];
            if (z < 0 || z >= w->lengths[0])
                continue;
            for (ptrdiff_t ky = 0; ky < w->size[1]; ky++) {
                const ptrdiff_t y = oy * w->stride[1] + ky * w->dilation[1] - w->before[1];
                if (y < 0 || y >= w->lengths[1])
                    continue;
                const ptrdiff_t row = (z * w->lengths[1] + y) * w->lengths[2];
                for (ptrdiff_t kx = 0; kx < w->size[2]; kx++) {
                    const T(stretch_of_windows) in = T(inside)(w, 2, kx);
                    const ptrdiff_t begin = in.begin > p0 ? in.begin : p0, end = in.end < p1 ? in.end : p1;
                    if (begin >= end)
                        continue;
                    const ptrdiff_t at = row + in.at + (begin - in.begin) * w->stride[2];
                    T(pool_any)(which, w->stride[2], end - begin, a + (from_input ? at : begin), x ? x + at : NULL,
                                largest ? largest + begin : NULL, out + (to_input ? at : begin), open + (begin - p0), share);
                }
            }
        }
        if (which == TGI_MEAN)
            for (ptrdiff_t i = p0; i < p1; i++)
                out[i] *= share;
    }
}

static inline __attribute__((always_inline)) void T(pool_planes)(const int which, const tgi_windows *w, const REAL *a,
                                                                 const REAL *x, const REAL *largest, REAL *out) {
    const ptrdiff_t plane = T(volume)(w->lengths), counts = T(volume)(w->counts);
    const int to_input = which == TGI_LARGEST_VJP || which == TGI_MEAN_VJP;
    const int from_input = which == TGI_LARGEST || which == TGI_MEAN || which == TGI_AT_LARGEST;
    const REAL share = (REAL)(1.0 / (double)T(volume)(w->size));
    const ptrdiff_t numbers = w->samples * (to_input ? plane : counts);
    for (ptrdiff_t i = 0; i < numbers; i++)
        out[i] = which == TGI_LARGEST ? -(REAL)INFINITY : 0;
    for (ptrdiff_t n = 0; n < w->samples; n++)
        for (ptrdiff_t oz = 0; oz < w->counts[0]; oz++)
            for (ptrdiff_t oy = 0; oy < w->counts[1]; oy++) {
                const ptrdiff_t row = n * counts + (oz * w->counts[1] + oy) * w->counts[2];
                T(pool_row)(which, w, a + (from_input ? n * plane : row), x ? x + n * plane : NULL,
                            largest ? largest + row : NULL, out + (to_input ? n * plane : row), oz, oy, share);
            }
}

static void T(pool)(int which, const tgi_windows *w, const void *a, const void *b, const void *c, void *out) {
    switch (which) {
    case TGI_LARGEST:
        T(pool_planes)(TGI_LARGEST, w, a, NULL, NULL, out);
        break;
    case TGI_LARGEST_VJP:
        T(pool_planes)(TGI_LARGEST_VJP, w, a, b, c, out);
        break;
    case TGI_AT_LARGEST:
        T(pool_planes)(TGI_AT_LARGEST, w, a, b, c, out);
        break;
    case TGI_MEAN:
        T(pool_planes)(TGI_MEAN, w, a, NULL, NULL, out);
        break;
    default:
        T(pool_planes)(TGI_MEAN_VJP, w, a, NULL, NULL, out);
    }
}
