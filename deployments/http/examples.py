"""The requests that the documentation shows; a test sends each of them."""

from __future__ import annotations

from typing import Any

from devmind.ci import build_id

BUILD: dict[str, Any] = {
    "project": "acme/shop",
    "pipeline": "ci.yml",
    "external_id": "1871",
    "queued_at": "2026-03-02T09:14:05Z",
    "trigger": "push",
    "change": {
        "commit": "4f0c2d9e",
        "author": "jo",
        "branch": "fix/cart-total",
        "message": "Round the cart's total once",
        "files": [{"path": "src/cart.py", "lines_added": 12, "lines_deleted": 4}],
    },
}
BUILD_ID = build_id("acme/shop", "ci.yml", "1871", 1)
FINISH: dict[str, Any] = {
    "status": "passed",
    "started_at": "2026-03-02T09:14:20Z",
    "finished_at": "2026-03-02T09:21:48Z",
    "jobs": [
        {
            "name": "test",
            "status": "passed",
            "started_at": "2026-03-02T09:14:20Z",
            "finished_at": "2026-03-02T09:21:48Z",
            "steps": [
                {
                    "name": "Install dependencies",
                    "status": "passed",
                    "started_at": "2026-03-02T09:14:22Z",
                    "finished_at": "2026-03-02T09:17:02Z",
                }
            ],
        }
    ],
}
JUNIT = (
    '<testsuite name="cart"><testcase classname="cart" name="adds" time="0.21"/>'
    '<testcase classname="cart" name="rounds" time="0.34"><failure message="9.99 != 10.00"/>'
    "</testcase></testsuite>"
)
REPORT: dict[str, Any] = {
    "name": "test",
    "runs": [
        {"name": "cart::adds", "verdict": "passed", "duration_s": 0.21},
        {"name": "cart::rounds", "verdict": "failed", "duration_s": 0.34},
    ],
}
EVENTS: dict[str, Any] = {
    "events": [
        {"kind": "queued", "build": BUILD},
        {"kind": "tests", "build_id": BUILD_ID, "report": REPORT},
        {"kind": "finished", "build_id": BUILD_ID, "outcome": FINISH},
    ]
}
DURATION: dict[str, Any] = {
    "project_name": "acme/shop",
    "branch": "fix/cart-total",
    "changed_files": ["src/cart.py"],
}
REMAINING: dict[str, Any] = {
    "project_name": "acme/shop",
    "pipeline_id": "ci.yml",
    "branch": "fix/cart-total",
    "elapsed_s": 180.0,
    "jobs": [
        {"name": "lint", "status": "passed", "duration_s": 41.5},
        {"name": "test", "status": "running", "duration_s": 175.0},
    ],
}
OPTIMIZE: dict[str, Any] = {
    "project_name": "acme/shop",
    "dependency_graph": {"deploy": ["test", "lint"]},
    "resource_constraints": {"max_parallel_jobs": 4},
}
FAILURE: dict[str, Any] = {
    "pipeline_id": "acme/shop/ci.yml",
    "commit_hash": "4f0c2d9e",
    "code_changes": {"files_modified": 3, "lines_added": 120, "lines_deleted": 15},
}
SELECT: dict[str, Any] = {
    "project_name": "acme/shop",
    "commit_hash": "4f0c2d9e",
    "changed_files": ["src/cart.py"],
    "target": {"confidence": 0.95},
    "must_run": ["smoke::*"],
}
SELECT_BY_MISS_RATE: dict[str, Any] = {**SELECT, "target": {"miss_rate": 0.05}}
ASSESS: dict[str, Any] = {
    "project_name": "acme/shop",
    "pipeline_id": "ci.yml",
    "commit_hash": "4f0c2d9e",
    "changed_files": ["src/cart.py", {"path": "uv.lock", "lines_added": 40}],
}
RETRAIN: dict[str, Any] = {"promote_if_better": True}
PROMOTE: dict[str, Any] = {"version": "3"}
SHADOW: dict[str, Any] = {"version": "3", "builds": 50, "promote_if_better": True}
