"""What only makes reading fast. Without it the answer is the same (``sieve=False``)."""
