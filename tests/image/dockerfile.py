"""Reads a Dockerfile and carries out what needs no container engine."""

import fnmatch
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Stage:
    base: str
    name: str
    steps: list = field(default_factory=list)

    def all(self, word):
        return [text for verb, text in self.steps if verb == word]

    def env(self):
        return {
            name: value
            for text in self.all("ENV")
            for name, value in (pair.split("=", 1) for pair in shlex.split(text))
        }


def parse(text):
    """Return the stages, and the arguments that stand before the first with their defaults."""
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    stages, given = [], {}
    for line in filter(None, map(str.strip, text.splitlines())):
        verb, _, rest = line.partition(" ")
        rest = " ".join(rest.split())
        if verb == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(re.sub(r"\$\{(\w+)\}", lambda m: given[m[1]], base), name))
        elif stages:
            stages[-1].steps.append((verb, rest))
        else:
            name, _, default = rest.partition("=")
            given[name] = default
    return stages, given


def ignored(rules, path):
    """Whether `.dockerignore` leaves *path* out; the last rule that fits it counts.

    Patterns are as this project uses them: names, paths, and `**/` before a name.
    """
    kept = True
    for rule in rules:
        keep, pattern = rule.startswith("!"), rule.lstrip("!")
        parts = path.split("/")
        prefixes = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        if pattern.startswith("**/"):
            fits = any(fnmatch.fnmatchcase(part, pattern[3:]) for part in parts)
        else:
            fits = any(
                p.count("/") == pattern.count("/") and fnmatch.fnmatchcase(p, pattern)
                for p in prefixes
            )
        kept = keep if fits else kept
    return not kept


def known_files(root):
    """Return every file of the checkout at *root* that Git knows or would add."""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for path in listed.stdout.splitlines() if (root / path).is_file()]


def context(root, files):
    """Return those of *files*, relative to *root*, that a build is sent."""
    lines = (root / ".dockerignore").read_text().splitlines()
    rules = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return [path for path in files if not ignored(rules, path)]


def copy(root, files, step, workdir: Path):
    """Carry out a COPY from the context."""
    *sources, target = step.split()
    folder = workdir / target
    for source in sources:
        found = [p for p in files if source in (".", p) or p.startswith(f"{source}/")]
        assert found, f"COPY {source}: there is no such file in the context"
        for path in found:
            place = folder / (path if source == "." else Path(path).name)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / path, place)
