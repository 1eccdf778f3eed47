// Log-probabilities, their gradient, and sampling.
#include "harness.h"

static void rows(int64_t count, int64_t vocabulary, float inverse_temperature) {
  float *logits = numbers(count * vocabulary, 8);
  int32_t *targets = indices(count, (int32_t)vocabulary);
  tk_log_softmax_args f = {
      .rows = count, .vocabulary = vocabulary, .logits = logits,
      .inverse_temperature = inverse_temperature, .targets = targets, .lse = numbers(count, 100),
      .logprob = numbers(count, 100), .entropy = numbers(count, 100)};
  COMPARE("log_softmax", tk_log_softmax, &f, FLOATS(f.lse, count), FLOATS(f.logprob, count),
          FLOATS(f.entropy, count));
  float *uniform = numbers(count, 0.5f);
  for (int64_t i = 0; i < count; i++) uniform[i] += 0.5f;
  if (vocabulary > 4) logits[vocabulary / 2] = logits[vocabulary - 1] = -__builtin_inff();
  for (int greedy = 0; greedy < 2; greedy++) {
    tk_sample_args s = {
        .rows = count, .vocabulary = vocabulary, .logits = logits,
        .inverse_temperature = greedy ? 0 : inverse_temperature, .uniform = uniform,
        .tokens = indices(count, 1000000), .logprob = numbers(count, 100)};
    COMPARE("sample", tk_sample, &s, FLOATS(s.tokens, count), FLOATS(s.logprob, count));
  }
  // Finite logits again, in other memory: the backward pass is given what the forward pass saw.
  tk_log_softmax_backward_args b = {
      .rows = count, .vocabulary = vocabulary, .logits = numbers(count * vocabulary, 8),
      .inverse_temperature = inverse_temperature, .targets = targets, .lse = f.lse,
      .d_logprob = numbers(count, 1)};
  f.logits = b.logits;
  COMPARE("log_softmax", tk_log_softmax, &f, FLOATS(f.lse, count), FLOATS(f.logprob, count),
          FLOATS(f.entropy, count));
  COMPARE("log_softmax_backward", tk_log_softmax_backward, &b,
          FLOATS(b.logits, count * vocabulary));
  release();
}

void check_softmax(void) {
  static const int64_t vocabularies[] = {2, 15, 16, 17, 100, 259, 1024};
  for (size_t i = 0; i < sizeof vocabularies / sizeof *vocabularies; i++) {
    rows(7, vocabularies[i], 1);
    rows(3, vocabularies[i], 1.4f);
  }
}
