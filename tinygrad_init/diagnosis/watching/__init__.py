"""The same measures while a network trains."""
