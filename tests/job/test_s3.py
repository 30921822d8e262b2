"""A job from and to an S3-like store, served here."""

import pytest
from skimage import data

from tfwm.images import encode_photo, read_photo

moto_server = pytest.importorskip("moto.server", reason="needs moto, a stand-in for S3")
pytest.importorskip("s3fs", reason="needs s3fs")
pytestmark = pytest.mark.slow


@pytest.fixture
def bucket(monkeypatch):
    import boto3

    server = moto_server.ThreadedMotoServer(port=0)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": address,
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3", endpoint_url=address).create_bucket(Bucket="photos")
    yield "s3://photos"
    server.stop()


def test_there_and_back(bucket, monkeypatch):
    from tfwm.job.run import run_job
    from tfwm.job.storage import Storage, digest_of
    from tfwm.job.work import Settings, Worker

    folder = Storage(f"{bucket}/in")
    photo = encode_photo(read_photo(data.chelsea()[:192, :256]), "a.jpg", quality=95)
    for name in ("a.jpg", "sub/b.jpg"):
        folder.write(name, photo)
    folder.write("bad.jpg", b"no photo")

    def here(settings, shards, options, workers):
        worker = Worker(settings)
        for shard in shards:
            worker.run(shard)

    monkeypatch.setattr("tfwm.job.local.run_once", here)
    settings = Settings("embed", f"{bucket}/in", f"{bucket}/out")
    result = run_job(settings, message="Ada")
    out = Storage(f"{bucket}/out")
    assert (result["done"], result["failed"]) == (2, 1)
    assert list(out.names()) == ["a.jpg", "sub/b.jpg", "tfwm-failed.csv", "tfwm-report.csv"]
    assert digest_of(f"{bucket}/out/a.jpg") in out.read("tfwm-report.csv").decode()
    assert run_job(settings, message="Ada")["before"] == 2
    settings = Settings("extract", f"{bucket}/out", f"{bucket}/read", how={"search": "none"})
    assert run_job(settings)["done"] == 2
    assert b"present" in Storage(f"{bucket}/read").read("tfwm-report.csv")
