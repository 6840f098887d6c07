cimport cython

cdef extern from "Python.h":
    ctypedef struct PyObject:
        pass
    ctypedef struct PyFrameObject:
        pass
    ctypedef int (*Py_tracefunc)(PyObject *, PyFrameObject *, int, PyObject *) except -1
    void PyEval_SetProfile(Py_tracefunc, PyObject *)
    object PyFrame_GetCode "(PyObject *)PyFrame_GetCode" (PyFrameObject *)  # which is a PyCodeObject *: newer compilers mind
    int PyTrace_CALL, PyTrace_C_CALL


@cython.final
cdef class Watch:
    cdef dict seen
    cdef object called, meets, before
    cdef tuple builtins


cdef inline int tell(PyObject *watch, PyFrameObject *frame, int event, PyObject *argument) except -1:
    """As `Watch.told`."""
    cdef Watch self
    if event == PyTrace_CALL:
        self = <Watch>watch
        code = PyFrame_GetCode(frame)
        key = <size_t><PyObject *>code
        if key not in self.seen:
            self.seen[key] = code
            self.called(<object><PyObject *>frame)
    elif event == PyTrace_C_CALL:
        self = <Watch>watch
        for one in self.builtins:
            if <PyObject *>one == argument:
                self.meets(<object><PyObject *>frame, one)
    return 0


cdef inline begin(Watch watch):
    PyEval_SetProfile(tell, <PyObject *>watch)
