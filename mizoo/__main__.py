"""`python -m mizoo` is the command line."""

from mizoo.cli import main

main()
