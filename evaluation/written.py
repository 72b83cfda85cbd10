"""A report in a folder: JSON, Markdown, CSV and pictures."""

from __future__ import annotations

import re
from pathlib import Path

from evaluation.report import Part, Report, to_json
from evaluation.tables import comparisons_csv, markdown, metrics_csv
from training.pictures import draw


def write(folder: Path, report: Report) -> list[Path]:
    """Write *report* into *folder*, which is made; files of an earlier report are replaced.

    Returns:
        What was written: `report.json`, `report.md`, `metrics.csv`, `comparisons.csv`, and a
        picture for each chart.

    Raises:
        OSError: If the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [path for part in report.parts for path in _pictures(folder, report, part)]
    texts = {
        "report.md": markdown(report, pictures=[path.name for path in pictures]),
        "metrics.csv": metrics_csv(report),
        "comparisons.csv": comparisons_csv(report),
        "report.json": to_json(report).decode(),
    }
    for name, text in texts.items():
        folder.joinpath(name).write_text(text, encoding="utf-8")
    return [*(folder / name for name in texts), *pictures]


def _pictures(folder: Path, report: Report, part: Part) -> list[Path]:
    several = len(report.parts) > 1
    start = f"{_file_name(f'{part.data} {part.mode}')}_" if several else ""
    drawn = []
    for chart in part.charts:
        path = folder / f"{start}{chart.name}.png"
        draw(chart, path, subtitle=f"{part.data}, {part.mode}, {report.made_on.isoformat()}")
        drawn.append(path)
    return drawn


def _file_name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "set"
