import uuid
from pathlib import Path

import pytest

from tfwm.batch.jobs import Job
from tfwm.batch.messages import assign_messages, parse_message

JOBS = [Job(Path("p") / n, n, output=Path("out") / n) for n in ("a.jpg", "b.jpg", "sub/c.png")]


def assign(tmp_path, text, folder=Path("out")):
    path = tmp_path / "messages.csv"
    path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
    return assign_messages(JOBS, path, folder)


def test_kinds():
    assert parse_message("ff00", "bytes") == b"\xff\0" and parse_message("12", "int") == 12
    assert parse_message("12") == "12" and parse_message("0", "int") == 0
    assert parse_message("0" * 31 + "5", "uuid") == uuid.UUID(int=5)


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_and_kinds(tmp_path, start, delimiter):
    rows = ["Message,file,kind,recipient", "żółć,a.jpg,,Ada", "7,./sub/c.png,int,Bob", ""]
    jobs = assign(tmp_path, start + "\r\n".join(rows).replace(",", delimiter))
    by_name = {job.name: job for job in jobs}
    assert by_name["a.jpg"].message == "żółć" and by_name["sub/c.png"].message == 7
    assert by_name["sub/c.png"].output == Path("out/sub/c.png")
    assert by_name["b.jpg"].skipped == f"not in {tmp_path / 'messages.csv'}"


def test_several_recipients(tmp_path):
    text = 'file,message,output\na.jpg,"Ada, L.",ada/a.jpg\na.jpg,Bob,bob/a.png\nb.jpg,Eve,\n'
    jobs = [(j.name, j.message, j.output) for j in assign(tmp_path, text) if not j.skipped]
    assert jobs == [
        ("a.jpg", "Ada, L.", Path("out/ada/a.jpg")),
        ("a.jpg", "Bob", Path("out/bob/a.png")),
        ("b.jpg", "Eve", Path("out/b.jpg")),
    ]


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "columns file and message .* Received: an empty file"),
        ("name,message\na.jpg,b\n", "columns file and message .* Received: name, message"),
        ("file,message\n", "holds no rows"),
        ("file,message\nx.jpg,b\ny.jpg,b\n", r"names 2 file\(s\) that are not there: x.jpg, y.jpg"),
        ("file,message\na.jpg,\n", "line 2: Expected a message of at least one"),
        ("file,message\na.jpg\n", "line 2: Expected a message of at least one"),
        ("file,message\n,hi\n", "line 2: expected a file's name .* Received: none"),
        ("file,message\n../a.jpg,hi\n", "line 2: expected a file's name inside"),
        ("file,message,kind\na.jpg,1,number\n", "line 2: expected a kind among text, bytes"),
        ("file,message,kind\na.jpg,1.5,int\n", "line 2: Expected digits"),
        ("file,message\na.jpg,x\na.jpg,y\n", "line 2: a.jpg has several rows; each needs an"),
        ("file,message,output\na.jpg,x,/a.png\n", "inside the folder. Received: /a.png"),
        ("file,message,output\na.jpg,x,../a.png\n", "inside the folder. Received: ../a.png"),
        ("file,message,output\na.jpg,x,a.bmp\n", "expected an output that ends in one of"),
        (b"file,message\na.jpg,\xff\n", "is not UTF-8"),
        ("file,message,File\na.jpg,x,b.jpg\n", "has the column file twice"),
    ],
)
def test_bad_tables(tmp_path, text, words):
    with pytest.raises(ValueError, match=words):
        assign(tmp_path, text)
