"""A booking page: visitors book a meeting with somebody, in the free time of their calendars."""
