"""What a chain's past costs: the same requests over a short and a long one, side by side."""
