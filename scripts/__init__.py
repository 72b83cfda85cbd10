"""Programs for a checkout that are no part of the service."""
