import json
import re
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from chainrule.__main__ import main
from chainrule.solvers import History
from chainrule.training.measures import ACCURACY
from chainrule.training.run.live import Live

WORDS = ["train", "--dataset", "moons", "--hidden", "4", "--no-report", "--run-dir", "run"]


class Solver:
    """A run of which so many epochs are done."""

    goal = 3

    def __init__(self, epochs):
        figures = {
            name: [0.5] * epochs for name in ("loss", "val_loss", "train_score", "val_score")
        }
        more = {"grad_norm": [1.0] * epochs, "seconds": [0.1] * epochs, "step_lr": [0.1]}
        self.history = History(epoch=list(range(1, epochs + 1)), **figures, **more)


@pytest.fixture
def stopped():
    return []


@pytest.fixture
def live(tmp_path, stopped):
    server = Live(0, tmp_path, ACCURACY, lambda: stopped.append(True))
    yield server
    server.close("over")


def get(live, path, **headers):
    request = urllib.request.Request(f"http://{live.address}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.headers, answer.read().decode()


def refused(live, path, data=None, **headers):
    request = urllib.request.Request(f"http://{live.address}{path}", data, headers)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=5)
    caught.value.close()
    return caught.value.code


def test_epochs_come_as_events_and_the_last_says_how_it_ended(live):
    live(Solver(1))
    found = []
    reader = threading.Thread(target=lambda: found.append(get(live, "/events")[1]))
    reader.start()
    time.sleep(0.2)
    live(Solver(2))
    live.close("trained to the end")
    reader.join(5)
    kinds = re.findall(r"event: (\w+)\ndata: (.*)", found[0])
    assert [kind for kind, _ in kinds] == ["epoch", "epoch", "end"]
    assert json.loads(kinds[1][1])["epoch"] == 2
    assert json.loads(kinds[2][1]) == {"said": "trained to the end", "report": False}


def test_the_button_stops_with_the_token_of_the_page_alone(live, stopped):
    headers, page = get(live, "/")
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "http" not in re.sub(r"http://www\.w3\.org/\S+", "", page)  # nothing from elsewhere
    token = re.search(r"TOKEN = '([^']+)'", page)[1]
    assert refused(live, "/stop", b"") == 403
    assert refused(live, "/stop", b"", **{"X-Token": "another"}) == 403
    assert refused(live, "/stop", b"", **{"X-Token": token, "Origin": "http://evil.org"}) == 403
    assert stopped == []
    request = urllib.request.Request(f"http://{live.address}/stop", b"", {"X-Token": token})
    urllib.request.urlopen(request, timeout=5).close()
    assert stopped == [True]


def test_closed_pages_and_strange_tokens_leave_the_terminal_alone(live, stopped, capfd):
    host, port = live.address.split(":")
    assert refused(live, "/stop", b"", **{"X-Token": "\xe9"}) == 403
    for _ in range(5):
        with socket.create_connection((host, int(port))) as page:
            page.sendall(f"GET / HTTP/1.1\r\nHost: {live.address}\r\n\r\n".encode())
            page.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(0.2)
    assert stopped == []
    assert capfd.readouterr().err == ""


def test_a_page_of_a_run_gone_on_with_has_the_epochs_before(live):
    live(Solver(2))
    live(Solver(3))
    live.close("over")
    told = [json.loads(data) for kind, data in live._events if kind == "epoch"]
    assert [one["epoch"] for one in told] == [1, 2, 3]


def test_other_names_and_paths_are_refused(live):
    assert refused(live, "/", Host="evil.org") == 403
    assert refused(live, "/config.json") == 404
    assert refused(live, "/report") == 404


def test_a_port_that_is_taken_is_a_line_and_a_run_is_the_same_with_a_page(
    live, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    port = live.address.partition(":")[2]
    assert main([*WORDS, "--live", port]) == 2
    assert f"--live {port}: cannot listen there: " in capsys.readouterr().err
    assert not Path("run").exists()
    with pytest.raises(SystemExit, match="2"):
        main([*WORDS, "--live", "65536"])
    assert "expected a port from 0 to 65535, got '65536'" in capsys.readouterr().err
    assert main([*WORDS[:-1], "with", "--epochs", "2", "--live"]) == 0
    assert re.search(r"live: http://127\.0\.0\.1:\d+/", capsys.readouterr().out)
    assert main([*WORDS[:-1], "without", "--epochs", "2"]) == 0
    one, other = (
        [line.split(",")[:-1] for line in Path(run, "metrics.csv").read_text().split()]
        for run in ("with", "without")
    )
    assert one == other
