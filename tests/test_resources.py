import pytest

import tfwm.resources as resources


def test_checkout():
    for name in ("saved_models", "recipes"):
        assert resources.resource_directory(name).name.removeprefix("_") == name


def test_installed_package_comes_first(monkeypatch, tmp_path):
    package = tmp_path / "site-packages" / "tfwm"
    (package / "_recipes").mkdir(parents=True)
    (tmp_path / "site-packages" / "recipes").mkdir()
    monkeypatch.setattr(resources, "__file__", str(package / "resources.py"))
    assert resources.resource_directory("recipes") == package / "_recipes"
    with pytest.raises(FileNotFoundError, match="The saved_models of tfwm are not installed"):
        resources.resource_directory("saved_models")


def test_unknown():
    with pytest.raises(ValueError, match="Received: name='data'"):
        resources.resource_directory("data")
