"""How addresses are read, put right when pasted, and judged. Pure: nothing is looked up."""
