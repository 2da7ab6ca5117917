"""Targets: the places where a probe can be started. `names.py` reads what a user writes for one."""
