/* Part of checking.c: single numbers and chains, whose operands are their own. */

static void single_numbers(state *s) {
    const tgi_instruction *in = s->in;
    require(s, in->ndim == 1, NO_SHAPE);
    for (ptrdiff_t i = 0; i < in->shape[0] && !s->wrong; i++) {
        const tgi_scalar_instruction *one = &in->scalars[i];
        const int32_t places[] = {one->g, one->x, one->y, one->value, one->out};
        function_within(s, one->function, one->input < 0 ? -1 : 0, one->input < 0 ? TGI_FUNCTIONS : TGI_RELATIONS);
        require(s, one->input < 1 || one->function >= TGI_UNARY_FUNCTIONS, "a function has no such input");
        for (int o = 0; o < 5; o++) {
            s->count = 0; /* they may be each other */
            row_at(s, (tgi_place){0, places[o]}, item_of(one->kind), 1, 0);
        }
    }
    s->count = 0;
}

static void a_stage(state *s, const tgi_chain *chain, const tgi_stage *stage, unsigned *filled, unsigned *written) {
    const int binary = stage->code == TGI_DO_binary_vjp, strided = stage->code == TGI_DO_binary || stage->code == TGI_DO_select;
    int read = 1; /* a bit for each operand */
    if (stage->code == TGI_DO_unary || stage->code == TGI_DO_unary_vjp) {
        function_within(s, stage->function, 0, TGI_UNARY_FUNCTIONS);
        read = stage->code == TGI_DO_unary ? 1 : 3;
    } else if (binary) {
        function_within(s, stage->function, TGI_UNARY_FUNCTIONS, TGI_RELATIONS);
        require(s, stage->flag == 0 || stage->flag == 1, NO_FLAG);
        read = 1 | reads_of(stage->function, stage->flag) << 1;
    } else if (stage->code == TGI_DO_binary) {
        function_within(s, stage->function, TGI_UNARY_FUNCTIONS, TGI_FUNCTIONS);
        read = 3;
    } else {
        require(s, stage->code == TGI_DO_select, "a chain has no such stages");
        read = 7;
    }
    for (int o = 0; o < 5; o++) {
        const int from = o < 4 ? stage->from[o] : stage->to;
        require(s, from < TGI_REGISTERS && -1 - from < chain->operands, "a chain has no such operand");
        if (s->wrong)
            return;
        if (from < 0)
            require(s, (strided && o < 4) || chain->each[-1 - from], "a single number stands where a row has to be");
        else if (o < 4 && read >> o & 1)
            require(s, *filled >> from & 1, "a register is read before it is written");
    }
    if (stage->to >= 0)
        *filled |= 1u << stage->to;
    else
        *written |= 1u << (-1 - stage->to);
}

static void chaining(state *s) {
    const tgi_instruction *in = s->in;
    const tgi_chain *chain = in->chain;
    unsigned filled = 0, written = 0;
    real_kind(s);
    require(s, in->ndim == 1, NO_SHAPE);
    for (int i = 0; i < chain->stages && !s->wrong; i++)
        a_stage(s, chain, &chain->stage[i], &filled, &written);
    for (int i = 0; i < chain->operands; i++)
        row_at(s, chain->operand[i], item_of(in->kind), chain->each[i] ? in->shape[0] : 1, written >> i & 1);
}
