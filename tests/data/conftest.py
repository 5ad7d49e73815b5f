"""A web server on the loopback, and a cache folder that is not the user's."""

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pooch
import pytest


@dataclass
class Server:
    url: str
    folder: Path  # what it serves
    cache: Path  # where downloads are kept
    fetched: list[str] = field(default_factory=list)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    return tmp_path / "cache" / "chainrule"


@pytest.fixture
def server(tmp_path: Path, cache: Path) -> Iterator[Server]:
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, directory=folder, **kwargs)

        def do_GET(self):
            running.fetched.append(self.path.lstrip("/"))
            super().do_GET()

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        running = Server(f"http://127.0.0.1:{httpd.server_port}/", folder, cache)
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield running
        httpd.shutdown()
        thread.join()


@pytest.fixture
def real_data() -> Path:
    return Path(__file__).parents[2].parent / "shared" / "data"
