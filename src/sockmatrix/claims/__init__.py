"""What published documents say, with citation, as patterns over cells; and whether it holds here."""
