"""`python -m govor`."""

from govor.cli import main

main()
