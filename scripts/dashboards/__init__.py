"""Grafana dashboards as code: ours from here, Ray's own from the pinned Ray.

`python -m scripts.dashboards` writes them to `k8s/monitoring/dashboards`.
"""
