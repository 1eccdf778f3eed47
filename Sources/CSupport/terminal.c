#include "CSupport.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>

int ts_terminal_width(int descriptor) {
  struct winsize size;
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

struct every {
  int milliseconds;
  void (*body)(void);
};

static void *repeat(void *argument) {
  struct every self = *(struct every *)argument;
  free(argument);
  struct timespec rest = {self.milliseconds / 1000, self.milliseconds % 1000 * 1000000L};
  for (;;) {
    nanosleep(&rest, NULL);
    self.body();
  }
}

int ts_every(int milliseconds, void (*body)(void)) {
  struct every *self = malloc(sizeof *self);
  if (!self) return -1;
  *self = (struct every){milliseconds, body};
  // This thread takes no signals; other threads handle them.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  pthread_t thread;
  int result = pthread_create(&thread, NULL, repeat, self);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (result == 0) return pthread_detach(thread);
  free(self);
  return -1;
}
