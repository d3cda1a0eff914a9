"""What the command line is given: options, words for days and hours, and calendars."""
