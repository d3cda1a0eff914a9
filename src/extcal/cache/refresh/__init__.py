"""One refresh: whether a source is asked, its steps, and what is kept of the answer."""
