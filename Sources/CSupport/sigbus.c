// What to do when a mapped file is cut short under the program: say so and end.
#include "CSupport.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_INPUT_OUTPUT = 74 };

static void truncated(int signal) {
  (void)signal;
  static const char message[] =
      "tinyrlhf: a file in use was cut short or its disk failed. Put the file back and run the "
      "same command again.\n";
  // Nothing can be done about a message that cannot be written.
  if (write(STDERR_FILENO, message, sizeof message - 1) < 0) _exit(EXIT_INPUT_OUTPUT);
  _exit(EXIT_INPUT_OUTPUT);
}

void ts_install_truncation_guard(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = truncated;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, NULL);
}
