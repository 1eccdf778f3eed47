"""What handling checkpoints costs, measured from outside: each figure is the whole process, fork to exit.

Called by Tools/bench-files. Ours and zstd's runs alternate, so that a slow second meets both; medians. Files are
warm: what reads them has read them before. `pack` and `unpack` end when the file is on the disk, so zstd is followed
by `sync`.
"""

import argparse
import datetime
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import measuring

COLUMNS = ["work", "file", "command", "figure", "unit", "peer", "peer_figure", "ratio", "wanted", "rounds",
           "others_busy", "machine", "date"]
PATH = measuring.RESULTS / "files.csv"


def seconds(command):
    """Of a command that must succeed, and how busy others kept the processors meanwhile."""
    start, busy = time.perf_counter(), measuring.busy_seconds()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if process.returncode:
        sys.exit(f"{' '.join(command)}\nended with {process.returncode}: {error.decode()}")
    return wall, max(0, measuring.busy_seconds() - busy - usage.ru_utime - usage.ru_stime) / (wall * os.cpu_count())


class Files:
    def __init__(self, options, folder):
        self.options, self.folder, self.rows = options, folder, []

    def measure(self, work, path, ours, unit, amount=None, peer=None, theirs=None, wanted="", rounds=None,
                made=()):
        """`amount` over seconds, or milliseconds without it; medians of rounds in turns. `made` is what they write."""
        times, their_times, busy = [], [], []
        for _ in range(rounds or self.options.rounds):
            for file in made:
                file.unlink(missing_ok=True)
            wall, others = seconds(ours)
            times.append(wall)
            busy.append(others)
            if theirs:
                start = time.perf_counter()
                for command in theirs:
                    seconds(command)
                their_times.append(time.perf_counter() - start)
        value = lambda times: (amount / statistics.median(times) if amount else 1000 * statistics.median(times))
        self.add(work, path, ours, value(times), unit, peer, value(their_times) if theirs else None, wanted,
                 rounds or self.options.rounds, statistics.median(busy))

    def add(self, work, path, command, figure, unit, peer, peer_figure, wanted, rounds, busy):
        shown = " ".join(part.replace(str(self.folder), "…").replace(str(path.parent), "…") for part in ["tinyrlhf", *command[1:]])
        row = dict(work=work, file=path.name, command=shown, figure=f"{figure:.4g}", unit=unit, peer=peer or "",
                   peer_figure=f"{peer_figure:.4g}" if peer_figure else "",
                   ratio=f"{figure / peer_figure:.3f}" if peer_figure else "", wanted=wanted, rounds=rounds,
                   others_busy=f"{busy:.3g}", machine=measuring.machine(self.options.threads),
                   date=datetime.date.today().isoformat())
        print(f"{work}, {path.name}: {row['figure']} {unit}"
              + (f", {peer} {row['peer_figure']}, ratio {row['ratio']}" if peer else ""), file=sys.stderr)
        self.rows.append(row)

    def run(self, path, is_large):
        program, threads = self.options.program, str(self.options.threads)
        size = path.stat().st_size
        seconds([program, "inspect", str(path), "--verify", "--threads", threads])  # warms the file
        self.measure("open", path, [program, "inspect", str(path), "--no-stats"], "ms", rounds=20,
                     wanted="under 10 ms" if is_large else "")
        for work, flags in (("verify", ["--verify", "--no-stats"]), ("statistics", ["--no-verify"])):
            self.measure(work, path, [program, "inspect", str(path), *flags, "--threads", threads], "GB/s", size / 1e9,
                         wanted="at least 3 GB/s" if work == "verify" and is_large else "", rounds=7)
        for level in self.options.levels.split(","):
            archive, theirs = self.folder / "a.trlhf.zst", self.folder / "a.zst"
            peer = f"zstd -T{threads} -{level}"
            pack = [program, "pack", str(path), "-o", str(archive), "--level", level, "--threads", threads, "--force"]
            self.measure("pack", path, pack, "MB/s", size / 1e6, peer,
                         [["zstd", "-q", "-f", f"-T{threads}", f"-{level}", str(path), "-o", str(theirs)],
                          ["sync", "-d", str(theirs)]], wanted="ratio at least 1", made=(archive, theirs))
            self.add("packed size", path, pack, archive.stat().st_size / 1e6, "MB", peer, theirs.stat().st_size / 1e6,
                     "ratio at most 0.92" if is_large else "", 1, 0)
            copy, their_copy = self.folder / "copy.trlhf", self.folder / "copy"
            self.measure("unpack", path, [program, "unpack", str(archive), "-o", str(copy), "--threads", threads, "--force"],
                         "MB/s", size / 1e6, f"zstd -d -T{threads}, level {level}",
                         [["zstd", "-q", "-d", "-f", f"-T{threads}", str(theirs), "-o", str(their_copy)],
                          ["sync", "-d", str(their_copy)]], wanted="ratio at least 1", made=(copy, their_copy))
            for file in (archive, theirs, copy, their_copy):
                file.unlink()


def show(rows):
    lines = [[row["work"], row["file"], f"{row['figure']} {row['unit']}", row["peer"],
              f"{row['peer_figure']} {row['unit']}" if row["peer"] else "", row["ratio"], row["wanted"]] for row in rows]
    print(measuring.table(["work", "file", "tinyrlhf", "peer", "peer's", "ratio", "wanted"], lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], prog="Tools/bench-files")
    parser.add_argument("files", nargs="*", type=pathlib.Path, metavar="FILE", help="checkpoints to be measured as well")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--levels", default="3,12", help="zstd's levels")
    parser.add_argument("--folder", default=os.environ.get("TMPDIR", "/tmp"), help="where files are written")
    parser.add_argument("--program", help="the program, built already")
    parser.add_argument("--table", action="store_true", help="print the last results")
    options = parser.parse_args()
    if not options.table:
        if shutil.which("zstd") is None:
            sys.exit("The zstd command is needed: apt-get install zstd")
        import random_checkpoint
        with tempfile.TemporaryDirectory(dir=options.folder, prefix="tinyrlhf-files-") as folder:
            files = Files(options, pathlib.Path(folder))
            random = files.folder / "random-124m.trlhf"
            random_checkpoint.write(random)
            files.run(random, is_large=True)
            for path in options.files:
                files.run(path, is_large=False)
            measuring.write_rows(PATH, COLUMNS, files.rows)
    show(measuring.read_rows(PATH))


if __name__ == "__main__":
    main()
