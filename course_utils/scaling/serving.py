"""Multi-adapter serving: one base model, many tasks, requests answered in mixed batches.

    with serving.Server(model, tokenizer) as server:
        serving.ask(server.address, ["Message: …"], ["desk"])

A request is JSON over HTTP: {"prompt": "…", "task": "desk"} (or null for the base model), to this machine
only. A server collects requests for a moment (dynamic batching); `mixed_batch.reply` answers them, each row
with its own task's adapters. For real traffic, `transformers serve` or vLLM. Taught in lesson 08. Left out:
streaming, authentication, encryption, and continuous batching (requests that join a running batch).
"""

import json
import queue
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import Future, ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from course_utils.batching import encode
from course_utils.peft import adapter_layer, mixed_batch

HOST = "127.0.0.1"  # this machine alone can reach it
MAX_BYTES = 100_000  # of a request
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs no proxy


class _Http(ThreadingHTTPServer):
    """Python's server, with a queue for many clients that connect at once (the default is five)."""

    request_queue_size = 128


class Server:
    """Inside `with`: serves a model and the tasks that it holds at `address`; closed at the end.

    After the first request it waits `wait` seconds for others, up to `max_batch_size` in all, and answers
    them together. Replies have at most max_new_tokens and are cut before `stop`. batches: the tasks of
    each batch so far.
    """

    def __init__(self, model, tokenizer, wait=0.05, max_batch_size=32, max_new_tokens=64, stop="\n"):
        self.model, self.tokenizer = model, tokenizer
        self.wait, self.max_batch_size = wait, max_batch_size
        self.options = dict(max_new_tokens=max_new_tokens, stop=stop)
        self.batches, self.requests = [], queue.Queue()

    def __enter__(self):
        handler = type("Handler", (_Handler,), {"owner": self})
        self.http = _Http((HOST, 0), handler)  # port 0: any that is free
        self.http.daemon_threads = False  # closing waits until the last client has its reply
        self.address = f"http://{HOST}:{self.http.server_address[1]}"
        self.threads = [threading.Thread(target=run) for run in (self.http.serve_forever, self._work)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()
        self.requests.put(None)
        for thread in self.threads:
            thread.join()

    def submit(self, prompt, task):
        """A Future of the reply."""
        future = Future()
        self.requests.put((prompt, task, future))
        return future

    def _work(self):
        while (first := self.requests.get()) is not None:
            batch, deadline = [first], time.monotonic() + self.wait
            while len(batch) < self.max_batch_size and (left := deadline - time.monotonic()) > 0:
                try:
                    batch.append(self.requests.get(timeout=left))
                except queue.Empty:
                    break
                if batch[-1] is None:  # the end: answer what is there
                    self.requests.put(batch.pop())
                    break
            self._answer(batch)

    def _answer(self, batch):
        batch = [request for request in batch if self._fits(*request)]
        if not batch:
            return
        prompts, tasks, futures = zip(*batch)
        self.batches.append(list(tasks))
        try:
            replies = mixed_batch.reply(
                self.model, self.tokenizer, list(prompts), list(tasks), **self.options
            )
        except Exception as error:  # the thread must live on, and every client gets the error
            for future in futures:
                future.set_exception(error)
        else:
            for future, reply in zip(futures, replies):
                future.set_result(reply)

    def _fits(self, prompt, _, future):
        """Whether a prompt can be encoded and fits the context; else only its own client gets the error."""
        try:
            return bool(encode(self.model, self.tokenizer, [prompt]))
        except Exception as error:  # the thread must live on
            future.set_exception(error)
            return False


class _Handler(BaseHTTPRequestHandler):
    owner = None
    timeout = 10  # seconds that a client may take to send its request

    def do_GET(self):
        self._send(200, {"tasks": adapter_layer.tasks(self.owner.model)})

    def do_POST(self):
        problem, request = self._read()
        if problem:
            return self._send(400, {"error": problem})
        try:
            return self._send(
                200, {"reply": self.owner.submit(request["prompt"], request.get("task")).result()}
            )
        except ValueError as error:  # such as a prompt longer than the context
            return self._send(400, {"error": str(error)})
        except Exception as error:  # such as too little memory
            return self._send(500, {"error": f"{type(error).__name__}: {error}"})

    def _read(self):
        """(what is wrong with the request, or None; the request)"""
        size = self.headers.get("Content-Length", "")
        if not size.isdecimal() or int(size) > MAX_BYTES:
            return f"a request has a length, of at most {MAX_BYTES} bytes", None
        try:
            request = json.loads(self.rfile.read(int(size)))
            json.dumps(request, ensure_ascii=False).encode()  # half a character, as in "\\ud800", is none
        except (ValueError, RecursionError):
            return "a request is JSON in UTF-8", None
        if not (isinstance(request, dict) and isinstance(request.get("prompt"), str) and request["prompt"]):
            return 'a request is {"prompt": "some text", "task": a name or null}', None
        tasks = adapter_layer.tasks(self.owner.model)
        if request.get("task") not in [None, *tasks]:
            return f"there is no such task: this server has {', '.join(tasks) or 'none'}", None
        return None, request

    def _send(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing: a lesson prints its own lines."""


def ask(address, prompts, tasks):
    """The replies of a server to prompts with their tasks, sent at the same time: list of str.

    Raises ValueError with the server's sentence for a request that it refuses.
    """
    with ThreadPoolExecutor(max_workers=max(1, len(prompts))) as pool:
        return list(pool.map(lambda prompt, task: _post(address, prompt, task), prompts, tasks))


def _post(address, prompt, task):
    body = json.dumps({"prompt": prompt, "task": task}).encode()
    try:
        with OPENER.open(urllib.request.Request(address, body), timeout=120) as response:
            return json.load(response)["reply"]
    except urllib.error.HTTPError as error:
        raise ValueError(json.load(error)["error"]) from None
