import doctest
import importlib
import pkgutil

import pytest

import devmind.cli
import devmind.client
import devmind.local

MODULES = sorted(
    module.name
    for package in (devmind.cli, devmind.client, devmind.local)
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_the_documentation_hold(name):
    """
    Every example in a docstring gives what it says.
    """
    assert doctest.testmod(importlib.import_module(name)).failed == 0
