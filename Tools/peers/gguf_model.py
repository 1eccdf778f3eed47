"""Writes a GPT-2 of random weights as GGUF, its matrices in Q8_0, for llama.cpp.

    gguf_model.py OUTPUT.gguf [--layers 12 --d-model 768 --vocab 50257 …]

The head is tied: where output.weight is absent, llama.cpp uses token_embd.weight for it, in Q8_0 like every
other product. Positions, biases and norms are float32, as llama.cpp's own converter leaves them.
"""

import argparse

import gguf
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("output")
for name, default in dict(layers=12, d_model=768, heads=12, vocab=50257, context=1024).items():
    parser.add_argument("--" + name.replace("_", "-"), type=int, default=default)
options = parser.parse_args()
width, wide = options.d_model, 4 * options.d_model
random = np.random.default_rng(1)
writer = gguf.GGUFWriter(options.output, "gpt2")


def matrix(name, rows, columns, quantized=True):
    values = random.normal(0, 0.02, (rows, columns)).astype(np.float32)
    if quantized:
        kind = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(name + ".weight", gguf.quants.quantize(values, kind), raw_dtype=kind)
    else:
        writer.add_tensor(name + ".weight", values)


def vector(name, count, value=0.0):
    writer.add_tensor(name, np.full(count, value, np.float32))


def norm(name):
    vector(name + ".weight", width, 1.0)
    vector(name + ".bias", width)


writer.add_block_count(options.layers)
writer.add_context_length(options.context)
writer.add_embedding_length(width)
writer.add_feed_forward_length(wide)
writer.add_head_count(options.heads)
writer.add_layer_norm_eps(1e-5)
writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
# A byte-level BPE that merges nothing; llama.cpp reads one, the benchmark passes token ids.
writer.add_tokenizer_model("gpt2")
writer.add_tokenizer_pre("gpt-2")
writer.add_token_list([f"w{i}" for i in range(options.vocab)])
writer.add_token_types([gguf.TokenType.NORMAL] * options.vocab)
writer.add_token_merges(["w 0"])
writer.add_bos_token_id(0)
writer.add_eos_token_id(0)

matrix("token_embd", options.vocab, width)
matrix("position_embd", options.context, width, quantized=False)
for layer in range(options.layers):
    block = f"blk.{layer}."
    norm(block + "attn_norm")
    norm(block + "ffn_norm")
    for name, rows, columns in [("attn_qkv", 3 * width, width), ("attn_output", width, width),
                                ("ffn_up", wide, width), ("ffn_down", width, wide)]:
        matrix(block + name, rows, columns)
        vector(f"{block}{name}.bias", rows)
norm("output_norm")
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
