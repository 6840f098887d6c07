"""The machine that runs programs: instructions as C reads them, the memory they work on, and what is bound to its slots."""

# Part of _kernels.pyx. `reference.Machine` is its twin.


@cython.binding(False)
@cython.no_gc_clear  # its lists are needed to the last: they know what has to be given back
cdef class Machine:
    """A program ready to run.

    Parameters
    ----------
    instructions
        Objects with the fields of `program.instructions.Step`, operands already placed.
    memory
        The size of the program's own memory, slot 0, in bytes.
    slots
        How many slots there are besides.
    calls
        For each instruction `call` its number and what to do there.
    """

    def __cinit__(self, list instructions, Py_ssize_t memory, int slots, dict calls):
        cdef Py_ssize_t i
        cdef size_t work = 1
        cdef double steps = 0
        self.blocks = []
        self.count = len(instructions)
        self.slot_count = slots + 1
        self.held = [None] * (slots + 1)
        self.calls = calls
        self.memory_size = memory
        self.program = <tgi_instruction *>self.block((self.count + 1) * sizeof(tgi_instruction))
        self.slots = <char **>self.block((slots + 1) * sizeof(char *))
        self.watched = <watched_slot *>self.block((slots + 1) * sizeof(watched_slot))
        self.seconds = <double *>self.block((self.count + 1) * sizeof(double))
        self.memory = <char *>((<size_t>self.block(memory + 128) + 63) // 64 * 64)
        self.slots[0] = self.memory
        for i in range(self.count):
            self.fill(&self.program[i], instructions[i])
            steps += size_of(&self.program[i])
            work = max(work, tgi_work_of(K, &self.program[i]))
        self.work = <char *>self.block(work)
        self.takes_long = steps > LONG_RUN

    def __dealloc__(self):
        tgi_free_program(self.travelled)
        for address in self.blocks:
            free(<void *><size_t>address)

    cdef void *block(self, size_t size) except NULL:
        """Memory of zeros that lives as long as the machine."""
        cdef void *found = calloc(size if size else 1, 1)
        if found == NULL:
            raise MemoryError(f"no memory for a program: {size} bytes")
        self.blocks.append(<size_t>found)
        return found

    cdef int fill(self, tgi_instruction *out, object found) except -1:
        cdef int i, d
        cdef tgi_windows *windows
        out.code = CODES[found.code]
        out.kind = found.kind
        out.function = -1 if found.function is None else number_of(found.code, found.function)
        out.flag = found.flag
        out.ndim = len(found.shape)
        out.reduced = found.reduced
        if out.ndim > TGI_AXES:
            raise ValueError(f"a program's arrays have up to {TGI_AXES} axes, got shape {found.shape}")
        for i, value in enumerate(found.p):
            out.p[i] = value
        for d in range(out.ndim):
            out.shape[d] = found.shape[d]
        for i in range(TGI_PLACES):
            if found.at[i] is None:
                out.at[i].slot = -1
                continue
            out.at[i].slot, out.at[i].offset = found.at[i]
            for d, stride in enumerate(found.strides[i]):
                out.strides[i][d] = stride
        if found.code == "scalars":
            self.fill_scalars(out, found.parts)
        elif found.code == "chain":
            self.fill_chain(out, found.parts)
        elif found.code in ("convolution", "pooling"):
            windows = <tgi_windows *>self.block(sizeof(tgi_windows))
            read_windows(windows, found.parts)
            out.windows = windows
        out.rows = tgi_rows_of_a_part(out, TGI_PART)
        return 0

    cdef int fill_scalars(self, tgi_instruction *out, object tape) except -1:
        cdef tgi_scalar_instruction *to = <tgi_scalar_instruction *>self.block(
            len(tape) * sizeof(tgi_scalar_instruction))
        cdef list functions = tape.functions
        cdef const int64_t[:] places = tape.places
        cdef const double[:] parameters = tape.parameters
        cdef Py_ssize_t i, k
        out.scalars = to
        for i in range(len(functions)):
            for k in range(2, 7):
                if not 0 <= places[7 * i + k] <= INT_MAX:
                    raise OverflowError("single numbers lie too far away in the memory of a program")
            to[i].function = SCALAR_FUNCTIONS[functions[i]]
            to[i].p = parameters[i]
            to[i].kind, to[i].input = places[7 * i], places[7 * i + 1]
            to[i].g, to[i].x, to[i].y = places[7 * i + 2], places[7 * i + 3], places[7 * i + 4]
            to[i].value, to[i].out = places[7 * i + 5], places[7 * i + 6]
        return 0

    cdef int fill_chain(self, tgi_instruction *out, object found) except -1:
        cdef tgi_chain *chain = <tgi_chain *>self.block(CHAIN_SIZE)
        cdef int i, o
        out.chain = chain
        chain.stages = len(found.stages)
        chain.operands = len(found.operands)
        for i, stage in enumerate(found.stages):
            chain.stage[i].code = CODES[stage.code]
            chain.stage[i].function = -1 if stage.function is None else number_of(stage.code, stage.function)
            chain.stage[i].flag = stage.flag
            chain.stage[i].p = stage.p
            chain.stage[i].to = stage.to
            for o in range(4):
                chain.stage[i].from_[o] = stage.operands[o]
        for i, (place, each) in enumerate(found.operands):
            chain.operand[i].slot, chain.operand[i].offset = place
            chain.each[i] = each
        return 0

    cpdef bint bind(self, int slot, object array, int kind) except -1:
        """Let a slot stand for an array; False, and nothing done, if it is of another kind or has gaps."""
        cdef cnp.ndarray x = an_array(array)
        cdef int number = cnp.PyArray_TYPE(x)
        if number != (cnp.NPY_FLOAT32 if kind == 0 else cnp.NPY_FLOAT64 if kind == 1 else cnp.NPY_INT64):
            return False
        if not cnp.PyArray_ISCARRAY_RO(x):
            return False
        self.held[slot] = array
        self.slots[slot] = <char *>cnp.PyArray_DATA(x)
        return True

    cpdef bind_as_it_lies(self, int slot, object array):
        """Let a slot stand for an array with gaps: the program knows its strides."""
        cdef cnp.ndarray x = an_array(array)
        self.held[slot] = array
        self.slots[slot] = <char *>cnp.PyArray_DATA(x)

    cpdef let_go(self, int slot):
        """Keep the array of a slot alive no longer; the slot is bound again before the next run."""
        self.held[slot] = None

    cpdef let_go_of_all(self):
        """The same for all slots."""
        cdef int i
        for i in range(self.slot_count):
            self.held[i] = None

    def watch(self, int slot, int64_t begin, int64_t end, bint written):
        """Let `apart` look at a slot, whose numbers lie from byte `begin` to byte `end` of what it stands for."""
        self.watched[self.watching] = watched_slot(slot, begin, end, written, NULL)
        self.watching += 1

    cpdef bint apart(self):
        """Whether nothing that the program writes lies where something else does; only what is new is looked at."""
        cdef int i, k
        cdef watched_slot *one
        cdef watched_slot *other
        cdef char *at
        cdef char *there
        for i in range(self.watching):
            one = &self.watched[i]
            at = self.slots[one.slot]
            if at == one.seen:
                continue
            for k in range(self.watching):
                other = &self.watched[k]
                there = self.slots[other.slot]
                if (k != i and (one.written or other.written) and at + one.begin < there + other.end
                        and there + other.begin < at + one.end):
                    return False
            one.seen = at
        return True

    def load(self, int64_t offset, object array):
        """Put an array into the program's own memory."""
        cdef cnp.ndarray x = np.ascontiguousarray(array)
        memcpy(self.memory + offset, cnp.PyArray_DATA(x), cnp.PyArray_NBYTES(x))

    def view(self, place, shape, strides, int kind):
        """An array over an operand's memory, to be used before the next run."""
        cdef cnp.npy_intp[32] dims
        cdef cnp.npy_intp[32] steps
        cdef int d
        for d in range(len(shape)):
            dims[d] = shape[d]
            steps[d] = strides[d]
        return cnp.PyArray_New(cnp.ndarray, len(shape), dims, (cnp.NPY_FLOAT32, cnp.NPY_FLOAT64, cnp.NPY_INT64)[kind],
                               steps, self.slots[<int>place[0]] + <int64_t>place[1], 0, cnp.NPY_ARRAY_WRITEABLE, None)

    cpdef double read(self, int64_t offset, int kind):
        """A single number out of the program's own memory."""
        if kind == 0:
            return (<float *>(self.memory + offset))[0]
        return (<double *>(self.memory + offset))[0] if kind == 1 else <double>(<int64_t *>(self.memory + offset))[0]

    cpdef write(self, int64_t offset, int kind, double value):
        """A single number into the program's own memory."""
        if kind == 0:
            (<float *>(self.memory + offset))[0] = <float>value
        elif kind == 1:
            (<double *>(self.memory + offset))[0] = value
        else:
            (<int64_t *>(self.memory + offset))[0] = <int64_t>value

    cpdef int64_t run(self) except? -1:
        """Run all instructions, without the interpreter's lock; the number of a check that failed, or -1.

        Where that takes long, Ctrl-C is heard between them.
        """
        cdef int64_t at = 0, end = self.count
        while True:
            if self.takes_long:
                hear_signals()
                end = min(at + 1, self.count)
            with nogil:
                at = tgi_run(K, self.program, at, end, self.slots, self.work, NULL)
            if at == self.count:
                return -1
            if at == end:
                continue
            if self.program[at].code in (PRODUCT, CONVOLUTION, STACK_PRODUCT, LSTM):
                pass_on()
            if self.program[at].code != CALL:
                return at
            self.calls[at](self)
            at += 1

    def profile(self):
        """Run once and return the seconds that each instruction took."""
        cdef int64_t at = 0
        memset(self.seconds, 0, self.count * sizeof(double))
        while at < self.count:
            with nogil:
                at = tgi_run(K, self.program, at, self.count, self.slots, self.work, self.seconds)
            if at < self.count:
                if self.program[at].code in (PRODUCT, CONVOLUTION, STACK_PRODUCT, LSTM):
                    pass_on()
                if self.program[at].code == CALL:
                    self.calls[at](self)
                at += 1
        return [self.seconds[i] for i in range(self.count)]


def machine_of(const int64_t[::1] words):
    """A machine for a program from elsewhere, with the sizes of its slots and, by instruction, the number that it has in the words.

    Raises
    ------
    ValueError
        It is of another version, or running it could leave its memory.
    """
    cdef const char *wrong = NULL
    cdef int64_t where = -1, i
    cdef tgi_program *found = tgi_read_program(K, &words[0] if words.shape[0] else NULL, words.shape[0], &wrong, &where)
    if found == NULL:
        raise ValueError((f"instruction {where}: " if where >= 0 else "") + wrong.decode())
    cdef Machine machine
    try:
        machine = Machine([], found.sizes[0], found.slots - 1, {})
        machine.work = <char *>machine.block(found.work)
        machine.seconds = <double *>machine.block((found.count + 1) * sizeof(double))
    except BaseException:
        tgi_free_program(found)
        raise
    machine.travelled = found
    machine.program, machine.count = found.instructions, found.count
    cdef double steps = 0
    for i in range(found.count):
        steps += size_of(&found.instructions[i])
    machine.takes_long = steps > LONG_RUN
    sizes = [found.sizes[i] for i in range(found.slots)]
    return machine, sizes, [found.written[i] for i in range(found.count)]


cdef double size_of(const tgi_instruction *step) noexcept:
    """How long an instruction takes, roughly: numbers, or products of two."""
    cdef double found = 1
    cdef int d
    for d in range(step.ndim):
        found *= step.shape[d]
    if step.windows != NULL:
        found *= over(step.windows.size)
    if step.code == CONVOLUTION:
        found *= step.windows.inputs * step.windows.outputs
    if step.code == LSTM:
        found *= 4 * step.shape[2]
    return found


cdef int number_of(str code, object function) except -1:
    if code == "reduce":
        return REDUCTIONS[function]
    return FUNCTIONS[function] if function in FUNCTIONS else RELATIONS[function]


cdef dict SCALAR_FUNCTIONS = {**FUNCTIONS, **RELATIONS, "copy": -1}
cdef double LONG_RUN = 2.0**25  # numbers, or products of two
cdef int CALL = CODES["call"], PRODUCT = CODES["product"], CONVOLUTION = CODES["convolution"]
cdef int STACK_PRODUCT = CODES["stack_product"], LSTM = CODES["lstm"]
cdef size_t CHAIN_SIZE = sizeof(tgi_chain)
