"""A small host application: people, their own events, and the calendars they keep elsewhere.

It is here to be copied from. ``calendars.py`` is all of extcal that a host needs; the rest is what
a host already has in its own way: a database, a way to sign in, pages.
"""
