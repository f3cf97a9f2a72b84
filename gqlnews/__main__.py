"""`python -m gqlnews`."""

from gqlnews.cli import main

main()
