"""The head of an HTTP answer: its corrected bytes, its fields as values, its cookies. Pure."""
