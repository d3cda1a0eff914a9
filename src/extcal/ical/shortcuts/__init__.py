"""What only makes reading fast: the sieve, plain events and their short reading, runs of odd lines.

``short_way`` is the one door, which ``expand`` opens unless it is told ``sieve=False``. None of
``parse``, ``zones``, ``recurrence``, ``events``, ``series`` and ``answer`` imports anything of it.
"""
