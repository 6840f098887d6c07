/* Update rules, one pass each; once for each type and instruction set. */

/* v <- momentum v + g, w <- w - lr v (Polyak 1964, in PyTorch's form); Nesterov: w <- w - lr (g + momentum v) (Sutskever
 * et al. 2013). Weight decay adds weight_decay w to g. Without momentum there is no v. */
static void T(sgd)(size_t n, void *w_, const void *g_, void *velocity_, const tgi_sgd *rule, double lr_) {
    REAL *restrict w = w_, *restrict v = velocity_;
    const REAL *restrict g = g_;
    const REAL lr = (REAL)lr_, momentum = (REAL)rule->momentum, decay = (REAL)rule->weight_decay;
    if (!v && decay == 0) {
        for (size_t i = 0; i < n; i++)
            w[i] -= lr * g[i];
    } else if (!v) {
        for (size_t i = 0; i < n; i++)
            w[i] -= lr * (g[i] + decay * w[i]);
    } else if (rule->nesterov) {
        for (size_t i = 0; i < n; i++) {
            const REAL slope = g[i] + decay * w[i];
            v[i] = momentum * v[i] + slope;
            w[i] -= lr * (slope + momentum * v[i]);
        }
    } else {
        for (size_t i = 0; i < n; i++) {
            v[i] = momentum * v[i] + (g[i] + decay * w[i]);
            w[i] -= lr * v[i];
        }
    }
}

/* Kingma and Ba 2015, algorithm 1: m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, w <- w - lr m^ / (sqrt(v^) + eps) with
 * m^ = m / (1 - b1^t), v^ = v / (1 - b2^t). powers holds b1^t and b2^t. Weight decay adds weight_decay w to g or, decoupled,
 * takes lr weight_decay w from w first (Loshchilov and Hutter 2019). */
static void T(adam)(size_t n, void *w_, const void *g_, void *m_, void *v_, double *powers, const tgi_adam *rule,
                    double lr) {
    REAL *restrict w = w_, *restrict m = m_, *restrict v = v_;
    const REAL *restrict g = g_;
    powers[0] *= rule->beta1;
    powers[1] *= rule->beta2;
    const REAL b1 = (REAL)rule->beta1, b2 = (REAL)rule->beta2, rest1 = (REAL)(1 - rule->beta1);
    const REAL rest2 = (REAL)(1 - rule->beta2), step = (REAL)(lr / (1 - powers[0]));
    const REAL unbias = (REAL)(1 / (1 - powers[1])), eps = (REAL)rule->eps;
    const REAL keep = (REAL)(rule->decoupled ? 1 - lr * rule->weight_decay : 1);
    const REAL decay = (REAL)(rule->decoupled ? 0 : rule->weight_decay);
    for (size_t i = 0; i < n; i++) {
        const REAL slope = g[i] + decay * w[i];
        m[i] = b1 * m[i] + rest1 * slope;
        v[i] = b2 * v[i] + rest2 * slope * slope;
        w[i] = keep * w[i] - step * m[i] / (M(sqrt)(v[i] * unbias) + eps);
    }
}
