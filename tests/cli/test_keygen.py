from tfwm.networks.signing import read_private_key, read_public_keys


def test_keys_for_signatures(run, fails, tmp_path):
    path = tmp_path / "ada"
    code, out, _ = run("keygen", path, "--signing", "Ada Lovelace")
    assert code == 0 and f"{path} is written" in out and f"{path}.pub is written" in out
    ((public, name),) = read_public_keys(f"{path}.pub").items()
    assert name == "Ada Lovelace"
    assert read_private_key(path).public_key().public_bytes_raw() == public
    assert path.stat().st_mode & 0o777 == 0o600
    assert "exists" in fails("keygen", path, "--signing", "Ada")
    path.unlink()
    assert "ada.pub exists: choose another name" in fails("keygen", path, "--signing", "Ada")
    assert not path.exists()


def test_keygen(run, fails, tmp_path):
    path = tmp_path / "new.key"
    code, out, _ = run("keygen", path)
    assert code == 0 and f"{path} is written" in out
    key = path.read_text().strip()
    assert len(key) == 64 and key not in out and path.stat().st_mode & 0o777 == 0o600
    assert "exists, and a lost key" in fails("keygen", path)
    assert path.read_text().strip() == key
