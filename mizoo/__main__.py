"""Entry point of `python -m mizoo`."""

from mizoo.cli import main

main()
