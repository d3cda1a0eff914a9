"""What the components come to: free/busy, unknown time, and the events that may be shown."""
