"""A small example application: people, their own events, and their external calendars.

You can copy from it. ``calendars.py`` is everything that an application needs of extcal; the rest
is what your application has already in its own way: a database, a sign-in, pages.
"""
