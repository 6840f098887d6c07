/* Part of checking.c: windows, what is normalized, long short-term memory. */

static void windows(state *s) {
    const tgi_instruction *in = s->in;
    const tgi_windows *w = in->windows;
    ptrdiff_t images[] = {w->samples, w->groups, w->inputs, w->lengths[0], w->lengths[1], w->lengths[2]};
    ptrdiff_t maps[] = {w->samples, w->groups, w->outputs, w->counts[0], w->counts[1], w->counts[2]};
    ptrdiff_t weights[] = {w->groups, w->inputs, w->outputs, w->size[0], w->size[1], w->size[2]};
    ptrdiff_t taken[] = {w->samples, w->groups, w->inputs, 1, 1, 1};
    real_kind(s);
    for (int d = 0; d < 3; d++) {
        require(s, w->lengths[d] > 0 && w->counts[d] > 0 && w->size[d] > 0 && w->stride[d] > 0 && w->dilation[d] > 0,
                "there are no such windows");
        /* What is written out for the windows of an axis, and what lies before them. */
        taken[3 + d] = w->counts[d] * w->stride[d] + w->size[d] * w->dilation[d] + w->before[d] + w->lengths[d];
        require(s, taken[3 + d] < 1 << 20, "there are no such windows");
    }
    require(s, w->groups > 0, "there are no such windows");
    volume(s, 6, taken);
    const int64_t sizes[] = {volume(s, 6, images), volume(s, 6, weights), volume(s, 6, maps)};
    require(s, in->flag >= 0 && in->flag < (in->code == TGI_DO_pooling ? 5 : 3), NO_FLAG);
    if (s->wrong)
        return;
    if (in->code == TGI_DO_pooling) {
        const int back = in->flag == TGI_LARGEST_VJP || in->flag == TGI_MEAN_VJP;
        require(s, w->groups == 1 && w->inputs == 1 && w->outputs == 1, "there are no such windows");
        row(s, TGI_A, sizes[back ? 2 : 0]);
        if (in->flag == TGI_LARGEST_VJP || in->flag == TGI_AT_LARGEST) {
            row(s, TGI_B, sizes[0]);
            row(s, TGI_C, sizes[2]);
        }
        result(s, TGI_OUT, sizes[back ? 0 : 2]);
        return;
    }
    row(s, TGI_A, sizes[in->flag == TGI_BY_INPUT ? 2 : 0]);
    row(s, TGI_B, sizes[in->flag == TGI_BY_WEIGHT ? 2 : 1]);
    if (in->flag == TGI_FORWARD)
        row_if_there(s, TGI_C, (int64_t)w->groups * w->outputs);
    result(s, TGI_OUT, sizes[in->flag == TGI_FORWARD ? 2 : in->flag == TGI_BY_INPUT ? 0 : 1]);
}

/* Operands by letters: x all numbers, m two moments and w a weight for each of what is normalized. */
static void normalizing(state *s) {
    static const char channels_kinds[][6] = {"x", "xmww", "xxm", "xxmwm"};
    static const char rows_kinds[][6] = {"x", "x", "x", "xx", "xx", "xmww", "xxm", "xxmw"};
    const tgi_instruction *in = s->in;
    const int by_rows = in->code == TGI_DO_rows;
    const int64_t all = by_rows ? volume(s, 2, in->shape) : volume(s, 3, in->shape);
    const int64_t moments = 2 * (int64_t)in->shape[by_rows ? 0 : 1], weights = in->shape[1];
    real_kind(s);
    require(s, in->ndim == 3 && in->shape[0] > 0 && (by_rows ? in->shape[1] > 0 : in->shape[2] > 0), NO_SHAPE);
    require(s, !by_rows || in->shape[2] > 0, NO_SHAPE);
    require(s, in->flag >= 0 && in->flag < (by_rows ? 8 : 4), NO_FLAG);
    if (s->wrong)
        return;
    const char *kinds = by_rows ? rows_kinds[in->flag] : channels_kinds[in->flag];
    for (int o = 0; kinds[o]; o++)
        row(s, TGI_A + o, kinds[o] == 'x' ? all : kinds[o] == 'm' ? moments : weights);
    if (by_rows)
        result(s, TGI_OUT, in->flag == TGI_NORMALIZED_ROWS_SUMS ? 2 * weights : all);
    else
        result(s, TGI_OUT, in->flag == TGI_MOMENTS || in->flag == TGI_NORMALIZED_SUMS ? moments : all);
}

static void remembering(state *s) {
    const tgi_instruction *in = s->in;
    const ptrdiff_t of_step[] = {6 * in->shape[0] + 2, in->shape[1], in->shape[2]}, square[] = {4, in->shape[2], in->shape[2]};
    const int64_t steps = in->shape[0], state_ = volume(s, 2, of_step + 1), weight = volume(s, 3, square);
    real_kind(s);
    volume(s, 3, of_step);
    require(s, in->ndim == 3 && steps > 0 && in->shape[1] > 0 && in->shape[2] > 0, NO_SHAPE);
    require(s, in->flag == 0 || in->flag == 1, NO_FLAG);
    row(s, TGI_A, (in->flag ? steps + 1 : 4 * steps) * state_);
    row(s, TGI_B, (in->flag ? 6 * steps : 1) * state_);
    row(s, TGI_C, state_);
    row(s, TGI_D, weight);
    if (!in->flag)
        row_if_there(s, TGI_E, 4 * (int64_t)in->shape[2]);
    result(s, TGI_OUT, (in->flag ? 4 * steps + 2 : 6 * steps) * state_);
}
