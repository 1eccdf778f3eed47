# The format of Sources/Checkpoints/FORMAT.md for Kaitai Struct: browse a checkpoint in
# https://ide.kaitai.io, or compile a reader with kaitai-struct-compiler.
# Tools/check-ksy proves that the two agree.
meta:
  id: trlhf
  title: tinyrlhf checkpoint, version 1
  file-extension: trlhf
  endian: le
seq:
  - id: header
    type: header
    size: 4096
  - id: sections
    type: section
    size: 64
    repeat: expr
    repeat-expr: header.num_sections
  - id: tensors
    type: tensor
    size: 128
    repeat: expr
    repeat-expr: header.num_tensors
types:
  header:
    seq:
      - id: magic
        contents: [0x89, 0x54, 0x52, 0x4C, 0x0D, 0x0A, 0x1A, 0x0A]
      - id: major
        type: u4
      - id: minor
        type: u4
      - id: file_bytes
        type: u8
      - id: checksum
        type: u8
      - id: identity
        type: u8
      - id: content_hash
        type: u8
      - id: base_content_hash
        type: u8
      - id: tokenizer_hash
        type: u8
      - id: num_sections
        type: u4
      - id: num_tensors
        type: u4
      - id: spare
        size: 56
      - id: architecture
        type: architecture
        size: 128
      - id: training
        type: training
        size: 128
  architecture:
    seq:
      - id: layers
        type: u4
      - id: d_model
        type: u4
      - id: heads
        type: u4
      - id: kv_heads
        type: u4
      - id: head_dim
        type: u4
      - id: d_ff
        type: u4
      - id: vocabulary
        type: u4
      - id: context
        type: u4
      - id: norm
        type: u4
        enum: norm
      - id: norm_epsilon
        type: f4
      - id: position
        type: u4
        enum: position
      - id: rotary_dims
        type: u4
      - id: rope_theta
        type: f4
      - id: mlp
        type: u4
        enum: mlp
      - id: flags
        type: u4
        doc: >-
          1 attention bias, 2 MLP bias, 4 norm bias, 8 tied embeddings, 16 no bias on the attention's output, 32 attention and MLP
          side by side, 64 norms of queries and keys, 128 scaled rope, 256 norms multiply by 1 + weight, 512 the norms of queries
          and keys span all heads
      - id: rope_scaling_factor
        type: f4
      - id: rope_scaling_low_frequency_factor
        type: f4
      - id: rope_scaling_high_frequency_factor
        type: f4
      - id: rope_scaling_original_context
        type: u4
      - id: window
        type: u4
      - id: attention_scale
        type: f4
      - id: attention_cap
        type: f4
      - id: logit_cap
        type: f4
      - id: embedding_scale
        type: f4
      - id: logit_scale
        type: f4
      - id: residual_scale
        type: f4
      - id: other_layers_period
        type: u4
      - id: other_layers_places
        type: u8
      - id: other_layers_window
        type: u4
      - id: other_layers_rope_theta
        type: f4
      - id: norm_placement
        type: u4
        enum: norm_placement
  training:
    seq:
      - id: kind
        type: u4
        enum: model
      - id: can_go_on
        type: u4
      - id: step
        type: u8
      - id: seed
        type: u8
      - id: reserved
        type: u8
        repeat: expr
        repeat-expr: 6
  section:
    seq:
      - id: kind
        type: u4
        enum: section
      - id: role
        type: u4
        enum: role
      - id: flags
        type: u4
        doc: 1 required
      - id: codec
        type: u4
      - id: offset
        type: u8
      - id: stored_bytes
        type: u8
      - id: raw_bytes
        type: u8
      - id: hash
        type: u8
    instances:
      body:
        io: _root._io
        pos: offset
        size: stored_bytes
  slot:
    doc: one of the two halves of CONFIG
    seq:
      - id: generation
        type: u8
      - id: length
        type: u8
      - id: hash
        type: u8
      - id: spare
        type: u8
      - id: text
        size: length
  tensor:
    seq:
      - id: name
        type: strz
        size: 64
        encoding: ASCII
      - id: type
        type: u1
        enum: element
      - id: layout
        type: u1
        enum: layout
      - id: rank
        type: u1
      - id: spare
        type: u1
      - id: section
        type: u4
      - id: dims
        type: u4
        repeat: expr
        repeat-expr: 4
      - id: offset
        type: u8
      - id: bytes
        type: u8
      - id: scale_offset
        type: u8
      - id: row_sum_offset
        type: u8
      - id: hash
        type: u8
    instances:
      elements:
        io: _root._io
        pos: _root.sections[section].offset + offset
        size: bytes
      scales:
        io: _root._io
        pos: _root.sections[section].offset + scale_offset
        size: 4 * dims[0]
        if: scale_offset != 0
      row_sums:
        io: _root._io
        pos: _root.sections[section].offset + row_sum_offset
        size: 4 * dims[0]
        if: row_sum_offset != 0
      factors:
        doc: of int8, one f4 a column; FORMAT.md says how the weights follow from codes, scales and factors
        io: _root._io
        pos: _root.sections[section].offset + (row_sum_offset + 4 * dims[0] + 255) / 256 * 256
        size: 4 * dims[1]
        if: row_sum_offset != 0
instances:
  slot_0:
    type: slot
    pos: sections[0].offset
  slot_1:
    type: slot
    pos: sections[0].offset + sections[0].stored_bytes / 2
enums:
  norm:
    0: layernorm
    1: rmsnorm
  position:
    0: learned
    1: rotary
  mlp:
    0: gelu
    1: swiglu
    2: gelu_exact
    3: geglu
    4: geglu_exact
    5: silu
  norm_placement:
    0: before
    1: after
    2: both
  model:
    0: base
    1: sft
    2: reward
    3: ppo
    4: value
  section:
    1: config
    2: tokenizer
    3: weights
    4: head
    5: moments
    6: state
    7: provenance
  role:
    0: none
    1: policy
    2: value
    3: reward
    4: reference
    5: average
  element:
    0: float32
    1: bfloat16
    2: int8
    4: float16
  layout:
    0: row_major
    2: packed_16_by_4_prepared
