"""Short exact rules over cells: what many of them have in common, in the pattern language."""
