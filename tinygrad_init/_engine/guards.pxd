cdef extern from "Python.h":
    ctypedef struct PyObject:
        pass
    bint PyDict_CheckExact(object)
    PyObject *PyDict_GetItem(object, object)
    bint PyCell_Check(object)
    PyObject *PyCell_GET(object)


cdef inline bint means(holder, name, value):
    """Whether a name in a dictionary of globals, or a cell, stands for this very object."""
    if PyDict_CheckExact(holder):
        return PyDict_GetItem(holder, name) == <PyObject *>value
    return PyCell_Check(holder) and PyCell_GET(holder) == <PyObject *>value


cpdef bint same_names(list names)
cpdef bint same_contents(list containers)
