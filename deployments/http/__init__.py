"""The HTTP API: a plain FastAPI application over plain async methods; knows no Ray."""

from deployments.http.application import HttpApp, make_http_app
from deployments.http.operations import About
from deployments.http.service import Service

__all__ = ["About", "HttpApp", "Service", "make_http_app"]
