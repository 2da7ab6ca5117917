"""Configurations that deliver to all, or to one, on several systems, and programs that are made so."""
