cdef extern from "Python.h":
    ctypedef struct PyFrameObject:
        pass
    PyFrameObject *PyEval_GetFrame()
    object PyFrame_GetCode "(PyObject *)PyFrame_GetCode" (PyFrameObject *)  # which is a PyCodeObject *: newer compilers mind
    int PyFrame_GetLasti(PyFrameObject *)


cdef inline place_if(tuple place):
    """Where Python stands, if that is in the code of this place: the same object, if it is the same instruction."""
    cdef PyFrameObject *frame = PyEval_GetFrame()
    if frame == NULL or place is None or PyFrame_GetCode(frame) is not place[0]:
        return None
    cdef int instruction = PyFrame_GetLasti(frame)
    return place if instruction == <int>place[1] else (place[0], instruction)


cdef tuple _latest


cpdef place_in_user_code()
