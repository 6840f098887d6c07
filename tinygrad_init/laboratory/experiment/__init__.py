"""What runs: networks, their data, their steps and the way back."""
