"""What is measured of a `Network`, in numbers."""
