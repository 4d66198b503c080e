"""A store and the program serving it, for scripts that look at the service from outside."""

import json
import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

PATIENCE_S = 600


def ask(url, token=None, body=None, **headers):
    """Status, headers and body; errors are answers too. With a body it is a POST of JSON."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        data = json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=120) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


class Running:
    """The program serving a store. `with Running(…) as service`: told to end (SIGTERM) and waited for."""

    def __init__(self, program, store, more=(), log=None):
        self.program, self.store, self.more = program, store, more
        self.log_path = log or os.path.join(tempfile.gettempdir(), f"lianhu-{os.getpid()}.log")
        self.token = run(program, "token", "add", "--role", "admin", "--region", "*", "--store", store).strip()

    def __enter__(self):
        self.log = open(self.log_path, "w")
        command = [self.program, "serve", "--store", self.store, "--bind", "127.0.0.1:0", "--admin-bind", "127.0.0.1:0", *self.more]
        self.begun = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        said = self.process.stdout.readline()
        if not said:
            raise SystemExit(f"the service does not start: {open(self.log_path).read()}")
        addresses = [w for w in said.split() if w.startswith("http://")]
        self.base = addresses[0].rstrip("/")
        self.admin = addresses[2].rsplit("/", 1)[0]
        self.ready_s = None
        while time.monotonic() - self.begun < PATIENCE_S:
            if ask(f"{self.admin}/readyz")[0] == 200:
                self.ready_s = time.monotonic() - self.begun
                return self
            time.sleep(0.01)
        self.__exit__()
        raise SystemExit(f"the service is not ready after {PATIENCE_S} s")

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)
        self.log.close()

    def get(self, path):
        """A document as the admin sees it."""
        status, _, body = ask(f"{self.base}{path}", self.token)
        if status != 200:
            raise SystemExit(f"GET {path}: {status} {body.decode()}")
        return json.loads(body)

    def post(self, path, body, **headers):
        """What a request of the admin's makes."""
        status, _, answer = ask(f"{self.base}{path}", self.token, body, **headers)
        if status >= 300:
            raise SystemExit(f"POST {path}: {status} {answer.decode()}")
        return json.loads(answer)

    def memory_mib(self, what="VmRSS"):
        """VmRSS now, or VmHWM at its highest."""
        with open(f"/proc/{self.process.pid}/status") as f:
            line = next(line for line in f if line.startswith(what + ":"))
        return int(line.split()[1]) / 1024


def run(program, *arguments):
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


def county(program, folder, store, households, villages, incidents, profile, seed=1):
    """A synthetic county in a store, with a plan in force, unless it is there; the folder of its files."""
    files = os.path.join(folder, f"county_{households}")
    if not os.path.exists(os.path.join(files, "households.csv")):
        sizes = ["--households", str(households), "--villages", str(villages), "--incidents", str(incidents)]
        run(program, "synth", *sizes, "--out", files, "--force")
    path = store.removeprefix("sqlite:")
    if os.path.exists(path):
        return files
    if path != store:
        store = f"sqlite:{path}.new"
    for layer, name in (("regions", "regions.geojson"), ("households", "households.csv"), ("incidents", "incidents.csv")):
        run(program, "import", "--store", store, "--layer", layer, os.path.join(files, name))
    drafted = ["draft", "--store", store, "--region", "520499", "--profile", profile]
    run(program, *drafted, "--budget", "0", "--seed", str(seed), "--publish", "2026-01-01")
    if path != store:
        os.rename(f"{path}.new", path)
    return files
