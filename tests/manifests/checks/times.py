"""Times: schedules that Kubernetes and KubeRay can read, zones that exist, one job at a time."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from croniter import croniter

from tests.manifests.checks.objects import Finding, Object, Objects, name, named, of_kind

_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_NAMES: tuple[tuple[str, ...], ...] = (
    (),
    (),
    (),
    tuple("jan feb mar apr may jun jul aug sep oct nov dec".split()),
    tuple("sun mon tue wed thu fri sat".split()),
)
_RETRAINING, _BACKUP = "devmind-retraining", "devmind-backup"
_SPARE, _FRESH = timedelta(minutes=10), timedelta(hours=4)
_RUNS = 30


def check(objects: Objects) -> Iterator[Finding]:
    """Yield what is never started, started twice, or at a bad time."""
    readable = True
    for thing in of_kind(objects, "CronJob", "RayCronJob"):
        spec = thing["spec"]
        if not is_standard(str(spec.get("schedule", ""))):
            readable = False
            yield Finding("times.schedule", name(thing), str(spec.get("schedule")))
        if spec.get("timeZone") not in available_timezones():
            readable = False
            yield Finding("times.zone", name(thing), str(spec.get("timeZone")))
    retraining = named(objects, "RayCronJob").get(_RETRAINING)
    if retraining is not None:
        crons = named(objects, "CronJob")
        yield from _fallback(retraining["spec"], crons.get(_RETRAINING))
        if readable:
            yield from _every(retraining["spec"])
            for own in sorted(each for each in crons if each.startswith(_BACKUP)):
                yield from _backup(own, crons[own]["spec"], retraining["spec"])


def is_standard(schedule: str) -> bool:
    """Whether robfig/cron's ParseStandard takes a schedule of five fields."""
    fields = schedule.split()
    return len(fields) == len(_RANGES) and all(
        _is_field(part, *_RANGES[place], _NAMES[place])
        for place, field in enumerate(fields)
        for part in field.split(",")
    )


def _is_field(part: str, low: int, high: int, names: tuple[str, ...]) -> bool:
    values, _, step = part.partition("/")
    if "/" in part and not (step.isdecimal() and int(step) > 0):
        return False
    if values in {"*", "?"}:
        return True
    ends = [
        str(low + names.index(end.lower())) if end.lower() in names else end
        for end in values.split("-")
    ]
    if len(ends) > 2 or not all(end.isdecimal() for end in ends):
        return False
    numbers = [int(end) for end in ends]
    return numbers == sorted(numbers) and low <= numbers[0] and numbers[-1] <= high


def starts(spec: Object) -> list[datetime]:
    """Return the first starts of a schedule, those of a winter's month."""
    zone = ZoneInfo(spec["timeZone"])
    ticks = croniter(spec["schedule"], datetime(2025, 1, 1, tzinfo=zone))
    return [ticks.get_next(datetime) for _ in range(_RUNS)]


def _fallback(spec: Object, cron: Object | None) -> Iterator[Finding]:
    """One of the two starts the job, at the same time as the other would."""
    where = f"RayCronJob/{_RETRAINING}"
    if bool(spec.get("suspend")) != (cron is not None):
        yield Finding("times.fallback", where, "nobody starts the job, or two do")
    for key in ("schedule", "timeZone") if cron else ():
        if cron and cron["spec"].get(key) != spec.get(key):
            yield Finding("times.fallback", where, f"{key} {spec.get(key)}")


def _every(spec: Object) -> Iterator[Finding]:
    """What is younger than most of --every is a late tick to the job, and skipped."""
    words = shlex.split(spec["jobTemplate"]["entrypoint"])
    hours = words[words.index("--every") + 1] if "--every" in words else ""
    found = starts(spec)
    least = min(b - a for a, b in pairwise(found)) / timedelta(hours=1)
    if not hours.isdecimal() or int(hours) != least:
        yield Finding("times.every", f"RayCronJob/{_RETRAINING}", f"{hours} h, {least:g} h")


def _backup(own: str, spec: Object, retraining: Object) -> Iterator[Finding]:
    """What a night writes begins after its backups."""
    for begin in starts(retraining):
        ticks = croniter(spec["schedule"], begin.astimezone(ZoneInfo(spec["timeZone"])) + _SECOND)
        if not _SPARE <= begin - ticks.get_prev(datetime) <= _FRESH:
            yield Finding("times.backup", f"CronJob/{own}", f"{spec['schedule']}, {begin}")
            return


_SECOND = timedelta(seconds=1)
