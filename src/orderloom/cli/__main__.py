"""`python -m orderloom.cli`: the command line by the interpreter that is running, for children of ours."""

from orderloom.cli import main

main()
