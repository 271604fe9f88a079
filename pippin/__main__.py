"""`python -m pippin`: the command line."""

from pippin.cli import main

main()
