cimport cython

cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        void *tp_dict
    void PyType_Modified(PyTypeObject *)


@cython.final
cdef class Method:
    cdef readonly object function


cdef inline give(kind, str name, method):
    """Set an attribute of a class that is compiled, which Python itself does not allow."""
    (<dict>(<PyTypeObject *>kind).tp_dict)[name] = method
    PyType_Modified(<PyTypeObject *>kind)
