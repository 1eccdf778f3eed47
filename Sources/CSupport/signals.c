#define _GNU_SOURCE
#include "CSupport.h"
#include "temporaries.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static atomic_int received;

static void install(int number, void (*handler)(int)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

static int is_ignored(int number) {
  struct sigaction action;
  return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void remember(int number) {
  // A second signal ends the process at once. SIGHUP is excluded, because closing a terminal often sends it twice:
  // from the shell and from the kernel. The flag is set last, so that a reader of the flag finds the new handler
  // installed.
  if (number != SIGHUP) install(number, ts_temporaries_end);
  atomic_store(&received, number);
}

void ts_signals_catch(void) {
  install(SIGINT, remember);
  install(SIGTERM, remember);
  if (!is_ignored(SIGHUP)) install(SIGHUP, remember);
}

void ts_signals_end_cleanly(void) {
  static const int numbers[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGXCPU};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    if (!is_ignored(numbers[i])) install(numbers[i], ts_temporaries_end);
  }
}

int ts_signal_received(void) { return atomic_load(&received); }

void ts_signal_forget(void) { atomic_store(&received, 0); }

static void bus_error(int number) {
  (void)number;
  // Several threads may hit the missing page at once; only one of them writes the message.
  static atomic_flag spoken = ATOMIC_FLAG_INIT;
  while (atomic_flag_test_and_set(&spoken)) pause();
  static const char message[] =
      "tinyrlhf: a file in use was cut short or cannot be read from its disk. "
      "Check the disk, then run the same command again.\n";
  ssize_t ignored = write(STDERR_FILENO, message, sizeof message - 1);
  (void)ignored;
  ts_temporaries_remove();
  _exit(74);
}

void ts_signals_catch_bus(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = bus_error;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, NULL);
}
