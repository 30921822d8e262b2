def test_keygen(run, fails, tmp_path):
    path = tmp_path / "new.key"
    code, out, _ = run("keygen", path)
    assert code == 0 and f"{path} is written" in out
    key = path.read_text().strip()
    assert len(key) == 64 and key not in out and path.stat().st_mode & 0o777 == 0o600
    assert "exists, and a lost key" in fails("keygen", path)
    assert path.read_text().strip() == key
