"""Launches a script in one process or in several, and shows how many there really are.

    launch.start("course_utils.scaling.distributed", ["--out", "run"], processes=2)
    torchrun --local_addr localhost --nproc_per_node 2 -m course_utils.scaling.launch

A launcher sets RANK and WORLD_SIZE in its processes' environment; `rank_and_world_size` reads them. A
script without them runs as the only process, without an error: so `announce` at the start of every run.
This file imports no torch, so that asking is quick. Taught in lesson 08. Left out: several machines.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path

LOCAL = "127.0.0.1"
LOOPBACK = ("lo", "lo0")  # the interface's name on Linux, and on macOS and the BSDs
SECONDS = 300  # after which a hanging run is stopped


def rank_and_world_size():
    """(rank, number of processes) from the launcher's environment variables; (0, 1) without a launcher."""
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def sentence():
    """This process's rank and the number of processes, in one line."""
    rank, world_size = rank_and_world_size()
    return f"I am process {rank + 1} of {world_size}."


def announce():
    """Print `sentence` in a single write: print makes two when unbuffered, and processes' lines mix."""
    sys.stdout.write(f"{sentence()}\n")
    sys.stdout.flush()


def gloo_interface():
    """{"GLOO_SOCKET_IFNAME": the loopback interface}, or {} where it has no name that gloo takes (Windows).

    Without it gloo looks the machine's own name up, which fails or leads astray where no name server knows
    it, or where a VPN answers.
    """
    names = [name for _, name in socket.if_nameindex() if name in LOOPBACK]
    return {"GLOO_SOCKET_IFNAME": names[0]} if names else {}


def stay_local():
    """Make this process meet the others on the loopback interface, if all of them are on this machine.

    A plain `torchrun` tells them the machine's name, which may lead nowhere (--local_addr keeps torchrun
    itself from it, which this cannot). To be called before the processes meet; an interface that the
    user chose is kept.
    """
    if rank_and_world_size()[1] > 1 and os.environ.get("LOCAL_WORLD_SIZE") == os.environ["WORLD_SIZE"]:
        os.environ["MASTER_ADDR"] = LOCAL
        for name, value in gloo_interface().items():
            os.environ.setdefault(name, value)


def start(module, arguments=(), processes=1, more=None):
    """Run `python -m module arguments` in so many processes on this machine; returns what they printed.

    One process is started directly, several by torchrun. more: further environment variables. Raises
    RuntimeError with both ends of the error output if one fails, or if the run takes longer than SECONDS.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    if processes > 1:
        torchrun = ["torch.distributed.run", "--nproc_per_node", str(processes), "--local_addr", LOCAL]
        torchrun += ["--rdzv_backend", "c10d", "--rdzv_endpoint", f"{LOCAL}:0", "--no_python", *command]
        command = [sys.executable, "-m", *torchrun]
    return run(command, more)


def by_accelerate(module, processes, arguments=(), config=None):
    """The same by `accelerate launch`: on the CPU, or with a configuration file of data/configs."""
    options = ["--config_file", str(config)] if config else ["--cpu", "--num_processes", str(processes)]
    launcher = [sys.executable, "-m", "accelerate.commands.launch", *options, "-m", module]
    return run([*launcher, *map(str, arguments)])


def run(command, more=None):
    """What a command printed; more: as in `start`. Raises RuntimeError as `start` does."""
    try:
        completed = subprocess.run(
            command, env=environment() | (more or {}), capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"still running after {SECONDS} seconds: {' '.join(command)}") from error
    if completed.returncode:
        raise RuntimeError(f"{' '.join(command[2:6])} … failed:\n{both_ends(completed.stderr.strip())}")
    return completed.stdout


def both_ends(text, characters=1500):
    """A text's beginning (where a process says what went wrong) and its end (where torchrun sums up)."""
    return text if len(text) <= 2 * characters else f"{text[:characters]}\n…\n{text[-characters:]}"


def environment():
    """The environment of child processes: one thread each, loopback only, without this process's rank."""
    kept = {name: value for name, value in os.environ.items() if name not in ("RANK", "WORLD_SIZE")}
    root = str(Path(__file__).resolve().parents[2])
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, [root, kept.get("PYTHONPATH")]))
    kept |= {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", "TQDM_DISABLE": "1", "MASTER_ADDR": LOCAL}
    kept |= gloo_interface()
    if sys.platform == "win32":
        kept["USE_LIBUV"] = "0"  # torch's build for Windows comes without it
    return kept


if __name__ == "__main__":
    announce()
