"""A reward model by TRL's RewardTrainer, for Tools/experiments/hh-rlhf.

    trl_reward.py MODEL_DIR PAIRS.jsonl OUTPUT --learning-rate X [--epochs N] [--batch-size N] [--seed N] [--threads N]

A line of PAIRS is {"chosen": [tokens], "rejected": [tokens]}, so that both programs learn from the same tokens.
Optimizer and schedule are those of `tinyrlhf reward`: Adam with β (0.9, 0.95), ε 1e-5 and no decay, gradients
clipped to norm 1, a cosine to a tenth of the peak, no warm-up. OUTPUT is a folder that `tinyrlhf import` reads.
"""

import argparse
import json
import pathlib
import shutil
import time

import torch
from datasets import Dataset
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast
from trl import RewardConfig, RewardTrainer

parser = argparse.ArgumentParser()
parser.add_argument("model", type=pathlib.Path)
parser.add_argument("pairs", type=pathlib.Path)
parser.add_argument("output", type=pathlib.Path)
parser.add_argument("--learning-rate", type=float, required=True)
for option, default in ("epochs", 1), ("batch-size", 16), ("seed", 1), ("threads", 2):
    parser.add_argument("--" + option, type=int, default=default)
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(options.seed)

tokenizer = PreTrainedTokenizerFast(
    tokenizer_file=str(options.model / "tokenizer.json"), eos_token="<|endoftext|>", pad_token="<|pad|>")
model = AutoModelForSequenceClassification.from_pretrained(options.model, num_labels=1)
vocabulary = model.config.vocab_size
# What pads must not be the end token, which is the last that the score is read at: a row more for it, which
# learns nothing.
model.resize_token_embeddings(vocabulary + 1, mean_resizing=False)
model.config.pad_token_id = tokenizer.pad_token_id
assert tokenizer.pad_token_id == vocabulary, (tokenizer.pad_token_id, vocabulary)

columns = {f"{part}_{answer}": [] for answer in ("chosen", "rejected") for part in ("input_ids", "attention_mask")}
for line in options.pairs.open():
    for answer, tokens in json.loads(line).items():
        columns[f"input_ids_{answer}"].append(tokens)
        columns[f"attention_mask_{answer}"].append([1] * len(tokens))

trainer = RewardTrainer(
    model=model, processing_class=tokenizer, train_dataset=Dataset.from_dict(columns),
    args=RewardConfig(
        output_dir=str(options.output / "trainer"), use_cpu=True, bf16=False, report_to="none", seed=options.seed,
        save_strategy="no", logging_steps=10, disable_tqdm=True, remove_unused_columns=False, max_length=None,
        num_train_epochs=options.epochs, per_device_train_batch_size=options.batch_size,
        gradient_checkpointing=False, optim="adamw_torch_fused", learning_rate=options.learning_rate,
        adam_beta1=0.9, adam_beta2=0.95, adam_epsilon=1e-5, weight_decay=0, max_grad_norm=1,
        lr_scheduler_type="cosine_with_min_lr", lr_scheduler_kwargs={"min_lr_rate": 0.1}, warmup_steps=0))
start = time.perf_counter()
trainer.train()
print(json.dumps({"training_seconds": time.perf_counter() - start, "losses": [
    entry["loss"] for entry in trainer.state.log_history if "loss" in entry]}))

model.resize_token_embeddings(vocabulary)
model.config.pad_token_id = None
model.config.tinyrlhf_reward = {"head_bias": 0, "gain": 1, "bias": 0}  # the reward is the logit
model.save_pretrained(options.output)
for name in "tokenizer.json", "tokenizer_config.json":
    if (options.model / name).exists():
        shutil.copyfile(options.model / name, options.output / name)
