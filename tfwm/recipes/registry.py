"""What a recipe is, how it is found by its name, and how it is run.

A recipe is a module `tfwm.recipes.NAME` that holds a `RECIPE`, and a folder `recipes/NAME` of TOML
files. Nothing else has to know of it: `tfwm train NAME`, `python -m tfwm.recipes` and the
documentation find it there.
"""

import contextlib
import dataclasses
import importlib
import itertools
import logging
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tfwm.batch.lock import only_run
from tfwm.checks import Parser, nearest, show_warning
from tfwm.console import say, tell
from tfwm.data.sources import check_source
from tfwm.recipes.config import check_shared
from tfwm.resources import resource_directory
from tfwm.training.checkpoint import Checkpoint
from tfwm.training.config import ConfigError, load_config, save_config, setting_texts, to_toml
from tfwm.training.distribute import (
    devices,
    is_chief,
    lacks_bfloat16,
    set_devices,
    set_workers,
    training_strategy,
    wait_for_all,
    worker,
)

QUICK = "quick"
RESUME_HINT = "add --resume to go on, or choose another output="
START_HINT = "leave out --resume to start one"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """A training that can be run: settings, stages, report.

    Args:
        name: name of the module, and of the folder of TOML files.
        summary: one line for the help.
        config: dataclass of the settings, a `TrainingConfig`.
        check: function of a config that raises `ConfigError` for what would end a run later.
        stages: folders below `output` that hold checkpoints; `""` is `output` itself.
    """

    name: str
    summary: str
    config: type
    check: Callable[[Any], None] = lambda config: None
    stages: tuple[str, ...] = ("",)

    def run(self, config: Any) -> Any:
        """Train, from the last checkpoints if there are some; return what was trained."""
        raise NotImplementedError

    def finish(self, trained: Any, config: Any, recipe: str) -> str:
        """Measure and export what was trained; return the text to print, the result in its end.

        Args:
            trained: what `run` returned.
            config: the settings.
            recipe: the config's name in cards and tables, see `label`.
        """
        raise NotImplementedError

    def check_config(self, config: Any) -> None:
        """Raise `ConfigError` for settings that would be ignored, or end the run later."""
        try:
            check_shared(config)
            self.check(config)
        except ValueError as error:
            raise ConfigError(str(error)) from error

    def load(self, file: str | Path | None = QUICK, overrides: tuple | list = ()) -> Any:
        """Return a config: from defaults (`None`) or a TOML file, changed by `key=value` words."""
        path = None if file is None else find_config(self.name, file)
        return load_config(self.config, path, overrides)

    def train(self, config: Any, resume: bool | str = False) -> Any:
        """Train, or go on training; return what was trained.

        Args:
            config: the settings.
            resume: whether to go on from the last checkpoints in `output`; `"previous"` takes the
                one before it where the last is damaged, or if none is, before the newest.

        Raises:
            ConfigError: a setting that cannot be used, photos that do not exist, an output that
                holds a run already although `resume` is not set, or none although it is.
            ValueError: another run is writing to `output`.
        """
        training_strategy()  # with several workers, before anything is computed
        self.check_config(config)
        if config.batch_size % training_strategy().num_replicas_in_sync:
            raise ConfigError(
                f"Expected a batch_size that {training_strategy().num_replicas_in_sync} devices "
                f"share. Received: {config.batch_size}"
            )
        more = [getattr(config, name, []) for name in ("validation_photos", "clean_photos")]
        for source in itertools.chain(config.photos, *more, [config.test_photos]):
            check_source(source)
        output = Path(config.output)
        with _alone(output) if is_chief() else contextlib.nullcontext():
            return self._train(config, output, resume)

    def _train(self, config, output, resume):
        begun = any(Checkpoint(output / s / "checkpoints").exists() for s in self.stages)
        if begun and not resume:
            raise ConfigError(f"{output} already holds a run: {RESUME_HINT}")
        if resume and not (begun or (output / "config.toml").is_file()):
            raise ConfigError(f"There is no run in {output} to go on with: {START_HINT}")
        if resume == "previous" and is_chief():
            _step_back(output)
        wait_for_all()
        say(devices(), flush=True)
        if getattr(config, "precision", "") == "mixed_bfloat16" and lacks_bfloat16():
            say("this processor has no bfloat16: precision=float32 is likely faster", flush=True)
        return self.run(config)

    def main(self, words: list[str] | None = None, prog: str | None = None) -> int:
        """Run the recipe by the words of a command line; return the exit code."""
        words = sys.argv[1:] if words is None else words
        options = self._options(words, prog or f"python -m tfwm.recipes.{self.name}")
        logging.basicConfig(level=logging.WARNING)
        try:
            _place(options)
            path = self._config_path(options)
            config = load_config(self.config, path, options.settings)
            with warnings.catch_warnings():
                warnings.showwarning = show_warning
                trained = self.train(config, options.resume)
                if is_chief():
                    say(self.finish(trained, config, label(self.name, path)))
        except (ValueError, OSError, ImportError) as error:
            tell("error", " ".join(str(error).split()))
            return 2
        return 0

    def help(self) -> str:
        """Return the settings with their defaults and the TOML files, as text."""
        lines = [f"settings (defaults of the recipe; a config, {QUICK} by default, replaces some):"]
        for name, default, text in self.settings():
            lines += [f"  {name} = {default}", f"      {text}"]
        lines += ["", "configs (--config NAME):"]
        lines += [f"  {path.stem:<24} {first_line(path)}" for path in config_files(self.name)]
        return "\n".join(lines)

    def settings(self) -> list[tuple[str, str, str]]:
        """Return name, default as TOML, and meaning of each setting."""
        default = self.config()
        texts = setting_texts(self.config)
        return [(name, to_toml(getattr(default, name)), text) for name, text in texts.items()]

    def _options(self, words, prog):
        # An option with an optional value would take the setting that follows it for that.
        words = [f"{word}=last" if word == "--resume" else word for word in words]
        return self._parser(prog).parse_intermixed_args(words)

    def _parser(self, prog):
        parser = Parser(prog=prog, description=self.summary, epilog=self.help())
        parser.add_argument(
            "--config",
            metavar="NAME",
            help="a config that comes with tfwm, such as quick (the default), or a TOML file; with "
            "--resume, by default the settings of the run in output",
        )
        parser.add_argument(
            "--resume",
            choices=("last", "previous"),
            metavar="[=previous]",
            help="go on from output's last checkpoint; or from the one before it, where the last "
            "is damaged or a training went wrong",
        )
        parser.add_argument(
            "--devices",
            metavar="N|cpu|gpu:0,1",
            help="so many GPUs (virtual CPUs, where there is no GPU), the CPU, or these GPUs; by "
            "default all GPUs, or the CPU",
        )
        parser.add_argument(
            "--workers",
            metavar="HOST:PORT,...",
            help="the machines that train together, alike on each; instead of TF_CONFIG",
        )
        parser.add_argument(
            "--worker-index", type=int, metavar="I", help="which of --workers this is, from 0"
        )
        parser.add_argument("settings", nargs="*", metavar="key=value", help="settings to change")
        parser.takes_settings = True
        return parser

    def _config_path(self, options):
        if options.config is None and options.resume:
            # The run's own settings, which a resumed run should not have to be told again.
            kept = Path(self.load(QUICK, options.settings).output) / "config.toml"
            if kept.is_file():
                return kept
        return find_config(self.name, options.config or QUICK)


@dataclasses.dataclass(frozen=True, kw_only=True)
class StagedRecipe(Recipe):
    """A recipe that trains several networks one after the other, each in a folder of its own.

    Args:
        train_stages: what `Recipe.run` is.
        report: what `Recipe.finish` is.
    """

    train_stages: Callable[[Any], Any]
    report: Callable[[Any, Any, str], str]

    def check_config(self, config):
        super().check_config(config)
        if worker()[1] > 1:
            raise ConfigError(
                f"{self.name} trains several networks one after the other, on one machine: unset "
                "TF_CONFIG"
            )

    def run(self, config):
        output = Path(config.output)
        output.mkdir(parents=True, exist_ok=True)
        save_config(config, output / "config.toml")
        return self.train_stages(config)

    def finish(self, trained, config, recipe):
        return self.report(trained, config, recipe)


@contextlib.contextmanager
def _alone(output):
    """Holds the folder of a run; one in which nothing was written goes again."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"Expected as output a folder that can be made. Received: {output} ({error.strerror})"
        ) from error
    try:
        with only_run(output):
            yield
    finally:
        with contextlib.suppress(OSError):
            output.rmdir()


def _place(options):
    """Choose machines and devices by the options of a command line."""
    if options.workers is not None:
        set_workers(options.workers.split(","), options.worker_index)
    elif options.worker_index is not None:
        raise ConfigError("Expected --workers beside --worker-index. Received: none")
    if options.devices is not None:
        set_devices(options.devices)


def _step_back(output):
    """Leave out the last checkpoint of each stage in which it is damaged, or else the newest."""
    found = [Checkpoint(folder) for folder in output.rglob("checkpoints")]
    found = sorted(filter(Checkpoint.exists, found), key=Checkpoint.written)
    left_out = [one for one in found if one.is_damaged()] or found[-1:]
    for checkpoint in left_out:
        checkpoint.step_back()


def recipe_names() -> list[str]:
    """Return the names of all recipes; starts no TensorFlow.

    Example:

    >>> recipe_names()
    ['barrier', 'carriers', 'hidden', 'keyed', 'mbrs', 'photo', 'redmark', 'stegastamp']
    """
    modules = Path(__file__).parent.glob("*.py")
    folder = resource_directory("recipes")
    return sorted(module.stem for module in modules if (folder / module.stem).is_dir())


def find_recipe(name: str) -> Recipe:
    """Return a recipe by its name, or raise ValueError that names the nearest.

    Example:

    >>> find_recipe("mbrs").load("cpu").batch_size
    24
    """
    nearest("recipe", name, recipe_names())
    return importlib.import_module(f"tfwm.recipes.{name}").RECIPE


def config_files(name: str) -> list[Path]:
    """Return the TOML files that come with a recipe, sorted."""
    return sorted((resource_directory("recipes") / name).glob("*.toml"))


def find_config(name: str, config: str | Path) -> Path:
    """Return the path of a TOML file, of the user's or of those that come with a recipe.

    Args:
        name: the recipe's name.
        config: `"cpu-mt"`, `"redmark/cpu-mt"` or `"recipes/redmark/cpu-mt.toml"`, from any folder;
            or the path of a file.
    """
    path = Path(config).expanduser()
    if path.is_file():
        return path
    if path.parent.name not in ("", name):
        other = path.parent.name in recipe_names()
        hint = f": it belongs to `tfwm train {path.parent.name}`" if other else ""
        raise ConfigError(f"Cannot read the config {config}: No such file of {name}{hint}")
    files = {file.stem: file for file in config_files(name)}
    if path.suffix == ".toml" and not path.parent.name and path.stem not in files:
        raise ConfigError(f"Cannot read the config {config}: No such file")
    try:
        return files[nearest(f"config of {name}", path.name.removesuffix(".toml"), files)]
    except ValueError as error:
        raise ConfigError(str(error)) from error


def label(name: str, path: Path) -> str:
    """Return what cards and tables call a TOML file: `"recipes/mbrs/cpu.toml"`, or its name."""
    packaged = [file.resolve() for file in config_files(name)]
    return f"recipes/{name}/{path.name}" if path.resolve() in packaged else path.name


def first_line(path: Path) -> str:
    """Return what the first paragraph of a TOML file's comment says, in one line."""
    lines = itertools.takewhile(lambda line: line[:2] == "# ", path.read_text("utf-8").splitlines())
    return " ".join(line[2:].strip() for line in lines)


def settings_markdown(name: str) -> str:
    """Return a recipe's settings and configs as Markdown, for the documentation.

    Example:

    >>> settings_markdown("mbrs").splitlines()[0]
    '## `tfwm train mbrs`'
    """
    recipe = find_recipe(name)
    lines = [f"## `tfwm train {name}`", "", recipe.summary, ""]
    lines += ["| `--config` | what it trains |", "|---|---|"]
    lines += [f"| `{path.stem}` | {first_line(path)} |" for path in config_files(name)]
    lines += ["", f"The defaults are the recipe's; a config, `{QUICK}` by default, replaces some."]
    lines += ["", "| setting | default | meaning |", "|---|---|---|"]
    for setting, default, text in recipe.settings():
        lines.append(f"| `{setting}` | `{default}` | {text} |".replace("||", "|"))
    return "\n".join(lines) + "\n"
