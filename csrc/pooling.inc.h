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
            out[i] = ((out[i] > a[i * s]) | (out[i] != out[i])) ? out[i] : a[i * s];
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

/* Whether windows are squares of four that tile the plane, the most frequent ones. */
static int T(tiles_by_four)(const tgi_windows *w) {
    int found = w->counts[0] == w->lengths[0] && w->size[0] == 1 && w->stride[0] == 1 && w->before[0] == 0;
    for (int d = 1; d < 3; d++)
        found &= w->size[d] == 2 && w->stride[d] == 2 && w->dilation[d] == 1 && w->before[d] == 0 &&
                 w->lengths[d] / 2 == w->counts[d];
    return found;
}

/* For these, windows of two rows in vectors of 16 bytes, as rows are short: of two vectors every other number, or back. */
typedef __typeof__((T(quad)){0} < (T(quad)){0}) T(quad_mask);

static inline void T(unzip)(const REAL *from, T(quad) *even, T(quad) *odd) {
    T(quad) x = *(const T(quad) *)from, y = *(const T(quad) *)(from + T(SIDE));
    for (int bit = 1; bit < T(SIDE); bit *= 2) {
        const T(quad) low = __builtin_shufflevector(x, y, ZIP_LOW), high = __builtin_shufflevector(x, y, ZIP_HIGH);
        x = low;
        y = high;
    }
    *even = x;
    *odd = y;
}

static inline void T(zip)(T(quad_mask) even, T(quad_mask) odd, T(quad) all, REAL *to) {
    const T(quad) x = (T(quad))(even & (T(quad_mask))all), y = (T(quad))(odd & (T(quad_mask))all);
    *(T(quad) *)to = __builtin_shufflevector(x, y, ZIP_LOW);
    *(T(quad) *)(to + T(SIDE)) = __builtin_shufflevector(x, y, ZIP_HIGH);
}

static inline T(quad) T(larger)(T(quad) x, T(quad) y) {
    const T(quad_mask) first = (x > y) | (x != x); /* NaN wins */
    return (T(quad))((first & (T(quad_mask))x) | (~first & (T(quad_mask))y));
}

/* Windows one row after the other; the last vector of a row may do some once more. `to` is one row, or two. */
static inline __attribute__((always_inline)) void T(pool_four)(const int back, const tgi_windows *w, const REAL *g,
                                                               const REAL *x, const REAL *largest, REAL *to) {
    const ptrdiff_t n = w->counts[2], length = w->lengths[2], rows = w->samples * w->counts[0] * w->counts[1];
    for (ptrdiff_t r = 0; r < rows; r++) {
        const ptrdiff_t from = (r / w->counts[1] * w->lengths[1] + r % w->counts[1] * 2) * length;
        const REAL *const row = x + from;
        for (ptrdiff_t i = 0; n >= T(SIDE) && i < n; i += T(SIDE)) {
            const ptrdiff_t at = i + T(SIDE) > n ? n - T(SIDE) : i;
            T(quad) a, b, c, d;
            T(unzip)(row + 2 * at, &a, &b);
            T(unzip)(row + length + 2 * at, &c, &d);
            if (back) {
                const T(quad) top = *(const T(quad) *)(largest + r * n + at), all = *(const T(quad) *)(g + r * n + at);
                const T(quad_mask) in_a = a == top, in_b = ~in_a & (b == top), in_c = ~in_a & ~in_b & (c == top);
                T(zip)(in_a, in_b, all, to + from + 2 * at);
                T(zip)(in_c, ~in_a & ~in_b & ~in_c & (d == top), all, to + from + length + 2 * at);
            } else {
                *(T(quad) *)(to + r * n + at) = T(larger)(T(larger)(a, b), T(larger)(c, d));
            }
        }
        for (ptrdiff_t i = 0; n < T(SIDE) && i < n; i++) {
            const REAL four[4] = {row[2 * i], row[2 * i + 1], row[length + 2 * i], row[length + 2 * i + 1]};
            REAL top = back ? largest[r * n + i] : four[0];
            int open = 1;
            for (int k = 0; k < 4; k++)
                if (back) {
                    const int hit = open & (four[k] == top);
                    to[from + k / 2 * length + 2 * i + k % 2] = hit ? g[r * n + i] : 0;
                    open &= !hit;
                } else {
                    top = T(maximum)(top, four[k]);
                }
            if (!back)
                to[r * n + i] = top;
        }
        if (back && length % 2)
            to[from + length - 1] = to[from + 2 * length - 1] = 0;
        if (back && w->lengths[1] % 2 && r % w->counts[1] == w->counts[1] - 1)
            memset(to + from + 2 * length, 0, (size_t)length * sizeof(REAL));
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
        if (T(tiles_by_four)(w))
            T(pool_four)(0, w, NULL, a, NULL, out);
        else
            T(pool_planes)(TGI_LARGEST, w, a, NULL, NULL, out);
        break;
    case TGI_LARGEST_VJP:
        if (T(tiles_by_four)(w))
            T(pool_four)(1, w, a, b, c, out);
        else
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
