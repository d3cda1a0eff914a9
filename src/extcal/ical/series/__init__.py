"""RFC 5545 section 3.8.5: the recurrence set of a UID, with its overrides and exceptions."""
