/* Convolution and its two derivatives, included once for each type and instruction set.
 *
 * What lies under a position of the windows is a shifted copy of the image: with a stride above 1, of every stride-th
 * element of it, a phase. So the phases of a padded image are written out as lines, once, and each position in a window
 * (a tap) reads its vectors from there, at an offset of its own. Nothing is written out for each window.
 *
 * Forward, and by the input, a tile of the result is up to MR channels by NR_VECTORS vectors of windows, held in
 * registers while the taps pass by. By the input, each phase of the result is a convolution of the cotangent with those
 * taps that fall on it. By the weight, a tile is up to MR taps by NR_VECTORS vectors of channels while windows pass by. */

/* sums[i] = start[i] + Σ factors[t][i] * from[offsets[t]] for a tile of channels. `rows` is a constant at each call. */
static inline __attribute__((always_inline)) void T(add_taps)(const int rows, ptrdiff_t taps, const REAL *factors,
                                                              const ptrdiff_t *offsets, const REAL *const *from,
                                                              const REAL *start, T(vector) (*sums)[NR_VECTORS]) {
    T(vector) c[MR][NR_VECTORS];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int j = 0; j < NR_VECTORS; j++)
            c[i][j] = (start ? start[i] : 0) - (T(vector)){0};
    for (ptrdiff_t t = 0; t < taps; t++, factors += rows) {
        T(vector) row[NR_VECTORS];
#pragma GCC unroll 4
        for (int j = 0; j < NR_VECTORS; j++)
            row[j] = T(load)(from[j] + offsets[t]);
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
            for (int j = 0; j < NR_VECTORS; j++)
                c[i][j] += factors[i] * row[j];
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int j = 0; j < NR_VECTORS; j++)
            sums[i][j] = c[i][j];
}

/* A tile of the weight's cotangent: for tap i the sum over all windows of lines[offsets[i]] times the channels there. */
static inline __attribute__((always_inline)) void T(add_windows)(const int rows, const int vectors, const T(lines) *L,
                                                                 ptrdiff_t samples, const REAL *lines,
                                                                 const ptrdiff_t *offsets, const REAL *g, ptrdiff_t apart,
                                                                 REAL *sums, ptrdiff_t to_next) {
    const T(line) *Z = &L->axis[0], *Y = &L->axis[1], *X = &L->axis[2];
    T(vector) c[MR][NR_VECTORS];
    const REAL *from[MR];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        from[i] = lines + offsets[i];
#pragma GCC unroll 4
        for (int j = 0; j < vectors; j++)
            c[i][j] = T(load)(sums + i * to_next + j * T(LANES));
    }
    for (ptrdiff_t n = 0; n < samples; n++)
        for (ptrdiff_t z = 0; z < Z->count; z++)
            for (ptrdiff_t y = 0; y < Y->count; y++) {
                const ptrdiff_t begin = n * L->plane + (z * Y->line + y) * X->line;
                for (ptrdiff_t at = begin; at < begin + X->count; at++, g += apart) {
                    T(vector) row[NR_VECTORS];
#pragma GCC unroll 4
                    for (int j = 0; j < vectors; j++)
                        row[j] = T(load)(g + j * T(LANES));
#pragma GCC unroll 16
                    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
                        for (int j = 0; j < vectors; j++)
                            c[i][j] += from[i][at] * row[j];
                }
            }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int j = 0; j < vectors; j++)
            T(store)(sums + i * to_next + j * T(LANES), c[i][j]);
}

typedef void (*T(taps_kernel))(ptrdiff_t, const REAL *, const ptrdiff_t *, const REAL *const *, const REAL *,
                               T(vector) (*)[NR_VECTORS]);
typedef void (*T(windows_kernel))(const T(lines) *, ptrdiff_t, const REAL *, const ptrdiff_t *, const REAL *, ptrdiff_t,
                                  REAL *, ptrdiff_t);
#define KERNELS(rows)                                                                                                  \
    static void T(taps_##rows)(ptrdiff_t taps, const REAL *factors, const ptrdiff_t *offsets, const REAL *const *from, \
                               const REAL *start, T(vector) (*sums)[NR_VECTORS]) {                                     \
        T(add_taps)(rows, taps, factors, offsets, from, start, sums);                                                  \
    }                                                                                                                  \
    static void T(windows_##rows)(const T(lines) *L, ptrdiff_t samples, const REAL *lines, const ptrdiff_t *offsets,   \
                                  const REAL *g, ptrdiff_t apart, REAL *sums, ptrdiff_t to_next) {                     \
        T(add_windows)(rows, NR_VECTORS, L, samples, lines, offsets, g, apart, sums, to_next);                         \
    }                                                                                                                  \
    static void T(narrow_windows_##rows)(const T(lines) *L, ptrdiff_t samples, const REAL *lines,                      \
                                         const ptrdiff_t *offsets, const REAL *g, ptrdiff_t apart, REAL *sums,         \
                                         ptrdiff_t to_next) {                                                          \
        T(add_windows)(rows, 1, L, samples, lines, offsets, g, apart, sums, to_next);                                  \
    }
ROWS(KERNELS)
#undef KERNELS
#define NAMES(rows) T(taps_##rows),
static const T(taps_kernel) T(taps_kernels)[MR] = {ROWS(NAMES)};
#undef NAMES
#define NAMES(rows) {T(narrow_windows_##rows), T(windows_##rows)},
static const T(windows_kernel) T(windows_kernels)[MR][2] = {ROWS(NAMES)};
#undef NAMES

/* `total` rows in the fewest tiles of at most MR, as even as they go: where tile i begins. */
static ptrdiff_t T(tiles)(ptrdiff_t total) { return (total + MR - 1) / MR; }
static ptrdiff_t T(tile_begin)(ptrdiff_t total, ptrdiff_t i) {
    const ptrdiff_t tiles = T(tiles)(total);
    return tiles ? total * i / tiles : 0;
}

/* The work memory, handed out part by part; with NULL it is only counted. */
typedef struct {
    char *at;
    size_t used;
} T(room);

static void *T(take)(T(room) *r, size_t size) {
    const size_t begin = (r->used + 63) / 64 * 64;
    r->used = begin + size;
    return r->at ? r->at + begin : NULL;
}

/* One group of channels of all samples from `first` to `last` of a result, from lines and taps. */
typedef struct {
    const T(lines) *L;
    const T(target) *target;
    ptrdiff_t rows, taps, size; /* channels of the result, and numbers in one of them */
    REAL *lines, *factors;
    ptrdiff_t *offsets;
    T(vector_place) *places;
} T(pass);

static void T(plan_pass)(T(pass) *P, const T(lines) *L, const T(target) *t, ptrdiff_t rows, ptrdiff_t taps, T(room) *room) {
    const size_t vectors = (size_t)T(place_vectors)(L, t, L->samples, NULL);
    P->L = L;
    P->target = t;
    P->rows = rows;
    P->taps = taps;
    P->size = t->lengths[0] * t->lengths[1] * t->lengths[2];
    P->lines = T(take)(room, T(size_of_lines)(L, L->channels) * sizeof(REAL));
    P->factors = T(take)(room, (size_t)(rows * taps) * sizeof(REAL));
    P->offsets = T(take)(room, (size_t)taps * sizeof(ptrdiff_t));
    P->places = T(take)(room, vectors * sizeof(T(vector_place)));
}

static void T(store_sums)(const T(vector_place) *place, ptrdiff_t rows, ptrdiff_t size, T(vector) (*sums)[NR_VECTORS],
                          REAL *out) {
    if (place->lanes) {
        for (ptrdiff_t i = 0; i < rows; i++)
            T(store_part)(out + i * size + place->to, (size_t)place->lanes, sums[i][0]);
        return;
    }
    for (ptrdiff_t l = 0; l < T(LANES); l++)
        if (place->places[l] >= 0)
            for (ptrdiff_t i = 0; i < rows; i++)
                out[i * size + place->places[l]] = ((const REAL *)&sums[i][0])[l];
}

static void T(run_pass)(const T(pass) *P, ptrdiff_t first, ptrdiff_t last, const REAL *x, ptrdiff_t x_apart,
                        const REAL *start, REAL *out) {
    const T(lines) *L = P->L;
    ptrdiff_t placed = -1, vectors = 0;
    for (ptrdiff_t n = first; n < last; n += L->samples) {
        const ptrdiff_t samples = last - n < L->samples ? last - n : L->samples;
        T(write_lines)(L, L->channels, samples, x + n * x_apart, x_apart, P->lines);
        if (samples != placed)
            vectors = T(place_vectors)(L, P->target, samples, P->places);
        placed = samples;
        for (ptrdiff_t v = 0; v < vectors; v += NR_VECTORS) {
            const REAL *from[NR_VECTORS];
            for (int j = 0; j < NR_VECTORS; j++) /* behind the last it is computed again */
                from[j] = P->lines + P->places[v + j < vectors ? v + j : vectors - 1].at;
            for (ptrdiff_t tile = 0; tile < T(tiles)(P->rows); tile++) {
                const ptrdiff_t i0 = T(tile_begin)(P->rows, tile), rows = T(tile_begin)(P->rows, tile + 1) - i0;
                T(vector) sums[MR][NR_VECTORS];
                T(taps_kernels)[rows - 1](P->taps, P->factors + i0 * P->taps, P->offsets, from, start ? start + i0 : NULL, sums);
                for (int j = 0; j < NR_VECTORS && v + j < vectors; j++)
                    T(store_sums)(&P->places[v + j], rows, P->size, (T(vector)(*)[NR_VECTORS])&sums[0][j],
                                  out + n * P->target->apart + i0 * P->size);
            }
        }
    }
}

/* The offset of a tap of the input's lines. */
static ptrdiff_t T(offset_of)(const tgi_windows *w, const T(lines) *L, ptrdiff_t c, const ptrdiff_t *k) {
    ptrdiff_t phase = 0, shift = 0;
    for (int d = 0; d < 3; d++) {
        phase = phase * L->axis[d].phases + k[d] % L->axis[d].phases;
        shift = shift * L->axis[d].line + k[d] * w->dilation[d] / w->stride[d];
    }
    return (c * L->phases + phase) * L->samples * L->plane + shift;
}

static ptrdiff_t T(volume)(const ptrdiff_t *n) { return n[0] * n[1] * n[2]; }

static size_t T(conv_forward)(const tgi_windows *w, ptrdiff_t first, ptrdiff_t last, const REAL *x, const REAL *weight,
                              const REAL *bias, REAL *out, char *work) {
    const ptrdiff_t size = T(volume)(w->size), taps = w->inputs * size, counts = T(volume)(w->counts);
    T(lines) L;
    T(lines_of_input)(w, &L);
    const T(target) target = {{0, 0, 0}, {1, 1, 1}, {w->counts[0], w->counts[1], w->counts[2]}, w->groups * w->outputs * counts};
    T(room) room = {work, 0};
    T(pass) P;
    T(plan_pass)(&P, &L, &target, w->outputs, taps, &room);
    if (!work)
        return room.used;
    for (ptrdiff_t t = 0; t < taps; t++) {
        const ptrdiff_t k = t % size, at[3] = {k / (w->size[1] * w->size[2]), k / w->size[2] % w->size[1], k % w->size[2]};
        P.offsets[t] = T(offset_of)(w, &L, t / size, at);
    }
    const ptrdiff_t channel = T(volume)(w->lengths);
    for (ptrdiff_t g = 0; g < w->groups; g++) {
        for (ptrdiff_t tile = 0; tile < T(tiles)(w->outputs); tile++) {
            const ptrdiff_t i0 = T(tile_begin)(w->outputs, tile), rows = T(tile_begin)(w->outputs, tile + 1) - i0;
            T(pack)((size_t)taps, (size_t)rows, weight + (g * w->outputs + i0) * taps, 1, taps, P.factors + i0 * taps);
        }
        T(run_pass)(&P, first, last, x + g * w->inputs * channel, w->groups * w->inputs * channel,
                    bias ? bias + g * w->outputs : NULL, out + g * w->outputs * counts);
    }
    return room.used;
}

static size_t T(conv_input_phase)(const tgi_windows *w, const ptrdiff_t *phase, ptrdiff_t first, ptrdiff_t last,
                                  const REAL *g, const REAL *weight, REAL *out, char *work) {
    const ptrdiff_t size = T(volume)(w->size), counts = T(volume)(w->counts), channel = T(volume)(w->lengths);
    T(lines) L;
    T(reach) R[3];
    T(lines_of_cotangent)(w, phase, &L, R);
    const T(target) target = {{R[0].to, R[1].to, R[2].to}, {w->stride[0], w->stride[1], w->stride[2]},
                              {w->lengths[0], w->lengths[1], w->lengths[2]}, w->groups * w->inputs * channel};
    const ptrdiff_t each = R[0].taps * R[1].taps * R[2].taps, taps = w->outputs * each;
    T(room) room = {work, 0};
    T(pass) P;
    T(plan_pass)(&P, &L, &target, w->inputs, taps, &room);
    if (!work)
        return room.used;
    for (ptrdiff_t group = 0; group < w->groups; group++) {
        for (ptrdiff_t t = 0; t < taps; t++) {
            const ptrdiff_t o = t / each, i = t % each;
            const ptrdiff_t part[3] = {i / (R[1].taps * R[2].taps), i / R[2].taps % R[1].taps, i % R[2].taps};
            ptrdiff_t shift = 0, k = 0;
            for (int d = 0; d < 3; d++) {
                const ptrdiff_t at = R[d].first + part[d] * R[d].period;
                k = k * w->size[d] + at;
                shift = shift * L.axis[d].line + L.axis[d].line - L.axis[d].count - at * w->dilation[d] / w->stride[d];
            }
            P.offsets[t] = o * L.samples * L.plane + shift;
            for (ptrdiff_t tile = 0; tile < T(tiles)(w->inputs); tile++) {
                const ptrdiff_t i0 = T(tile_begin)(w->inputs, tile), rows = T(tile_begin)(w->inputs, tile + 1) - i0;
                for (ptrdiff_t c = 0; c < rows; c++)
                    P.factors[i0 * taps + t * rows + c] = weight[((group * w->outputs + o) * w->inputs + i0 + c) * size + k];
            }
        }
        T(run_pass)(&P, first, last, g + group * w->outputs * counts, w->groups * w->outputs * counts, NULL,
                    out + group * w->inputs * channel);
    }
    return room.used;
}

static size_t T(conv_input)(const tgi_windows *w, ptrdiff_t first, ptrdiff_t last, const REAL *g, const REAL *weight,
                            REAL *out, char *work) {
    const ptrdiff_t channels = w->groups * w->inputs * T(volume)(w->lengths);
    ptrdiff_t phases[3], all = 1;
    size_t most = 0;
    for (int d = 0; d < 3; d++) {
        const ptrdiff_t period = T(period)(w->stride[d], w->dilation[d]);
        phases[d] = period < w->size[d] ? period : w->size[d];
        all *= w->stride[d];
    }
    if (work && all > T(volume)(phases)) /* some places no window reaches */
        memset(out + first * channels, 0, (size_t)((last - first) * channels) * sizeof(REAL));
    for (ptrdiff_t f = 0; f < T(volume)(phases); f++) {
        const ptrdiff_t phase[3] = {f / (phases[1] * phases[2]), f / phases[2] % phases[1], f % phases[2]};
        const size_t used = T(conv_input_phase)(w, phase, first, last, g, weight, out, work);
        most = used > most ? used : most;
    }
    return most;
}

/* The weight's cotangent, for the input's channels from `first` to `last`, counted over all groups. */
static size_t T(conv_weight)(const tgi_windows *w, ptrdiff_t first, ptrdiff_t last, const REAL *x, const REAL *g, REAL *out,
                             char *work) {
    const ptrdiff_t size = T(volume)(w->size), counts = T(volume)(w->counts), channel = T(volume)(w->lengths);
    const ptrdiff_t wide = (w->outputs + T(LANES) - 1) / T(LANES) * T(LANES); /* channels of the result, in whole vectors */
    T(lines) L;
    T(lines_of_input)(w, &L);
    T(room) room = {work, 0};
    REAL *lines = T(take)(&room, T(size_of_lines)(&L, L.channels) * sizeof(REAL));
    /* Vectors may be read past the end of a row, into channels that are not there. */
    REAL *panel = T(take)(&room, (size_t)(L.samples * counts * T(NR) + T(NR)) * sizeof(REAL));
    REAL *sums = T(take)(&room, (size_t)(w->inputs * size * wide) * sizeof(REAL));
    ptrdiff_t *offsets = T(take)(&room, (size_t)(w->inputs * size) * sizeof(ptrdiff_t));
    if (!work)
        return room.used;
    for (ptrdiff_t group = 0; group < w->groups; group++) {
        const ptrdiff_t from = group * w->inputs, c0 = first > from ? first - from : 0;
        const ptrdiff_t c1 = last - from < w->inputs ? last - from : w->inputs, taps = (c1 - c0) * size;
        if (c1 <= c0)
            continue;
        for (ptrdiff_t t = 0; t < taps; t++) {
            const ptrdiff_t k = t % size, at[3] = {k / (w->size[1] * w->size[2]), k / w->size[2] % w->size[1], k % w->size[2]};
            offsets[t] = T(offset_of)(w, &L, t / size, at);
        }
        memset(sums, 0, (size_t)(taps * wide) * sizeof(REAL));
        memset(panel, 0, (size_t)(L.samples * counts * T(NR) + T(NR)) * sizeof(REAL));
        for (ptrdiff_t n = 0; n < w->samples; n += L.samples) {
            const ptrdiff_t samples = w->samples - n < L.samples ? w->samples - n : L.samples;
            T(write_lines)(&L, c1 - c0, samples, x + (n * w->groups * w->inputs + from + c0) * channel,
                           w->groups * w->inputs * channel, lines);
            /* A panel of channels of the cotangent stays near while all taps pass by. */
            for (ptrdiff_t o = 0; o < wide;) {
                const int whole = wide - o >= T(NR);
                const ptrdiff_t across = whole ? T(NR) : T(LANES), there = w->outputs - o < across ? w->outputs - o : across;
                for (ptrdiff_t s = 0; s < samples; s++)
                    T(pack)((size_t)counts, (size_t)there, g + (((n + s) * w->groups + group) * w->outputs + o) * counts, 1, counts,
                            panel + s * counts * there);
                for (ptrdiff_t tile = 0; tile < T(tiles)(taps); tile++) {
                    const ptrdiff_t i0 = T(tile_begin)(taps, tile), rows = T(tile_begin)(taps, tile + 1) - i0;
                    T(windows_kernels)[rows - 1][whole](&L, samples, lines, offsets + i0, panel, there, sums + i0 * wide + o, wide);
                }
                o += across;
            }
        }
        for (ptrdiff_t o = 0; o < w->outputs; o++)
            for (ptrdiff_t t = 0; t < taps; t++)
                out[((group * w->outputs + o) * w->inputs + c0) * size + t] = sums[t * wide + o];
    }
    return room.used;
}

/* Parts `first` to `last` of one of the three: samples, but of the weight's cotangent channels of the input. With no work
 * memory nothing is done; returns how much of it is needed. */
static size_t T(convolve)(int which, const tgi_windows *w, ptrdiff_t first, ptrdiff_t last, const void *a, const void *b,
                          const void *bias, void *out, void *work) {
    if (which == TGI_FORWARD)
        return T(conv_forward)(w, first, last, a, b, bias, out, work);
    if (which == TGI_BY_INPUT)
        return T(conv_input)(w, first, last, a, b, out, work);
    return T(conv_weight)(w, first, last, a, b, out, work);
}
