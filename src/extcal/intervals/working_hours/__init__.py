"""The hours of the week when somebody can be met, and the dates on which they differ."""
