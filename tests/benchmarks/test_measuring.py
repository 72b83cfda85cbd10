"""What the benchmarks of training count."""

import subprocess
import sys

from benchmarks.training.measuring import spent

SPIN = "import time; end = time.process_time() + {s}\nwhile time.process_time() < end: pass"


def spin(seconds):
    subprocess.run([sys.executable, "-c", SPIN.format(s=seconds)], check=True)


def test_a_process_that_has_ended_is_counted():
    """
    What a child spent counts in the run in which it spent it, and never against a later one.
    """
    first = spent(lambda: spin(1.5))
    later = spent(lambda: None)

    assert 1.0 < first.cpu_s < 4.0
    assert 0.0 <= later.cpu_s < 0.5
