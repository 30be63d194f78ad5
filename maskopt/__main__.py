"""`python -m maskopt` is the command `maskopt` of the package that this folder holds."""

from maskopt.cli import main

main()
