"""The XML parser: expat behind defusedxml's guards, deaf to text that nobody wants."""

from __future__ import annotations

from collections.abc import Callable
from xml.parsers.expat import XMLParserType

from defusedxml.expatreader import DefusedExpatParser

OnStart = Callable[[str, dict[str, str]], None]
OnEnd = Callable[[str], None]
OnText = Callable[[str], None]


class GuardedParser(DefusedExpatParser):
    """Calls back for elements, and for text while it listens.

    Document types, entities and external references are refused by the class above. Text that
    is not listened to never becomes a Python string, so 50 MB of it cost about a second and no
    memory.

    Args:
        on_start: Called with the name and attributes of each element.
        on_end: Called with the name of each element that ends.
        on_text: Called with pieces of text, while listening.
    """

    _parser: XMLParserType

    def __init__(self, *, on_start: OnStart, on_end: OnEnd, on_text: OnText) -> None:
        super().__init__(forbid_dtd=True)
        self._on_start = on_start
        self._on_end = on_end
        self._on_text = on_text

    def reset(self) -> None:
        """Begin a new document; the class above calls it with the first bytes."""
        super().reset()
        self._parser.StartElementHandler = self._on_start
        self._parser.EndElementHandler = self._on_end
        self._parser.CharacterDataHandler = None

    def listen(self, *, to_text: bool) -> None:
        """Say whether text is wanted from here on; at first it is not."""
        self._parser.CharacterDataHandler = self._on_text if to_text else None

    @property
    def parsed_bytes(self) -> int:
        """Bytes up to the beginning of the token that is not complete yet."""
        return max(0, self._parser.CurrentByteIndex)
