"""Shortcuts, which change the speed and never the answer.

There are three: the sieve leaves out bytes that cannot matter, plain events are read straight from
their bytes, and long runs of lines that are no content lines are counted without being parsed.

``short_way`` is the only entry. ``expand`` calls it unless it is called with ``sieve=False``. None
of ``parse``, ``zones``, ``recurrence``, ``events``, ``series`` and ``answer`` imports this folder.
"""
