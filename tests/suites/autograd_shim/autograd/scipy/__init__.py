"""SciPy's names, of what this package has."""
