cdef extern from "Python.h":
    ctypedef struct PyObject:
        pass
    bint PyDict_CheckExact(object)
    PyObject *PyDict_GetItemWithError(object, object)
    ctypedef struct PyTypeObject:
        PyObject *tp_dict
    bint PyType_Check(object)
    bint PyCell_Check(object)
    PyObject *PyCell_GET(object)


cdef object nothing


cdef inline bint means(holder, name, value):
    """Whether a name in a dictionary of globals or attributes, in a class, or of a cell, stands for this very object."""
    cdef PyObject *found
    if PyDict_CheckExact(holder):
        found = PyDict_GetItemWithError(holder, name)
    elif PyCell_Check(holder):
        found = PyCell_GET(holder)
    elif PyType_Check(holder):
        found = PyDict_GetItemWithError(<object>(<PyTypeObject *>holder).tp_dict, name)
    else:
        return False
    return found == <PyObject *>value or (found == NULL and value is nothing)


cpdef bint same_names(list names)
cpdef bint same_contents(list containers)
