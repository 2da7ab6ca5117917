"""`python -m sockmatrix` is the command `sockmatrix`."""

from sockmatrix.cli import main

main()
