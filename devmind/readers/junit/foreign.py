"""What a file is when it is not JUnit XML."""

from __future__ import annotations

from devmind.errors import UnreadableSource, shorten

_ROOTS = {
    "TestRun": "a Visual Studio test report (TRX)",
    "assemblies": "an xUnit.net report",
    "assembly": "an xUnit.net report",
    "test-run": "an NUnit 3 report",
    "test-results": "an NUnit 2 report",
    "testng-results": "a TestNG report",
    "html": "an HTML page",
    "coverage": "a Cobertura coverage report",
    "report": "a JaCoCo coverage report",
    "robot": "a Robot Framework report",
    "Site": "a CTest dashboard report",
    "checkstyle": "a Checkstyle report",
    "e:events": "an Open Test Reporting file",
}
_BEGINNINGS = (
    (b"\x1f\x8b", "gzip-compressed", "Decompress it first."),
    (b"PK\x03\x04", "a ZIP archive", "Unpack it first."),
    (b"<!doctype html", "an HTML page", "Was it fetched through a login page?"),
    (b"<html", "an HTML page", "Was it fetched through a login page?"),
    (b"{", "JSON", "Ask the test tool for its JUnit reporter."),
    (b"[", "JSON", "Ask the test tool for its JUnit reporter."),
    (b"tap version", "TAP", "Ask the test tool for its JUnit reporter."),
    (b"1..", "TAP", "Ask the test tool for its JUnit reporter."),
)


def not_junit(source: str, root: str) -> UnreadableSource:
    """Return the error for an XML file whose root element is *root*."""
    kind = _ROOTS.get(root)
    reason = f"it looks like {kind}" if kind else "it is not JUnit XML"
    advice = "JUnit XML begins with <testsuites> or <testsuite>; ask the test tool for that format."
    return UnreadableSource(source, f"{reason} (its root is {shorten(root)})", advice)


def not_xml(source: str, beginning: bytes) -> UnreadableSource | None:
    """Return the error for a file whose first bytes say that it is something else, if they do."""
    start = beginning.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for signature, kind, advice in _BEGINNINGS:
        if start.startswith(signature.lower()):
            return UnreadableSource(source, f"it is {kind}, not JUnit XML", advice)
    return None
