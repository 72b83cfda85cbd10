"""The command line `devmind`: asking apart from showing, one module a group of commands."""

from devmind.cli.app import main

__all__ = ["main"]
