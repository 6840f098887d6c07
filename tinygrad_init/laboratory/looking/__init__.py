"""What is measured and drawn of a running experiment."""
