"""What makes a `Network` of somebody's model."""
