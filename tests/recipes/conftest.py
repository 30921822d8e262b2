import pytest


@pytest.fixture
def refuses(tmp_path, capsys):
    """Function that checks that a recipe ends at once with one line that has some words."""

    def check(recipe, words, message, config="quick"):
        words = ["--config", config, f"output={tmp_path / 'run'}", *words]
        assert recipe.main(words) == 2
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert error.startswith("tfwm: error:") and message in error
        assert not (tmp_path / "run").exists()

    return check
