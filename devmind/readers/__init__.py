"""Readers: what CI systems leave behind, as finished builds.

`open_source` finds out what a file or folder holds and gives its builds in order of time.
"""

from devmind.readers.opening import KINDS, open_source
from devmind.readers.source import Skipped, Source

__all__ = ["KINDS", "Skipped", "Source", "open_source"]
