"""The trees of errors that stand in the docstrings of the two modules."""

import inspect
import re

import pytest

import flows.errors
import maskopt.errors


@pytest.mark.parametrize("module", [maskopt.errors, flows.errors])
def test_tree_names_each_error_of_its_module(module):
    in_tree = re.findall(r"^[├└]── (\w+)", module.__doc__, re.MULTILINE)
    defined = [name for name, one in inspect.getmembers(module, inspect.isclass) if one.__module__ == module.__name__]
    assert sorted([*in_tree, *(["MaskoptError"] if module is maskopt.errors else [])]) == sorted(defined)
