cdef extern from "Python.h":
    ctypedef struct PyFrameObject:
        pass
    PyFrameObject *PyEval_GetFrame()
    object PyFrame_GetCode(PyFrameObject *)
    int PyFrame_GetLasti(PyFrameObject *)


cdef inline place_if(code):
    """Where Python stands, if that is in this code."""
    cdef PyFrameObject *frame = PyEval_GetFrame()
    if frame != NULL and PyFrame_GetCode(frame) is code:
        return code, PyFrame_GetLasti(frame)
    return None


cpdef place_in_user_code()
