"""How addresses are read, corrected when they are pasted, and judged. Pure: no look-ups."""
