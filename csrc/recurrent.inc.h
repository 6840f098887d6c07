/* A step of long short-term memory, included once for each type and instruction set: what stands in a row of 4 `units`
 * are the gates i, f, g and o. */

/* The gates come as h W + b, and become what they are after `given` is added; then c = f c' + i g and h = o tanh c. */
static void T(lstm_step)(size_t rows, size_t units, const void *given_, const void *before_, void *gates_, void *c_,
                         void *h_) {
    const REAL *given = given_, *before = before_;
    REAL *gates = gates_, *c = c_, *h = h_;
    const size_t n = units;
    for (size_t r = 0; r < rows; r++, given += 4 * n, gates += 4 * n, before += n, c += n, h += n) {
        SAME_OR_APART
        for (size_t j = 0; j < 2 * n; j++)
            gates[j] = T(sigmoid)(gates[j] + given[j], 0);
        SAME_OR_APART
        for (size_t j = 2 * n; j < 3 * n; j++)
            gates[j] = T(tanh)(gates[j] + given[j], 0);
        SAME_OR_APART
        for (size_t j = 3 * n; j < 4 * n; j++)
            gates[j] = T(sigmoid)(gates[j] + given[j], 0);
        SAME_OR_APART
        for (size_t j = 0; j < n; j++)
            c[j] = gates[n + j] * before[j] + gates[j] * gates[2 * n + j];
        SAME_OR_APART
        for (size_t j = 0; j < n; j++)
            h[j] = gates[3 * n + j] * T(tanh)(c[j], 0);
    }
}

/* From the cotangent of h (`g` and, from later steps, `later`) and that of c to those of the gates before their
 * functions; that of c becomes that of c'. */
static void T(lstm_step_vjp)(size_t rows, size_t units, const void *g_, const void *later_, const void *gates_,
                             const void *before_, const void *c_, void *of_c_, void *out_) {
    const REAL *g = g_, *later = later_, *gates = gates_, *before = before_, *c = c_;
    REAL *of_c = of_c_, *out = out_;
    const size_t n = units;
    for (size_t r = 0; r < rows; r++) {
        SAME_OR_APART
        for (size_t j = 0; j < n; j++) {
            const REAL i = gates[j], f = gates[n + j], candidate = gates[2 * n + j], o = gates[3 * n + j];
            const REAL t = T(tanh)(c[j], 0), of_h = g[j] + later[j];
            const REAL through = of_c[j] + of_h * o * ((1 - t) * (1 + t));
            out[j] = through * candidate * (i * (1 - i));
            out[n + j] = through * before[j] * (f * (1 - f));
            out[2 * n + j] = through * i * ((1 - candidate) * (1 + candidate));
            out[3 * n + j] = of_h * t * (o * (1 - o));
            of_c[j] = through * f;
        }
        g += n, later += n, gates += 4 * n, before += n, c += n, of_c += n, out += 4 * n;
    }
}
