"""What is kept of a feed and of its host: under which key, and as which values."""
