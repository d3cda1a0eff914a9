"""The head of an HTTP answer: its bytes put right, its fields as values, its cookies. Pure."""
