import os
import subprocess
import sys

from tfwm.cli.parser import make_parser

MESSAGE = "(c) 2026 Ada Lovelace"


def test_help_is_quick_and_does_not_start_tensorflow():
    for arguments in (["--help"], ["embed", "--help"], ["demo", "--help"]):
        code = f"import sys, tfwm.cli\ntry: tfwm.cli.main({arguments})\nexcept SystemExit: pass\n"
        code += "assert 'tensorflow' not in sys.modules and 'numpy' not in sys.modules"
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        assert "examples:" in result.stdout and "tfwm embed" in result.stdout or arguments[1:]


def test_every_command_teaches(run):
    parser = make_parser()
    commands = next(a for a in parser._actions if a.choices).choices
    assert {
        "barrier",
        "demo",
        "list",
        "report",
        "train",
        "evaluate",
        "figures",
        "embed",
        "extract",
        "export",
        "convert",
        "verify",
    } <= set(commands)
    for name in commands:
        code, out, _ = run(name, "--help")
        assert code == 0 and f"  tfwm {name} " in out.partition("examples:")[2] + " ", name


def test_errors_of_the_parser(fails):
    assert "invalid choice: 'nosuch'" in fails("nosuch")
    assert "required" in fails()
    assert "tfwm embed --help" in fails("embed", "a.jpg")
    assert "RECIPE" in fails("train")


def test_help_warns_of_keys_on_the_command_line(run):
    for name in ("embed", "extract", "report"):
        text = " ".join(run(name, "--help")[1].split())
        assert "Other users of this computer see it" in text
        assert "--key-file" in text and "TFWM_KEY" in text


def test_interruption_is_an_exit_code(run, monkeypatch, network, photo):
    import signal

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("tfwm.watermarker.load", interrupted)
    assert run("extract", photo) == (130, "", "tfwm: error: interrupted\n")
    monkeypatch.setattr("tfwm.watermarker.load", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    assert run("extract", photo) == (143, "", "tfwm: error: terminated\n")
    assert signal.getsignal(signal.SIGTERM) == before


def test_module_runs_without_a_word_of_tensorflow(saved_network, photo, tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    marked = str(tmp_path / "marked.png")
    more = ["--network", str(saved_network), "--key", "k"]
    embed = ["embed", str(photo), "-o", marked, "--message", MESSAGE, *more]
    # Both commands as `python -m tfwm` runs them, in a process that starts TensorFlow once.
    code = f"""
import runpy, sys
for words in {[embed, ["extract", marked, *more]]}:
    sys.argv = ["tfwm", *words]
    try:
        runpy.run_module("tfwm", run_name="__main__")
    except SystemExit as end:
        assert not end.code
"""
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert (result.returncode, result.stderr) == (0, "")
    first, second = result.stdout.splitlines()
    assert first.startswith(marked) and second == MESSAGE
