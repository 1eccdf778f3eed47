"""What is compared: our command, the peers' commands on the same shape, and the ratios we want to reach."""

import dataclasses
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
LARGE = "--layers 12 --d-model 768 --heads 12 --vocab 50257"  # GPT-2's 124·10⁶ parameters
SMALL = "--layers 6 --d-model 192 --heads 6 --vocab 1024"


@dataclasses.dataclass
class Peer:
    name: str
    version: str
    command: str  # a script beside this one, or a program of llama.cpp's, and its arguments
    wanted: float  # our rate over its rate
    memory_wanted: float | None = None  # our peak over its peak, at most


@dataclasses.dataclass
class Work:
    name: str
    description: str
    ours: str  # arguments of `tinyrlhf bench`
    rate: str  # which of its figures is compared
    peers: list[Peer]
    takes_seconds: bool = True  # PPO does not: its iterations are few and long

    @property
    def unit(self):
        return self.rate.removeprefix("end_to_end_").replace("_per_second", "/s")


def pinned(package):
    return re.search(rf"^{package}==(\S+)$", (HERE / "requirements.txt").read_text(), re.M)[1]


def works():
    torch = f"torch {pinned('torch')}"
    transformers = f"transformers {pinned('transformers')}, {torch}"
    trl = f"{pinned('trl')}, {transformers}"
    llama = re.search(r"^llama_version=(\S+)", (HERE / "install").read_text(), re.M)[1]
    llama = f"of llama-cpp-python {llama}"
    train_large, train_small = f"{LARGE} --batch 4 --context 256", f"{SMALL} --batch 16 --context 128"
    ppo_large = f"{LARGE} --episodes 16 --prompt 64 --response 48 --epochs 4"
    ppo_small = f"{SMALL} --episodes 256 --prompt 32 --response 48 --epochs 4"
    generate_small = f"{SMALL} --batch 64 --prompt 32 --new 48"

    def decode(sequences, wanted):
        named = "1 sequence" if sequences == 1 else f"{sequences} sequences"
        repeated = ",".join([str(sequences)] * 3)
        command = f"llama-batched-bench -c {max(256, 128 * sequences)} -npp 64 -ntg 64 -npl {repeated}"
        return Work(
            f"decode-124m-{sequences}", f"int8 generation, 124M, {named}, 64 + 64 tokens",
            f"decode {LARGE} --batch {sequences} --prompt 64 --new 64", "tokens_per_second",
            [Peer("llama.cpp Q8_0", llama, command, wanted)])

    return [
        Work("train-124m", "training step, 124M, 4 × 256 tokens", f"train {train_large}",
             "tokens_per_second",
             [Peer("PyTorch", transformers, f"torch_train.py {train_large}", 2.2, 0.6),
              Peer("torch.compile", transformers, f"torch_train.py {train_large} --compile", 2, 0.6)]),
        decode(64, 4), decode(32, 3.5), decode(1, 1.3),
        Work("prefill-124m", "int8 prefill, 124M, 1 × 256 tokens",
             f"prefill {LARGE} --batch 1 --prompt 256", "tokens_per_second",
             [Peer("llama.cpp Q8_0", llama, "llama-bench -p 256 -n 0 -r 5", 3)]),
        Work("ppo-124m", "PPO iteration, 124M, 16 episodes of 64 + 48 tokens, 4 epochs",
             f"ppo {ppo_large}", "episodes_per_second",
             [Peer("TRL", trl, f"trl_ppo.py {ppo_large} --iterations 1", 3, 0.45)],
             takes_seconds=False),
        Work("train-small", "training step, small, 16 × 128 tokens", f"train {train_small}",
             "tokens_per_second",
             [Peer("PyTorch", transformers, f"torch_train.py {train_small}", 2.5),
              Peer("torch.compile", transformers, f"torch_train.py {train_small} --compile", 2.5)]),
        Work("ppo-small", "PPO iteration, small, 256 episodes of 32 + 48 tokens, 4 epochs",
             f"ppo {ppo_small}", "episodes_per_second",
             [Peer("TRL", trl, f"trl_ppo.py {ppo_small} --iterations 2", 3.5, 0.1)],
             takes_seconds=False),
        Work("generate-small", "generation and prefill, small, 64 sequences of 32 + 48 tokens",
             f"decode {generate_small}", "end_to_end_tokens_per_second",
             [Peer("transformers", transformers, f"transformers_generate.py {generate_small}", 12)]),
    ]
