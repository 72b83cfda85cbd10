"""`python -m devmind.cli` is `devmind`."""

from devmind.cli import main

main()
