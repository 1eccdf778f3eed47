// What llama.cpp makes of a GGUF file: its tokens of a text, its logits and its most probable continuation.
//
//     greedy MODEL.gguf COUNT < LINES
//
// A line is `text TEXT` or `tokens ID ID …`; each answer is one line of JSON:
//
//     {"tokens":[…],"logits":[…],"greedy":[…]}     logits behind the last token; COUNT tokens are generated
//
// and of a line `logprobs ID ID …`
//
//     {"logprobs":[…]}                             log π of every token but the first, in nats
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "llama.h"

static void fail(const char *what) {
  fprintf(stderr, "greedy: %s\n", what);
  exit(1);
}

template <typename T>
static void print(const char *name, const std::vector<T> &values, const char *format) {
  printf("\"%s\":[", name);
  for (size_t i = 0; i < values.size(); i++) {
    if (i) putchar(',');
    printf(format, values[i]);
  }
  putchar(']');
}

// In float32 but for the weights, so that nothing but these is compared.
static llama_context *open_context(llama_model *model, size_t tokens) {
  llama_context_params parameters = llama_context_default_params();
  parameters.n_ctx = tokens;
  parameters.n_batch = parameters.n_ubatch = tokens;
  parameters.type_k = parameters.type_v = GGML_TYPE_F32;
  parameters.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;  // which computes in float16
  llama_context *context = llama_init_from_model(model, parameters);
  if (!context) fail("no context");
  return context;
}

static double log_probability(const float *logits, int size, llama_token token) {
  double largest = logits[0], sum = 0;
  for (int i = 1; i < size; i++) largest = std::max(largest, (double)logits[i]);
  for (int i = 0; i < size; i++) sum += std::exp(logits[i] - largest);
  return logits[token] - largest - std::log(sum);
}

static void print_logprobs(llama_model *model, int size, const std::vector<llama_token> &tokens) {
  llama_context *context = open_context(model, tokens.size());
  llama_batch batch = llama_batch_init((int)tokens.size(), 0, 1);
  batch.n_tokens = (int)tokens.size();
  for (int i = 0; i < batch.n_tokens; i++) {
    batch.token[i] = tokens[i];
    batch.pos[i] = i;
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = 0;
    batch.logits[i] = true;
  }
  if (llama_decode(context, batch)) fail("cannot decode");
  std::vector<double> logprobs;
  for (int i = 0; i + 1 < batch.n_tokens; i++)
    logprobs.push_back(log_probability(llama_get_logits_ith(context, i), size, tokens[i + 1]));
  llama_batch_free(batch);
  llama_free(context);
  putchar('{');
  print("logprobs", logprobs, "%.9g");
  puts("}");
  fflush(stdout);
}

int main(int count, char **arguments) {
  if (count != 3) fail("usage: greedy MODEL.gguf COUNT");
  llama_log_set([](ggml_log_level level, const char *text, void *) {
    if (level >= GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
  }, nullptr);
  llama_backend_init();
  llama_model *model = llama_model_load_from_file(arguments[1], llama_model_default_params());
  if (!model) fail("the model does not load");
  const llama_vocab *vocab = llama_model_get_vocab(model);
  const int size = llama_vocab_n_tokens(vocab);
  std::string line;
  while (std::getline(std::cin, line)) {
    std::vector<llama_token> tokens;
    if (line.rfind("text ", 0) == 0) {
      const std::string text = line.substr(5);
      tokens.resize(text.size() + 8);
      const int made = llama_tokenize(vocab, text.data(), (int)text.size(), tokens.data(), (int)tokens.size(),
                                      false, false);
      if (made < 0) fail("a text has too many tokens");
      tokens.resize(made);
    } else {
      std::istringstream numbers(line.substr(line.find(' ')));
      for (int token; numbers >> token;) tokens.push_back(token);
    }
    if (line.rfind("logprobs ", 0) == 0) {
      print_logprobs(model, size, tokens);
      continue;
    }
    llama_context *context = open_context(model, tokens.size() + atoi(arguments[2]) + 1);
    std::vector<float> logits;
    std::vector<int> greedy;
    std::vector<llama_token> next = tokens;
    for (int step = 0; step <= atoi(arguments[2]); step++) {
      if (llama_decode(context, llama_batch_get_one(next.data(), (int)next.size()))) fail("cannot decode");
      const float *last = llama_get_logits_ith(context, -1);
      if (step == 0) logits.assign(last, last + size);
      int best = 0;
      for (int i = 1; i < size; i++) if (last[i] > last[best]) best = i;
      if (step < atoi(arguments[2])) greedy.push_back(best);
      next = {best};
    }
    llama_free(context);
    putchar('{');
    print("tokens", tokens, "%d");
    putchar(',');
    print("logits", logits, "%.9g");
    putchar(',');
    print("greedy", greedy, "%d");
    puts("}");
    fflush(stdout);
  }
}
