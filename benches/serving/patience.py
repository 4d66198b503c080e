"""What becomes of the others: 300 slow clients, 200 listeners to events, a write until it is seen, an end under load with five exports; and
of everybody while a plan of 900,000 households is made.

Usage: patience.py LIANHU FOLDER [HOUSEHOLDS [SECONDS]], of the plan; 0 leaves it out. Wants wrk; slowhttptest where it is there."""

import asyncio
import http.client
import json
import math
import multiprocessing
import os
import shutil
import signal
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "interop"))

from running import Running, ask, county
from table import wrk

HOUSEHOLDS = 100_000
SLOW, LISTENERS, EDITS = 300, 200, 40
RATE, EXPORTS = 50, 5
MOVES = 40
PLANNED, PLANNED_S, ASKED_EVERY_S = 900_000, 60, 0.02


def quantile(values, q):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def address(service):
    host, port = service.base.removeprefix("http://").split(":")
    return host, int(port)


async def watch_ports(service, open_ports):
    """Which ports the service still holds a connection to."""
    own = f":{address(service)[1]:04X}"
    while True:
        with open("/proc/net/tcp") as f:
            lines = [line.split() for line in f]
        found = {int(r[2].rsplit(":", 1)[1], 16) for r in lines[1:] if r[1].endswith(own) and r[3] == "01"}
        open_ports.clear()
        open_ports.update(found)
        await asyncio.sleep(0.5)


async def slow_client(service, kind, ends, open_ports):
    """Sends its head, or its body, or takes its answer, a few bytes a second, until the service has enough of it."""
    host, port = address(service)
    token = f"Authorization: Bearer {service.token}\r\n"
    link = socket.socket()
    link.setblocking(False)
    if kind == "read":
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(link, (host, port))
    begun = time.monotonic()
    head = f"GET /ogc/collections/households/items?limit=10000 HTTP/1.1\r\nHost: {host}:{port}\r\n{token}"
    try:
        if kind == "head":
            await loop.sock_sendall(link, head.encode())
            while time.monotonic() - begun < 60:
                await loop.sock_sendall(link, b"X-a: b\r\n")
                try:
                    if not await asyncio.wait_for(loop.sock_recv(link, 1000), 1):
                        break
                except TimeoutError:
                    pass
        elif kind == "body":
            post = f"POST /api/tokens HTTP/1.1\r\nHost: {host}:{port}\r\n{token}Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
            await loop.sock_sendall(link, post.encode())
            while time.monotonic() - begun < 60:
                await loop.sock_sendall(link, b" ")
                try:
                    # 408, then the end
                    await asyncio.wait_for(loop.sock_recv(link, 1000), 1)
                    break
                except TimeoutError:
                    pass
        else:
            await loop.sock_sendall(link, (head + "\r\n").encode())
            # takes nothing at all: whether the other side is through with it only the system knows
            await asyncio.sleep(1)
            while time.monotonic() - begun < 60 and link.getsockname()[1] in open_ports:
                await asyncio.sleep(0.5)
    except (ConnectionError, BrokenPipeError):
        pass
    finally:
        link.close()
    ends.setdefault(kind, []).append(time.monotonic() - begun)


def tool_modes(service):
    """The three ways in which slowhttptest is slow, with its options and what it asks for."""
    page = urllib.request.urlopen(f"{service.base}/").read().decode()
    script = re.search(r'"(/assets/[^"]+[.]js)"', page)[1]
    return [
        ("heads", ["-H", "-i", "2"], f"{service.base}/ogc"),
        ("bodies", ["-B", "-i", "2", "-s", "8192", "-f", "application/json"], f"{service.base}/api/session"),
        ("reads", ["-X", "-w", "512", "-y", "1024", "-n", "1", "-z", "32", "-k", "3"], f"{service.base}{script}"),
    ]


def swallow(listening):
    """A server that takes whatever it is sent and never answers."""

    async def take(reader, _writer):
        while await reader.read(65_536):
            pass

    async def serve():
        async with await asyncio.start_server(take, sock=listening) as server:
            await server.serve_forever()

    asyncio.run(serve())


def slow_clients(service, folder):
    paths = os.path.join(folder, "patience_paths")
    with open(paths, "w") as f:
        rows = service.get("/ogc/collections/households/items?limit=200")["features"]
        f.writelines(f"/ogc/collections/households/items/{r['id']}\n" for r in rows)
        home = f"/ogc/collections/households/items/{rows[0]['id']}"
    headers = [f"Authorization: Bearer {service.token}"]
    alone, beside = [], []
    # wrk asks as fast as two cores answer; these ask fifty times a second, as people's pages do
    unhurried, among = [], []

    def ask_calmly():
        asking = [Asking(service.base, home, service.token) for _ in range(4)]
        time.sleep(5)
        return [ms for a in asking for ms in a.end()[5:]]

    async def together():
        ends, open_ports = {}, set()
        watching = asyncio.create_task(watch_ports(service, open_ports))
        kinds = [("head", "body", "read")[i % 3] for i in range(SLOW)]
        clients = [asyncio.create_task(slow_client(service, kind, ends, open_ports)) for kind in kinds]
        await asyncio.sleep(3)
        beside.append(await asyncio.to_thread(wrk, service.base, paths, 6, headers))
        among.append(await asyncio.to_thread(ask_calmly))
        if ask(f"{service.admin}/livez")[0] != 200:
            raise SystemExit("not alive beside slow clients")
        connected = sum(not c.done() for c in clients)
        await asyncio.gather(*clients)
        watching.cancel()
        return connected, ends

    def rest():
        time.sleep(2)
        alone.append(wrk(service.base, paths, 6, headers))
        unhurried.append(ask_calmly())

    wrk(service.base, paths, 3, headers)
    rest()
    connected, ends = asyncio.run(together())
    named = [f"{SLOW} slow clients ({connected} still there after 9 s)"]
    rest()
    sink = multiprocessing.Process(target=swallow, args=(listening := socket.create_server(("127.0.0.1", 0), backlog=SLOW),), daemon=True)
    sink.start()
    elsewhere = "http://{}:{}".format(*listening.getsockname())
    for name, options, url in tool_modes(service) if shutil.which("slowhttptest") else []:
        # the tool takes time of the same two cores whomever it bothers
        for whom, target in (("", url), (" that bother another server", elsewhere + url.removeprefix(service.base))):
            tool = subprocess.Popen(["slowhttptest", "-c", str(SLOW), "-r", str(SLOW), "-l", "30", "-v", "0", *options, "-u", target], stdout=subprocess.DEVNULL)
            time.sleep(3)
            beside.append(wrk(service.base, paths, 6, headers))
            among.append(ask_calmly())
            tool.send_signal(signal.SIGINT)
            tool.wait()
            named.append(f"{SLOW} clients of slowhttptest, {name}{whom}")
        rest()
    sink.kill()
    for what, name in (("p99_ms", "p99 of 4 healthy ones, ms"), ("p50_ms", "p50, ms"), ("rate", "their rate, answers a second")):
        without = [r[what] for r in alone]
        for who, found in zip(named, beside):
            print(f"| {who}: {name} | {found[what]:,.2f} | {statistics.median(without):,.2f} without ({min(without):,.2f}–{max(without):,.2f} in {len(without)} runs) |")
    usual = [quantile(ms, 0.99) for ms in unhurried]
    for who, ms in zip(named, among):
        print(f"| {who}: p99 of four that ask fifty times a second, ms | {quantile(ms, 0.99):.2f} | {statistics.median(usual):.2f} without ({min(usual):.2f}–{max(usual):.2f} in {len(usual)} runs) |")
    for kind, bar in (("head", 10), ("body", 30), ("read", 30)):
        print(f"| slow {kind}: closed after, median and longest | {statistics.median(ends[kind]):.1f} s | {max(ends[kind]):.1f} s (bar {bar} s) |", flush=True)


async def listener(service, heard):
    host, port = address(service)
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET /api/events HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {service.token}\r\n\r\n".encode())
    seen = []
    heard.append(seen)
    try:
        while line := await reader.readline():
            if line.startswith(b"event: plan"):
                seen.append(time.monotonic())
    finally:
        writer.close()


def listeners(service):
    """From the answer to whoever edited to each listener's ear."""
    plan = service.get("/api/plans?status=live")["plans"][0]
    made = service.post(f"/api/plans/{plan['id']}/fork", {"name": "events"})["plan"]
    village = service.get(f"/api/plans/{made['id']}")["villages"][0]["code"]
    grid = service.get(f"/api/plans/{made['id']}/villages/{village}")["grids"][0]["code"]

    async def all_of_them():
        heard = []
        tasks = [asyncio.create_task(listener(service, heard)) for _ in range(LISTENERS)]
        await asyncio.sleep(2)
        version, asked, answered = made["version"], [], []
        for i in range(EDITS):
            operations = [{"operation": "rename", "grid": grid, "name": f"第{i}次"}]
            batch = {"village": village, "base_version": version, "operations": operations}
            asked.append(time.monotonic())
            done = await asyncio.to_thread(service.post, f"/api/plans/{made['id']}/edits", batch, Idempotency_Key=f"p{i}")
            answered.append(time.monotonic())
            version = done["committed"]["version"]
            await asyncio.sleep(0.2)
        await asyncio.sleep(1)
        for t in tasks:
            t.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return heard, asked, answered

    heard, asked, answered = asyncio.run(all_of_them())
    counts = sorted({len(seen) for seen in heard})
    if len(heard) != LISTENERS or counts != [EDITS]:
        raise SystemExit(f"events lost or doubled: {counts} of {EDITS}")
    after_ms = [1e3 * max(0.0, t - answered[i]) for seen in heard for i, t in enumerate(seen)]
    since_ms = [1e3 * (t - asked[i]) for seen in heard for i, t in enumerate(seen)]
    print(f"| {LISTENERS} listeners, {EDITS} edits, none lost, none twice: from the request to the event, p50, p99 | {quantile(since_ms, 0.5):.0f} ms | {quantile(since_ms, 0.99):.0f} ms (bar 500 ms) |")
    print(f"| from the answer to the event, p99 | {quantile(after_ms, 0.99):.0f} ms | |", flush=True)


def visible(service):
    """A building is moved a metre, again and again: from the answer until its feature, its tile and a listener have it; and from the request."""
    items = "/ogc/collections/buildings/items"
    feature = service.get(f"{items}?limit=1")["features"][0]
    lon, lat = feature["geometry"]["coordinates"]
    n, turn = 1 << 14, math.radians(lat)
    column, row = int((lon + 180) / 360 * n), int((1 - math.asinh(math.tan(turn)) / math.pi) / 2 * n)
    path, tile = f"{items}/{feature['id']}", f"/ogc/collections/buildings/tiles/WebMercatorQuad/14/{row}/{column}"
    heard = []
    host, port = address(service)

    def listen():
        link = http.client.HTTPConnection(host, int(port), timeout=600)
        link.request("GET", "/api/events", headers={"Authorization": f"Bearer {service.token}"})
        answer = link.getresponse()
        while line := answer.readline():
            if line.startswith(b"event: register"):
                heard.append(time.monotonic())

    threading.Thread(target=listen, daemon=True).start()
    time.sleep(2)
    waits, whole = {"feature": [], "tile": [], "event": []}, []
    for i in range(MOVES):
        tags = {p: ask(f"{service.base}{p}", service.token)[1]["ETag"] for p in (path, tile)}
        # over one step of the tile's own grid, so that it is another
        change = {"geometry": {"type": "Point", "coordinates": [lon + (i + 1) % 2 * 2e-5, lat]}}
        request = urllib.request.Request(f"{service.base}{path}", json.dumps(change).encode(), method="PATCH")
        request.add_header("Authorization", f"Bearer {service.token}")
        request.add_header("Content-Type", "application/merge-patch+json")
        request.add_header("If-Match", tags[path])
        seen, begun = len(heard), time.monotonic()
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
        answered, open_still = time.monotonic(), {"feature", "tile", "event"}
        while open_still:
            now = {
                "feature": lambda: ask(f"{service.base}{path}", service.token)[1]["ETag"] != tags[path],
                "tile": lambda: ask(f"{service.base}{tile}", service.token)[1]["ETag"] != tags[tile],
                "event": lambda: len(heard) > seen,
            }
            for what in [w for w in sorted(open_still) if now[w]()]:
                open_still.remove(what)
                at = heard[seen] if what == "event" else time.monotonic()
                waits[what].append(1e3 * max(0.0, at - answered))
            if time.monotonic() - answered > 20:
                raise SystemExit(f"not seen after 20 s: {sorted(open_still)}")
            time.sleep(0.002)
        whole.append(1e3 * (time.monotonic() - begun))
    for what, ms in waits.items():
        print(f"| a building is moved ({MOVES} times): from the answer until its {what} tells of it, p50, longest | {quantile(ms, 0.5):.0f}, {max(ms):.0f} ms (bar 1,000) | |")
    print(f"| from the request until all three do, p50, longest | {quantile(whole, 0.5):.0f}, {max(whole):.0f} ms | |", flush=True)


async def one(service, path, token):
    """A request on a connection of its own, until the answer is whole: status and bytes of the body."""
    host, port = address(service)
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode().lower().split("\r\n")
        status = int(lines[0].split()[1])
        length = next((int(line.split(":")[1]) for line in lines if line.startswith("content-length:")), None)
        size, rows = 0, 0
        if length is not None:
            body = await reader.readexactly(length)
            size, rows = len(body), body.count(b"\n")
        else:
            while True:
                chunk = int(await reader.readline(), 16)
                data = await reader.readexactly(chunk + 2)
                size, rows = size + chunk, rows + data.count(b"\n") - 1
                if chunk == 0:
                    break
        return status, size, rows
    finally:
        writer.close()


def drain(service):
    """Told to end under RATE requests a second with EXPORTS running; requests go on until the operator's listener says stopping."""

    async def under_load():
        ready, failed, done, exported = asyncio.Event(), [], [0], []
        ready.set()

        async def request(i):
            try:
                status, _, _ = await one(service, f"/ogc/collections/households/items?limit=100&cursor=H{i:07}", service.token)
                if status != 200:
                    failed.append(status)
            except (OSError, asyncio.IncompleteReadError) as e:
                failed.append(repr(e))
            done[0] += 1

        async def export(form):
            try:
                status, size, rows = await one(service, f"/ogc/collections/households/items?f={form}", service.token)
                exported.append((form, status, size, rows))
            except (OSError, asyncio.IncompleteReadError, ValueError) as e:
                exported.append((form, repr(e), 0, 0))

        async def watch():
            while (await asyncio.to_thread(ask, f"{service.admin}/readyz"))[0] == 200:
                await asyncio.sleep(0.05)
            ready.clear()
            return time.monotonic()

        watching = asyncio.create_task(watch())
        tasks, told, i = [], None, 0
        begun = time.monotonic()
        while ready.is_set():
            tasks.append(asyncio.create_task(request(i * 37 % HOUSEHOLDS)))
            i += 1
            passed = time.monotonic() - begun
            if passed > 3 and told is None:
                tasks += [asyncio.create_task(export(form)) for form in ("csv", "gpkg", "xlsx", "fgb", "geojsonseq")]
                await asyncio.sleep(0.2)
                told = time.monotonic()
                service.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(max(0.0, begun + i / RATE - time.monotonic()))
        noticed = await watching - told
        await asyncio.gather(*tasks)
        code = await asyncio.to_thread(service.process.wait, 40)
        return failed, done[0], exported, noticed, time.monotonic() - told, code

    failed, done, exported, noticed, ended, code = asyncio.run(under_load())
    whole = [e for e in exported if e[1] == 200 and e[2] > 0]
    cut = [e[:2] for e in exported if e not in whole]
    rows = {form: n for form, _, _, n in exported if form in ("csv", "geojsonseq")}
    print(f"| SIGTERM at {RATE} requests/s with {EXPORTS} exports: requests failed | {len(failed)} of {done} {failed[:3] or ''} | exports whole {len(whole)} of {EXPORTS} {cut or ''}, lines {json.dumps(rows)} |")
    print(f"| not ready after, exit code {code} after | {noticed * 1e3:.0f} ms | {ended:.1f} s (bar 30 s) |")


class Asking:
    """Asks for a path again and again on one connection, as a watchdog or a reader does; milliseconds of each answer. In a process of its
    own: what others here do with their answers would count as waiting."""

    def __init__(self, base, path, token=None):
        self.over, (self.told, tell) = multiprocessing.Event(), multiprocessing.Pipe(duplex=False)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        arguments = (base.removeprefix("http://"), path, headers, self.over, tell)
        self.process = multiprocessing.Process(target=self.ask, args=arguments, daemon=True)
        self.process.start()

    @staticmethod
    def ask(host, path, headers, over, tell):
        link, all_ms, bad = http.client.HTTPConnection(host, timeout=60), [], []
        while not over.is_set():
            begun = time.monotonic()
            try:
                link.request("GET", path, headers=headers)
                answer = link.getresponse()
                answer.read()
                if answer.status != 200:
                    bad.append(answer.status)
            except (OSError, http.client.HTTPException) as e:
                bad.append(repr(e))
                link.close()
            all_ms.append(1e3 * (time.monotonic() - begun))
            time.sleep(ASKED_EVERY_S)
        tell.send((all_ms, bad))

    def end(self):
        self.over.set()
        self.ms, self.bad = self.told.recv()
        self.process.join()
        return self.ms


def beside_a_plan(service, seconds):
    """What asks while a plan of everything is made, and what the same took before."""
    home = service.get("/ogc/collections/households/items?limit=1")["features"][0]["id"]
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 86_400))
    asked = {
        "/livez": (service.admin, "/livez", None, "bar 50 ms"),
        "/readyz": (service.admin, "/readyz", None, ""),
        "one household": (service.base, f"/ogc/collections/households/items/{home}", service.token, ""),
        "100 households": (service.base, "/ogc/collections/households/items?limit=100", service.token, ""),
        "plans in force": (service.base, "/api/plans?status=live", service.token, ""),
    }

    def measured(until):
        asking = {name: Asking(base, path, token) for name, (base, path, token, _) in asked.items()}
        until()
        found = {name: a.end() for name, a in asking.items()}
        bad = {name: a.bad[:3] for name, a in asking.items() if a.bad}
        if bad:
            raise SystemExit(f"not answered: {bad}")
        return found

    # another seed is another view: none is at hand
    def view(seed):
        begun = time.monotonic()
        service.get(f"/api/hotspots?from=2020-01-01&to={day}&seed={seed}")
        return 1e3 * (time.monotonic() - begun)

    views = {"alone": [view(seed) for seed in range(1, 6)], "beside": []}
    alone = measured(lambda: time.sleep(5))
    wish = {"region": "520499", "profile": "xixiu", "budget_s": seconds, "name": "patience"}
    begun = time.monotonic()
    job = service.post("/api/plans", wish)["job"]
    last = {}

    def until_planned():
        seed = 100
        while last.update(service.get(f"/api/jobs/{job}")) or last["status"] == "running":
            seed += 1
            views["beside"].append(view(seed))
            time.sleep(1)

    beside = measured(until_planned)
    took = time.monotonic() - begun
    if last["status"] != "done":
        raise SystemExit(f"the plan: {last['status']} {last['problem']}")
    result = last["result"]
    print(f"| a plan made in {took:.0f} s ({seconds} s asked for): villages, grids, units | {result['villages']:,} {result['grids']:,} {result['units']:,} | |")
    for name, (_, _, _, bar) in asked.items():
        a, b = alone[name], beside[name]
        told = f"{quantile(b, 0.5):.1f}, {quantile(b, 0.99):.1f}, {max(b):.1f} ms, {sum(ms > 50 for ms in b)} above 50 ms"
        print(f"| {name} meanwhile ({len(b):,} times): p50, p99, longest | {told} {bar} | alone {quantile(a, 0.5):.1f}, {quantile(a, 0.99):.1f}, {max(a):.1f} ms |")
    a, b = views["alone"], views["beside"]
    if b:
        print(f"| a view of hotspots, computed ({len(b)} times): p50, longest | {quantile(b, 0.5):.0f}, {max(b):.0f} ms | alone {quantile(a, 0.5):.0f}, {max(a):.0f} ms |", flush=True)


def main():
    program, folder = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    planned, seconds = (int(v) for v in (sys.argv[3:] + [PLANNED, PLANNED_S][len(sys.argv[3:]) :])[:2])
    os.makedirs(folder, exist_ok=True)
    os.environ.setdefault("LIANHU_LOG", "warn")
    path = os.path.join(folder, "patience.gpkg")
    county(program, folder, f"sqlite:{path}", HOUSEHOLDS, 400, 1_000, "xixiu")
    with Running(program, f"sqlite:{path}", log=os.path.join(folder, "patience.log")) as service:
        print("| | | |\n|---|---|---|")
        slow_clients(service, folder)
        listeners(service)
        visible(service)
        drain(service)
    if planned:
        # whole.py's store; the plan goes into a copy that goes again
        kept, path = (os.path.join(folder, name) for name in (f"register_{planned}.gpkg", "patience_plan.gpkg"))
        county(program, folder, f"sqlite:{kept}", planned, planned // 600, planned // 18, "xixiu")
        shutil.copyfile(kept, path)
        with Running(program, f"sqlite:{path}", log=os.path.join(folder, "patience_plan.log")) as service:
            beside_a_plan(service, seconds)
        os.remove(path)


main()
