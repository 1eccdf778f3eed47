#include "CSupport.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static atomic_int received;

static void remember(int signal) { atomic_store(&received, signal); }

void ts_signals_catch(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = remember;
  // The second signal finds the default action and ends the process at once.
  action.sa_flags = SA_RESTART | SA_RESETHAND;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

int ts_signal_received(void) { return atomic_load(&received); }

void ts_signal_forget(void) { atomic_store(&received, 0); }

static void bus_error(int signal) {
  (void)signal;
  // Several threads may meet the hole at once; one of them speaks.
  static atomic_flag spoken = ATOMIC_FLAG_INIT;
  while (atomic_flag_test_and_set(&spoken)) pause();
  static const char message[] =
      "tinyrlhf: a file in use was cut short or cannot be read from its disk. "
      "Check the disk, then run the same command again.\n";
  ssize_t ignored = write(STDERR_FILENO, message, sizeof message - 1);
  (void)ignored;
  _exit(74);
}

void ts_signals_catch_bus(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = bus_error;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, NULL);
}
