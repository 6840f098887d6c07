/* Softmax and cross entropy in one pass a row, and its derivative directly under it; once for each type and instruction
 * set. Shifted by the row's maximum (0 where that is infinite), so that nothing overflows. */

static void T(cross_entropy)(size_t rows, size_t columns, const void *logits_, const ptrdiff_t *labels, void *losses_,
                             void *probabilities_) {
    const REAL *x = logits_;
    REAL *losses = losses_, *p = probabilities_;
    for (size_t i = 0; i < rows; i++, x += columns, p += columns) {
        REAL top = x[0];
        for (size_t j = 1; j < columns; j++)
            top = T(maximum)(top, x[j]);
        const REAL shift = top - top == 0 ? top : 0;
        for (size_t j = 0; j < columns; j++)
            p[j] = T(exp)(x[j] - shift, 0);
        const REAL total = (REAL)T(sum_row)(columns, p);
        losses[i] = T(log)(total, 0) - (x[labels[i]] - shift);
        for (size_t j = 0; j < columns; j++)
            p[j] /= total;
    }
}

static void T(cross_entropy_vjp)(size_t rows, size_t columns, const void *g_, const void *probabilities_,
                                 const ptrdiff_t *labels, void *cotangent_) {
    const REAL *g = g_, *p = probabilities_;
    REAL *cotangent = cotangent_;
    for (size_t i = 0; i < rows; i++, p += columns, cotangent += columns) {
        for (size_t j = 0; j < columns; j++)
            cotangent[j] = g[i] * p[j];
        cotangent[labels[i]] = g[i] * (p[labels[i]] - 1);
    }
}
