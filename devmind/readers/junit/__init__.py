"""Reading JUnit XML, streaming and safe with hostile files, in the dialects that tools write.

**Names.** A test is called `classname::name`. Where the class name is missing or adds nothing
(see `devmind.readers.junit.names`) it is called by its suites instead: `outer::inner::name`.
Names are kept as they are written, in any script; only those over the limit are cut, and then
end in a digest of the whole, so that they stay unique and the same in every run.

**Attempts.** A test that occurs several times in a file has as many attempts, in the order of
the file; `flakyFailure`, `flakyError`, `rerunFailure` and `rerunError` are attempts too
(see `devmind.readers.junit.attempts`).

**All or nothing.** A file that breaks off, breaks a rule or a limit is refused as a whole.
"""

from devmind.readers.junit.limits import JUnitLimits
from devmind.readers.junit.read import read_junit, read_runs

__all__ = ["JUnitLimits", "read_junit", "read_runs"]
