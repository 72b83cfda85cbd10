"""Which languages and file formats a change touches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from features.context import Context
from features.feature import NAN, Feature, KnownAt

FAMILIES = {
    "c": ".c .h .cc .cpp .cxx .hpp .hh .hxx .ino .m .mm",
    "java": ".java .kt .kts .scala .groovy .gradle",
    "script": ".js .mjs .cjs .jsx .ts .tsx .vue .svelte",
    "python": ".py .pyi .pyx .ipynb",
    "rust": ".rs",
    "go": ".go",
    "dotnet": ".cs .fs .vb .csproj .sln",
    "ruby_php": ".rb .erb .php",
    "shell": ".sh .bash .ps1 .bat .mk Makefile Dockerfile",
    "yaml": ".yml .yaml",
    "json": ".json .json5 .jsonc",
    "toml": ".toml .ini .cfg .conf .properties",
    "lock": ".lock .sum",
    "xml": ".xml .xsd .pom",
    "web": ".html .css .scss .less",
    "docs": ".md .rst .adoc .txt",
    "images": ".png .jpg .jpeg .gif .svg .ico .webp",
    "sql": ".sql",
}
"""Extensions that tend to run the same jobs, by the name of their column."""

_FAMILY = {suffix: family for family, words in FAMILIES.items() for suffix in words.split()}


class Extensions(Feature):
    """Flags of the families of extensions that the change touches, and one for all others.

    Shape:  one column a family, and `touches_other`.
    Unit:   flag; NaN if nothing is known of the files.
    Source: extensions of the changed files.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = (*(f"touches_{family}" for family in FAMILIES), "touches_other")
    group = "file_types"

    def read(self, context: Context) -> Sequence[float]:
        """Return the flags."""
        suffixes = context.traits.extensions
        if suffixes is None:
            return [NAN] * len(self.names)
        families = {_FAMILY.get(suffix, "other") for suffix in suffixes}
        return [float(family in families) for family in (*FAMILIES, "other")]
