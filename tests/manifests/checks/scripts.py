"""Commands and scripts: the files, modules, variables and objects that they name are there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import typer
import typer.exceptions

from tests.conftest import ROOT
from tests.manifests.checks import told
from tests.manifests.checks.objects import Finding, Objects, named, ray_jobs
from training import job

INIT = "/docker-entrypoint-initdb.d"
"""Where PostgreSQL's image looks for what it runs once."""
_BESIDE = re.compile(r"(?:\$here|\$\(dirname \"\$0\"\))\"?/([\w.-]+)")
_READ = re.compile(r"\$\{?([A-Z][A-Z0-9_]+)\b(?!:?[-?=+])")
_SET = re.compile(r"(?:\b|\$\{)([A-Z][A-Z0-9_]+)(?::?[-?=])")
_PATH = re.compile(r"(?<![\w$}./\"])/[\w.-]+(?:/[\w.-]+)+")


def check(objects: Objects) -> Iterator[Finding]:
    """Yield what a command names in vain."""
    for each in told.containers(objects):
        yield from _modules(each, objects)
        text = " ".join(each.words)
        if each.words[:1] == ["sh"] and each.words[1].startswith("/"):
            folder, volume = each.holder(each.words[1])
            if "configMap" not in volume:
                yield Finding("scripts.file", each.where, each.words[1])
            first = [each.words[1].removeprefix(f"{folder}/")]
            yield from _scripts(each, folder, first, objects)
        elif INIT in each.volumes:
            held = told.files(each.volumes[INIT], objects) or {}
            yield from _scripts(each, INIT, [key for key in held if key.endswith(".sh")], objects)
        yield from _paths(each, text, objects)
    for where, each_job in ray_jobs(objects):
        yield from _job(where, shlex.split(str(each_job.get("entrypoint", ""))))


def _scripts(
    each: told.Told, folder: str, wanted: list[str], objects: Objects
) -> Iterator[Finding]:
    """Follow the scripts of a folder, from the first to those that it calls."""
    held = told.files(each.volumes.get(folder, {}), objects)
    if held is None:
        return
    text, seen = "", set[str]()
    while wanted:
        key = wanted.pop()
        seen.add(key)
        if key not in held:
            yield Finding("scripts.file", each.where, f"{folder}/{key}")
        script = re.sub(r"(?m)^\s*#.*", "", held.get(key, ""))
        text += script
        wanted += sorted(set(_BESIDE.findall(script)) - seen)
    yield from _paths(each, text, objects)
    unset = set(_READ.findall(text)) - set(_SET.findall(text)) - each.values.keys()
    for variable in sorted(unset) if each.whole else ():
        yield Finding("scripts.unset", each.where, variable)


def _paths(each: told.Told, text: str, objects: Objects) -> Iterator[Finding]:
    """What lies in the folder of a ConfigMap is one of its files."""
    for path in _PATH.findall(text):
        folder, volume = each.holder(path)
        held = told.files(volume, objects) if path != folder else None
        if held is not None and path.removeprefix(f"{folder}/") not in held:
            yield Finding("scripts.file", each.where, path)


def _modules(each: told.Told, objects: Objects) -> Iterator[Finding]:
    match each.words:
        case ["python", "-m", module, *arguments]:
            yield from _module(each.where, module)
            crons = named(objects, "RayCronJob")
            if module == "training.nightly" and "".join(arguments) not in crons:
                yield Finding("scripts.starter", each.where, str(arguments))


def _module(where: str, module: str) -> Iterator[Finding]:
    path = ROOT / module.replace(".", "/")
    if not (path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()):
        yield Finding("scripts.module", where, module)


def _job(where: str, words: list[str]) -> Iterator[Finding]:
    """The command line of a job is one that it can read."""
    if words[:3] != ["python", "-m", "training.job"]:
        return
    try:
        _command().make_context("job", words[3:])
    except typer.exceptions.TyperException as error:
        yield Finding("scripts.job", where, str(error))


@cache
def _command() -> Any:
    app = typer.Typer()
    app.command()(job.main)
    return typer.main.get_command(app)
