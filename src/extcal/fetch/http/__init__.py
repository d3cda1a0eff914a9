"""HTTP: what to do next (``exchange``, pure), and the drivers that do it within one deadline."""
