"""`python -m makiserve`: the command, where the console script is not on the path."""

from makiserve.cli.main import main

main()
