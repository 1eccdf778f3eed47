"""What comparing and scaling share: processes and their memory, this machine's name, CSV files and tables."""

import csv
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

RESULTS = pathlib.Path(__file__).resolve().parents[1] / "results"
# Of the processor's flags, those that decide how fast matrix products can be.
FLAGS = ["avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "asimddp", "i8mm"]


def machine(threads):
    """For instance: AMD EPYC, family 26, 2 cores, avx2 avx512f avx512_vnni, 2 threads."""
    fields = {}
    for line in open("/proc/cpuinfo"):
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    name = fields.get("model name", os.uname().machine)
    if "cpu family" in fields:
        name += f", family {fields['cpu family']}, model {fields['model']}"
    flags = fields.get("flags", fields.get("Features", "")).split()
    return f"{name}, {os.cpu_count()} cores, {' '.join(f for f in FLAGS if f in flags)}, {threads} threads"


@dataclasses.dataclass
class Finished:
    output: str
    peak: int  # of resident memory, in bytes
    others: float  # processors that others kept busy meanwhile, as a part of all


def busy_seconds():
    """Of all processors since the start of the machine, with what its host gave to others."""
    user, nice, system, _, _, *interrupts_and_stolen = map(int, open("/proc/stat").readline().split()[1:9])
    return (user + nice + system + sum(interrupts_and_stolen)) / os.sysconf("SC_CLK_TCK")


def run(command, threads):
    """Ends this program if it fails."""
    command = [str(part) for part in command]
    environment = os.environ | {
        "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        start, busy = time.monotonic(), busy_seconds()
        process = subprocess.Popen(command, stdout=output, stderr=errors, env=environment)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:  # an interrupt does not leave it running
            process.kill()
            raise
        others = busy_seconds() - busy - usage.ru_utime - usage.ru_stime
        others /= (time.monotonic() - start) * os.cpu_count()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            sys.exit(f"{' '.join(command)}\nended with status {process.returncode}:\n{errors.read()[-3000:]}")
        return Finished(output.read(), usage.ru_maxrss * 1024, max(0, others))


def bench(program, arguments, threads, seconds):
    """The JSON object of our own `bench`, whose peak of memory is that of the work alone; and `others`."""
    command = [program, "bench", *arguments.split(), "--threads", threads, "--seconds", seconds, "--json"]
    finished = run(command, threads)
    return json.loads(finished.output) | {"others": finished.others}


def read_rows(path):
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path, columns, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def table(headings, lines):
    """As Markdown."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [headings, ["---"] * len(headings), *lines])


def figure(value):
    """To three digits, as a person reads it: 15,100 · 247 · 3.42 · 0.0571."""
    value = float(f"{value:.3g}")
    return f"{value:,.0f}" if value >= 100 else f"{value:g}"
