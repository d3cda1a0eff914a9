"""``extcal check``: can a calendar be used, how does its publisher answer, what can be sent in."""
