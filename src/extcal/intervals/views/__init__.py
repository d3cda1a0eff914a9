"""Free/busy time for people and programs to look at: pictures and plain rows."""
