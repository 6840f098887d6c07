"""Which version this is: in reports, exports and on the command line."""

__version__ = "0.1.0"
