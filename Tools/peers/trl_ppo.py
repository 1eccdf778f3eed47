"""Episodes a second of whole iterations of TRL's PPOTrainer: sampling, scoring, advantages and the updates.

Policy, reference, reward and value are four models of one shape. Every answer has all its tokens, as nothing
stops it; the tokens that pad and end texts are outside of the vocabulary, so that none is sampled by chance.
The first iteration warms up.
"""

import statistics
import tempfile
import time

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models
from transformers import (GPT2ForSequenceClassification, GPT2LMHeadModel, PreTrainedTokenizerFast,
                          TrainerCallback)
from trl import PPOConfig, PPOTrainer

from common import arguments, configuration, report

options = arguments(episodes=16, prompt=64, response=48, epochs=4, iterations=3)


class Timestamps(TrainerCallback):
    """When each iteration ended."""

    def __init__(self):
        self.ends = []

    def on_step_end(self, args, state, control, **kwargs):
        self.ends.append(time.perf_counter())


def tokenizer():
    """The trainer wants one, for padding and end, which come after the vocabulary's tokens."""
    words = {f"w{i}": i for i in range(options.vocab)} | {"pad": options.vocab, "end": options.vocab + 1}
    words = Tokenizer(models.WordLevel(words, unk_token="w0"))
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="pad", eos_token="end")


def head():
    """A model that gives one number: the reward, or the value."""
    return GPT2ForSequenceClassification(
        configuration(options, context, num_labels=1, pad_token_id=options.vocab))


context = options.prompt + options.response
policy = GPT2LMHeadModel(configuration(options, context))
reference = GPT2LMHeadModel(configuration(options, context))
reference.load_state_dict(policy.state_dict())
reward, value = head(), head()
value.load_state_dict(reward.state_dict())
prompts = Dataset.from_dict(
    {"input_ids": torch.randint(options.vocab, (2 * options.episodes, options.prompt)).tolist()})
timestamps = Timestamps()

with tempfile.TemporaryDirectory() as folder:
    trainer = PPOTrainer(
        args=PPOConfig(
            output_dir=folder, use_cpu=True, bf16=False, report_to="none", save_strategy="no",
            disable_tqdm=True, logging_strategy="no", num_sample_generations=0,
            optim="adamw_torch_fused", learning_rate=1e-6,
            total_episodes=options.episodes * (1 + options.iterations),
            per_device_train_batch_size=options.episodes, gradient_accumulation_steps=1,
            local_rollout_forward_batch_size=min(64, options.episodes), num_mini_batches=1,
            num_ppo_epochs=options.epochs, response_length=options.response, stop_token=None,
            temperature=1.0),
        processing_class=tokenizer(), model=policy, ref_model=reference, reward_model=reward,
        value_model=value, train_dataset=prompts, eval_dataset=prompts, callbacks=[timestamps])
    trainer.train()

times = [end - start for start, end in zip(timestamps.ends, timestamps.ends[1:])]
report(options.episodes / statistics.median(times))
