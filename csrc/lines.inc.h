/* Images written out for convolutions, included once for each type and instruction set: what is read of a padded image,
 * phase by phase, as lines (convolution.inc.h says why), and where the vectors of a result begin there and go. */

/* How the lines of one channel lie along an axis: element u of phase f is the source's u * step + f * spread % step - start,
 * zero where there is none. */
typedef struct {
    ptrdiff_t length, step, spread, start, phases, line, count;
} T(line);

typedef struct {
    T(line) axis[3];
    ptrdiff_t channels, samples; /* of a group, and how many samples lie in a line behind each other */
    ptrdiff_t plane, phases;     /* numbers in a phase of a sample, phases of a channel */
} T(lines);

enum { T(WINDOWS_AT_ONCE) = 256 }; /* small images are put together until there are about so many */

/* After how many positions of a window the phases come again. */
static ptrdiff_t T(period)(ptrdiff_t stride, ptrdiff_t dilation) {
    ptrdiff_t a = stride, b = dilation;
    while (b) {
        const ptrdiff_t rest = a % b;
        a = b;
        b = rest;
    }
    return stride / a;
}

static void T(measure_lines)(T(lines) *L, ptrdiff_t channels, ptrdiff_t samples) {
    ptrdiff_t windows = 1;
    L->plane = L->phases = 1;
    for (int d = 0; d < 3; d++) {
        L->plane *= L->axis[d].line;
        L->phases *= L->axis[d].phases;
        windows *= L->axis[d].count;
    }
    const ptrdiff_t enough = windows > 0 ? (T(WINDOWS_AT_ONCE) + windows - 1) / windows : 1;
    L->channels = channels;
    L->samples = samples < enough ? samples : enough;
}

static void T(lines_of_input)(const tgi_windows *w, T(lines) *L) {
    for (int d = 0; d < 3; d++) {
        const ptrdiff_t period = T(period)(w->stride[d], w->dilation[d]);
        L->axis[d] = (T(line)){w->lengths[d], w->stride[d], w->dilation[d], w->before[d],
                               period < w->size[d] ? period : w->size[d],
                               w->counts[d] + (w->size[d] - 1) * w->dilation[d] / w->stride[d], w->counts[d]};
    }
    T(measure_lines)(L, w->inputs, w->samples);
}

/* Which places of the input a phase reaches, and by which taps: `first`, then each `period`-th. */
typedef struct {
    ptrdiff_t first, period, taps, to; /* the first place */
} T(reach);

static void T(lines_of_cotangent)(const tgi_windows *w, const ptrdiff_t *phase, T(lines) *L, T(reach) *R) {
    for (int d = 0; d < 3; d++) {
        const ptrdiff_t s = w->stride[d], f = phase[d], rest = f * w->dilation[d] % s, period = T(period)(s, w->dilation[d]);
        const ptrdiff_t begin = w->before[d] > rest ? (w->before[d] - rest + s - 1) / s : 0;
        const ptrdiff_t end = w->lengths[d] + w->before[d] - rest > 0 ? (w->lengths[d] + w->before[d] - rest + s - 1) / s : 0;
        const ptrdiff_t taps = (w->size[d] - f + period - 1) / period, count = end > begin ? end - begin : 0;
        const ptrdiff_t shift = ((f + (taps - 1) * period) * w->dilation[d] - rest) / s;
        L->axis[d] = (T(line)){w->counts[d], 1, 0, shift - begin, 1, count + shift, count};
        R[d] = (T(reach)){f, period, taps, begin * s + rest - w->before[d]};
    }
    T(measure_lines)(L, w->outputs, w->samples);
}

/* Write out the lines of `samples` samples, `apart` numbers from one to the next, from the first channel `x` on. */
static void T(write_lines)(const T(lines) *L, ptrdiff_t channels, ptrdiff_t samples, const REAL *x, ptrdiff_t apart,
                           REAL *to) {
    const T(line) *Z = &L->axis[0], *Y = &L->axis[1], *X = &L->axis[2];
    const ptrdiff_t size = Z->length * Y->length * X->length;
    for (ptrdiff_t c = 0; c < channels; c++)
        for (ptrdiff_t phase = 0; phase < L->phases; phase++) {
            const ptrdiff_t fz = phase / (Y->phases * X->phases), fy = phase / X->phases % Y->phases, fx = phase % X->phases;
            const ptrdiff_t rx = X->step > 1 ? fx * X->spread % X->step : 0, shift = rx - X->start;
            /* The elements begin ... end of a row lie inside of the source. */
            ptrdiff_t begin = shift < 0 ? (X->step - 1 - shift) / X->step : 0, end = (X->length - shift + X->step - 1) / X->step;
            end = X->length <= shift ? 0 : end > X->line ? X->line : end;
            begin = begin > end ? end : begin;
            for (ptrdiff_t n = 0; n < L->samples; n++)
                for (ptrdiff_t z = 0; z < Z->line; z++)
                    for (ptrdiff_t y = 0; y < Y->line; y++, to += X->line) {
                        const ptrdiff_t at_z = z * Z->step + (Z->step > 1 ? fz * Z->spread % Z->step : 0) - Z->start;
                        const ptrdiff_t at_y = y * Y->step + (Y->step > 1 ? fy * Y->spread % Y->step : 0) - Y->start;
                        if (n >= samples || at_z < 0 || at_z >= Z->length || at_y < 0 || at_y >= Y->length) {
                            memset(to, 0, (size_t)X->line * sizeof(REAL));
                            continue;
                        }
                        const REAL *row = x + n * apart + c * size + (at_z * Y->length + at_y) * X->length + shift;
                        for (ptrdiff_t u = 0; u < begin; u++)
                            to[u] = 0;
                        if (X->step == 1)
                            for (ptrdiff_t u = begin; u < end; u++)
                                to[u] = row[u];
                        else
                            for (ptrdiff_t u = begin; u < end; u++)
                                to[u] = row[u * X->step];
                        for (ptrdiff_t u = end; u < X->line; u++)
                            to[u] = 0;
                    }
        }
}

static size_t T(size_of_lines)(const T(lines) *L, ptrdiff_t channels) { /* vectors may be read past the end */
    return (size_t)(channels * L->phases * L->samples * L->plane) + 2 * T(LANES);
}

/* A vector of results: where its lines begin, and where it goes: `lanes` numbers from `to` on or, with none, each number to
 * a place of its own, -1 for those between the windows. */
typedef struct {
    ptrdiff_t at, to, lanes;
    ptrdiff_t places[T(LANES)];
} T(vector_place);

typedef struct {
    ptrdiff_t begin[3], step[3], lengths[3], apart; /* of the results; from sample to sample */
} T(target);

/* Results of a vector go side by side where no gap between rows lies among them. */
static void T(join_lanes)(T(vector_place) *v) {
    ptrdiff_t joined = 0, lanes = T(LANES);
    while (lanes > 0 && v->places[lanes - 1] < 0)
        lanes--;
    while (joined < lanes && v->places[joined] == v->places[0] + joined)
        joined++;
    v->to = v->places[0];
    v->lanes = joined == lanes && v->to >= 0 ? lanes : 0;
}

/* The vectors of all windows. Those of a row by themselves, or one behind the other over all rows and what lies between
 * them, whichever are fewer. With NULL they are only counted. */
static ptrdiff_t T(place_vectors)(const T(lines) *L, const T(target) *t, ptrdiff_t samples, T(vector_place) *found) {
    const T(line) *Z = &L->axis[0], *Y = &L->axis[1], *X = &L->axis[2];
    const ptrdiff_t by_row = (X->count + T(LANES) - 1) / T(LANES), rows = samples * Z->count * Y->count;
    if (rows == 0 || X->count == 0)
        return 0;
    const ptrdiff_t last = (samples - 1) * L->plane + ((Z->count - 1) * Y->line + Y->count - 1) * X->line + X->count;
    const ptrdiff_t flat = (last + T(LANES) - 1) / T(LANES), total = flat < by_row * rows ? flat : by_row * rows;
    if (!found)
        return total;
    if (flat < by_row * rows)
        for (ptrdiff_t v = 0; v < flat; v++) {
            found[v].at = v * T(LANES);
            found[v].lanes = 0;
            for (ptrdiff_t l = 0; l < T(LANES); l++)
                found[v].places[l] = -1;
        }
    for (ptrdiff_t r = 0; r < rows; r++) {
        const ptrdiff_t n = r / (Z->count * Y->count), z = r / Y->count % Z->count, y = r % Y->count;
        const ptrdiff_t at = n * L->plane + (z * Y->line + y) * X->line;
        const ptrdiff_t to = n * t->apart + ((t->begin[0] + z * t->step[0]) * t->lengths[1] + t->begin[1] + y * t->step[1]) *
                                                t->lengths[2] + t->begin[2];
        for (ptrdiff_t x = 0; x < X->count; x++) {
            T(vector_place) *v;
            ptrdiff_t lane;
            if (flat < by_row * rows) {
                v = &found[(at + x) / T(LANES)];
                lane = (at + x) % T(LANES);
            } else {
                v = &found[r * by_row + x / T(LANES)];
                lane = x % T(LANES);
                if (lane == 0) {
                    const ptrdiff_t left = X->count - x, lanes = left < T(LANES) ? left : T(LANES);
                    v->at = at + x;
                    v->to = to + x;
                    v->lanes = t->step[2] == 1 ? lanes : 0;
                    for (ptrdiff_t l = lanes; l < T(LANES); l++)
                        v->places[l] = -1;
                }
            }
            v->places[lane] = to + x * t->step[2];
        }
    }
    if (flat < by_row * rows)
        for (ptrdiff_t v = 0; v < flat; v++)
            T(join_lanes)(&found[v]);
    return total;
}
