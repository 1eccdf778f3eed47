// Log-softmax over a vocabulary, its gradient, and sampling of a token.
#include "vmath.h"

enum { SAMPLE_BLOCKS = 256 };

/// Number of tokens in a block of cumulative weights: a multiple of 16, at least 64, with at most SAMPLE_BLOCKS blocks
/// per row.
TK_INLINE int64_t sample_block(int64_t vocabulary) {
  int64_t length = ((vocabulary + SAMPLE_BLOCKS - 1) / SAMPLE_BLOCKS + 15) / 16 * 16;
  return length < 64 ? 64 : length;
}

/// For z = t·logits: the largest z, and the 16-lane sums Σ exp(z − max) and Σ exp(z − max)·(z − max).
typedef struct { float max, sum, weighted; } softmax_sums;

TK_INLINE softmax_sums sums_of(const float *logits, int64_t count, float t) {
  const float lowest = -__builtin_inff();
  v16 max = v_all(lowest), sum = {}, weighted = {};
  for (int64_t j = 0; j < count; j += 16)
    max = v_max(v_load_at(logits, j, count, lowest) * t, max);
  const float top = v_max_of(max);
  for (int64_t j = 0; j < count; j += 16) {
    v16 d = v_load_at(logits, j, count, lowest) * t - top;
    v16 e = v_exp(d);
    sum += e;
    weighted = v_fma(e, v_select(e > 0.0f, d, v_all(0)), weighted);  // 0·−∞ is 0 here
  }
  return (softmax_sums){top, v_sum(sum), v_sum(weighted)};
}

/// lse = max + log Σ;  entropy = log Σ − Σ p·(z − max), which equals lse − Σ p·z but rounds less.
TK_INLINE void log_softmax(const void *args, int part, int parts) {
  const tk_log_softmax_args *a = args;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    const float *logits = a->logits + row * a->vocabulary;
    softmax_sums s = sums_of(logits, a->vocabulary, a->inverse_temperature);
    const float log_sum = log1(s.sum), lse = s.max + log_sum;
    a->lse[row] = lse;
    a->logprob[row] = logits[a->targets[row]] * a->inverse_temperature - lse;
    if (a->entropy) a->entropy[row] = log_sum - s.weighted / s.sum;
  }
}
TK_KERNEL(tk_log_softmax, log_softmax)

TK_INLINE void log_softmax_backward(const void *args, int part, int parts) {
  const tk_log_softmax_backward_args *a = args;
  const int64_t count = a->vocabulary;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    float *logits = a->logits + row * count;
    const float d = a->d_logprob[row] * a->inverse_temperature, lse = a->lse[row];
    const int32_t target = a->targets[row];
    const float hit = exp1(logits[target] * a->inverse_temperature - lse);
    for (int64_t j = 0; j < count; j += 16) {
      v16 z = v_load_at(logits, j, count, 0) * a->inverse_temperature;
      v_store_at(logits, j, count, v_exp(z - lse) * -d);
    }
    logits[target] = d * (1.0f - hit);
  }
}
TK_KERNEL(tk_log_softmax_backward, log_softmax_backward)

TK_INLINE int32_t arg_max(const float *logits, int64_t count) {
  int64_t best = 0;
  for (int64_t j = 1; j < count; j++)
    if (logits[j] > logits[best]) best = j;
  return (int32_t)best;
}

/// The first token whose cumulative weight exceeds `bound`: searches the blocks in ascending order, then the tokens of
/// the block that exceeds it. `sums` are the sums of the blocks' weights.
TK_INLINE int64_t drawn(const float *logits, int64_t count, float t, float max,
                        const float *sums, double bound) {
  const int64_t length = sample_block(count);
  double before = 0, sum = 0;
  int64_t first = 0, last = 0;
  for (int64_t b = 0; b * length < count; b++) {
    if (!(sums[b] > 0)) continue;
    before = sum;
    first = b * length;
    sum += (double)sums[b];
    if (sum > bound) break;  // if rounding prevents this, the last block with a weight is used
  }
  const int64_t end = tk_least(first + length, count);
  for (int64_t j = first; j < end; j += 16) {
    float weights[16];
    v_store(weights, v_exp(v_load_at(logits, j, end, -__builtin_inff()) * t - max));
    for (int64_t i = 0; i < 16 && j + i < end; i++) {
      before += (double)weights[i];
      if (weights[i] > 0) last = j + i;
      if (before > bound) return j + i;
    }
  }
  return last;
}

/// The log-sum-exp has the same bits as in log_softmax.
TK_INLINE void sample(const void *args, int part, int parts) {
  const tk_sample_args *a = args;
  const int64_t count = a->vocabulary, length = sample_block(count);
  const float t = a->inverse_temperature == 0 ? 1 : a->inverse_temperature;
  const float lowest = -__builtin_inff();
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    const float *logits = a->logits + row * count;
    float sums[SAMPLE_BLOCKS];
    v16 largest = v_all(lowest), all = {};
    for (int64_t j = 0; j < count; j += 16)
      largest = v_max(v_load_at(logits, j, count, lowest) * t, largest);
    const float max = v_max_of(largest);
    double total = 0;
    for (int64_t b = 0; b * length < count; b++) {
      const int64_t stop = tk_least((b + 1) * length, count);
      v16 some = {};
      for (int64_t j = b * length; j < stop; j += 16) {
        v16 e = v_exp(v_load_at(logits, j, stop, lowest) * t - max);
        all += e;
        some += e;
      }
      sums[b] = v_sum(some);
      total += (double)sums[b];
    }
    const int64_t token =
      a->inverse_temperature == 0
        ? arg_max(logits, count)
        : drawn(logits, count, t, max, sums, (double)a->uniform[row] * total);
    a->tokens[row] = (int32_t)token;
    a->logprob[row] = logits[token] * t - (max + log1(v_sum(all)));
  }
}
TK_KERNEL(tk_sample, sample)
