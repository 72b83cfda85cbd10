import csv
import io
import json
from dataclasses import replace
from datetime import date

import pytest
from rich.console import Console

from evaluation.figures import MEAN, Figure
from evaluation.grids import cell, figure_grids, narrow_grids, narrow_verdicts, verdict_grid
from evaluation.replayed import AS_PUBLISHED, CAUSAL
from evaluation.report import report_of, to_json
from evaluation.tables import comparisons_csv, markdown, metrics_csv, on_terminal
from evaluation.written import write
from tests.evaluation import replays

VERDICTS = ("beats", "within noise", "worse")
TODAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def report():
    found = replays.replayed()
    noisy = replace(found, failures=(replays.failures("shop", 60, rate=0.2),), rankings=())
    both = [found, replace(noisy, mode=AS_PUBLISHED, durations=())]
    return report_of(both, title="Sample", made_on=TODAY, seed=1, notes=["By hand."], repeats=20)


def figure(**changed):
    fields = {
        "data": "d",
        "mode": CAUSAL,
        "project": "shop",
        "rule": "model",
        "metric": "auc",
        "value": 0.8,
        "low": 0.7,
        "high": 0.9,
        "n": 100,
        "positives": 40,
        "noise": False,
    }
    return Figure(**(fields | changed))


def test_the_report_is_json_without_nan(report):
    """
    Any program reads the report; what is undefined is null.
    """

    def refuse(word):
        raise AssertionError(word)

    read = json.loads(to_json(report), parse_constant=refuse)

    assert [part["mode"] for part in read["parts"]] == [CAUSAL, AS_PUBLISHED]
    assert read["made_on"] == "2026-11-23"
    figures = read["parts"][0]["figures"]
    assert {f["low"] for f in figures if f["rule"] == "their XGBoost"} == {None}


def test_csv_holds_every_figure_in_long_form(report):
    """
    One line a figure, undefined values empty, with counts and the mark of noise.
    """
    rows = list(csv.DictReader(io.StringIO(metrics_csv(report))))

    heads = "set mode project rule metric value low high n positives noise"
    assert list(rows[0]) == heads.split()
    assert len(rows) == sum(len(part.figures) for part in report.parts)
    assert {row["noise"] for row in rows if row["mode"] == AS_PUBLISHED} == {"true"}
    printed = [row for row in rows if row["rule"] == "their XGBoost"]
    assert [(row["value"], row["low"], row["positives"]) for row in printed] == [("90", "", "")]
    verdicts = csv.DictReader(io.StringIO(comparisons_csv(report)))
    assert {row["verdict"] for row in verdicts} <= {"beats", "within noise", "worse"}


def test_markdown_tables_are_whole(report):
    """
    Every row of every table has as many cells as its head, and each part its heading.
    """
    text = markdown(report, pictures=["a.png"])

    assert "## two companies, causal" in text
    assert "## two companies, as published" in text
    assert "![a](a.png)" in text
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) > 8
    for block in blocks:
        assert len({row.count(" | ") for row in block}) == 1


def test_noise_is_marked_in_every_table(report):
    """
    A row that rests on fewer than 30 failing builds says so, wherever it is shown.
    """
    marked = {row[0] for grid in figure_grids(report.parts[1].figures) for row in grid.rows}
    assert marked == {"shop (noise)"}

    (grid,) = figure_grids([figure(), figure(project="bank", noise=True, positives=12)])
    assert [row[0] for row in grid.rows] == ["shop", "bank (noise)"]
    assert [row[3] for row in grid.rows] == ["40", "12"]


def test_the_mean_stands_last_and_hostile_names_stay_in_their_cell(report):
    """
    Whatever a project is called, tables keep their shape; the mean is below all projects.
    """
    odd = "a | b\n# [red]"
    part = replace(
        report.parts[0],
        figures=(figure(project=MEAN), figure(project=odd)),
        comparisons=(),
        sentences=(odd,),
    )
    small = replace(report, parts=(part,))

    rows = [row for row in markdown(small).splitlines() if row.startswith("|")]
    assert rows[2].startswith("| a \\| b # [red] | model |")
    assert rows[3].startswith("| mean over projects |")
    assert odd.split("\n", maxsplit=1)[1] not in markdown(small).splitlines()
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(*on_terminal(small))
    assert "[red]" in console.export_text()


def test_a_terminal_has_a_small_table_for_each_project(report):
    """
    Figures go down and rules across, the model's with its interval, and it fits 80 columns.
    """
    grids = list(narrow_grids(report.parts[0].figures))

    durations = [grid for grid in grids if grid.title.startswith("Durations: ")]
    assert [grid.title for grid in durations] == [
        "Durations: shop, 200 builds",
        "Durations: bank, 200 builds",
        "Durations: mean over projects, 400 builds",
    ]
    assert durations[0].columns == ("figure", "model", "last_run", "mean_of_7", "their XGBoost")
    error = durations[0].rows[0]
    assert error[0] == "RMSE s"
    assert (" to " in error[1], " to " in error[2], error[4]) == (True, False, "90.0")
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(*on_terminal(report))
    printed = console.export_text()
    assert max(map(len, printed.splitlines())) <= 80
    assert "mean_of_7" in printed
    noisy = [grid.title for grid in narrow_grids(report.parts[1].figures)]
    assert all(title.endswith("failing (noise)") for title in noisy)


def test_verdicts_are_counted_over_projects(report):
    """
    The verdict on the mean stands before how many projects are beaten, within noise and lost.
    """
    every = report.parts[0].comparisons
    errors = [c for c in every if (c.rule, c.metric) == ("last_run", "mae_s")]
    tally = [sum(c.verdict == v for c in errors if c.project != MEAN) for v in VERDICTS]
    (mean,) = [c.verdict for c in errors if c.project == MEAN]

    (narrow,), wide = narrow_verdicts(errors), verdict_grid(errors)

    assert narrow.rows == (("MAE s", f"{mean} {'/'.join(map(str, tally))}"),)
    assert wide.rows[0][3:] == tuple(map(str, tally))
    (alone,) = narrow_verdicts([c for c in errors if c.project == "shop"])
    assert alone.rows == (("MAE s", "beats"),)


@pytest.mark.parametrize(
    ("value", "ends", "expected"),
    [
        (0.8264, (0.81, 0.84), "0.826 (0.810 to 0.840)"),
        (113248.4, (90000.0, 130000.0), "113248 (90000 to 130000)"),
        (49.44, (float("nan"), float("nan")), "49.4"),
        (float("nan"), (float("nan"), float("nan")), ""),
    ],
)
def test_a_cell_shows_the_value_and_its_interval(value, ends, expected):
    """
    Digits that mean something, the interval where there is one, nothing where undefined.
    """
    assert cell(figure(value=value, low=ends[0], high=ends[1])) == expected


def test_a_folder_holds_everything(report, tmp_path):
    """
    JSON, Markdown, CSV and a picture for each chart; writing again replaces them.
    """
    alone = replace(report, parts=(replace(report.parts[0], charts=report.parts[0].charts[:1]),))
    folder = tmp_path / "made" / "here"

    written = write(folder, alone)
    again = write(folder, alone)

    assert written == again
    assert sorted(path.name for path in folder.iterdir()) == sorted(p.name for p in written)
    texts = {"report.json", "report.md", "metrics.csv", "comparisons.csv"}
    pictures = {path for path in written if path.suffix == ".png"}
    assert {path.name for path in written} - {path.name for path in pictures} == texts
    assert {path.name for path in pictures} == {"savings.png"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


def test_pictures_of_several_parts_have_names_of_their_own(report, tmp_path):
    """
    No part's picture takes the place of another's.
    """
    both = tuple(replace(part, charts=part.charts[-1:]) for part in report.parts)

    written = write(tmp_path, replace(report, parts=both))

    assert [path.name for path in written if path.suffix == ".png"] == [
        "two_companies_causal_error_by_age.png",
        "two_companies_as_published_skipped_builds.png",
    ]


def test_a_report_makes_every_kind_of_picture(report):
    """
    A history with durations, failures and tests shows all seven charts, each with every project.
    """
    charts = report.parts[0].charts

    names = "savings recall_by_cost apfd calibration skipped_builds coverage error_by_age".split()
    assert [chart.name for chart in charts] == names
    assert {len(chart.panels) for chart in charts} == {2}
