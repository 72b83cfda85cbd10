"""What is wrong with a file that is not well-formed, in words that help."""

from __future__ import annotations

import codecs
import re
from xml.parsers.expat import errors
from xml.sax import SAXParseException

from defusedxml.common import DefusedXmlException, DTDForbidden

from devmind.errors import UnreadableSource, shorten

_CUT_OFF = {
    errors.XML_ERROR_NO_ELEMENTS,
    errors.XML_ERROR_UNCLOSED_TOKEN,
    errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    errors.XML_ERROR_PARTIAL_CHAR,
}
_SECOND_DOCUMENT = {errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT, errors.XML_ERROR_MISPLACED_XML_PI}
_ENCODING = {errors.XML_ERROR_UNKNOWN_ENCODING, errors.XML_ERROR_INCORRECT_ENCODING}
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_DECLARED = re.compile(rb"encoding\s*=\s*[\"']([^\"']{1,40})")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTINUES_A_CHARACTER = bytes(range(0x80, 0xC0))
_LEAVE_OUT = "XML has no control characters: write no colours to the report (NO_COLOR=1)."
_WRITE_UTF_8 = "Write the file as UTF-8, or declare the encoding it has."


def not_well_formed(
    source: str, error: SAXParseException, beginning: bytes, chunk: bytes, open_case: str
) -> UnreadableSource:
    """Return the error for XML that breaks the rules of XML.

    Args:
        source: What errors call the file.
        error: What the parser said.
        beginning: The first bytes of the file.
        chunk: The bytes in which it happened.
        open_case: The test case it happened in, if any.
    """
    said = error.getMessage()
    where = f"line {error.getLineNumber()}, column {error.getColumnNumber()}"
    where += f", in the test case {shorten(open_case)}" if open_case else ""
    if said in _CUT_OFF:
        advice = "Nothing of it was read. Was it still being written, or cut by a size limit?"
        return UnreadableSource(source, f"the file breaks off at {where} ({said})", advice)
    if said in _SECOND_DOCUMENT:
        advice = "A file holds one report and nothing around it; send each report on its own."
        return UnreadableSource(source, f"something stands around the report at {where}", advice)
    if said in _ENCODING:
        return unknown_encoding(source, beginning, said)
    if said == errors.XML_ERROR_INVALID_TOKEN and not beginning.startswith(_UTF_16):
        return _bad_byte(source, chunk, where) or _bad_xml(source, said, where)
    return _bad_xml(source, said, where)


def unknown_encoding(source: str, beginning: bytes, said: object) -> UnreadableSource:
    """Return the error for a file whose declared encoding is not its own, or not readable."""
    found = _DECLARED.search(beginning)
    declared = shorten(found.group(1).decode("ascii", "replace")) if found else "none"
    reason = f"the encoding it declares ({declared}) cannot be read: {said}"
    return UnreadableSource(source, reason, _WRITE_UTF_8)


def declares_type(source: str, error: DefusedXmlException) -> UnreadableSource:
    """Return the error for a file with a document type or entities of its own."""
    what = f"<!DOCTYPE {error.name}>" if isinstance(error, DTDForbidden) else "an entity"
    reason = f"it declares {what[:200]}, which can hide entity bombs and foreign files"
    return UnreadableSource(source, reason, "JUnit XML needs no document type; remove it.")


def _bad_byte(source: str, chunk: bytes, where: str) -> UnreadableSource | None:
    control = _CONTROL.search(chunk)
    if control:
        reason = f"control character 0x{control.group()[0]:02x} near {where}"
        return UnreadableSource(source, reason, _LEAVE_OUT)
    text = chunk[:3].lstrip(_CONTINUES_A_CHARACTER) + chunk[3:]
    try:
        codecs.getincrementaldecoder("utf-8")().decode(text)
    except UnicodeDecodeError as error:
        reason = f"byte 0x{text[error.start]:02x} near {where} does not fit its encoding"
        return UnreadableSource(source, reason, _WRITE_UTF_8)
    return None


def _bad_xml(source: str, said: str, where: str) -> UnreadableSource:
    advice = "Look there: a character like & or < that is not escaped, or an element not closed."
    if said == errors.XML_ERROR_BAD_CHAR_REF:
        advice = _LEAVE_OUT
    return UnreadableSource(source, f"it is not well-formed XML at {where}: {said}", advice)
