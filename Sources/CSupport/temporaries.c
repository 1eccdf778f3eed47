// The register of temporary files: files that the process would leave incomplete if a signal ended it. The register
// is fixed memory, so that a signal handler can walk it at any moment.
#define _GNU_SOURCE
#include "CSupport.h"
#include "temporaries.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SLOTS = 64, LONGEST = 4096 };
enum { FREE, FILLING, USED };

static struct {
  atomic_int state;
  char path[LONGEST];
} slots[SLOTS];

/// Number of threads between creating (or renaming) a file and updating the register.
static atomic_int held;
/// The signal that ends the process; 0 if none has arrived.
static atomic_int ending;

int ts_temporary_add(const char *path) {
  size_t length = strlen(path);
  if (length >= LONGEST) {
    errno = ENAMETOOLONG;
    return -1;
  }
  for (int i = 0; i < SLOTS; i++) {
    int state = FREE;
    if (!atomic_compare_exchange_strong(&slots[i].state, &state, FILLING)) continue;
    memcpy(slots[i].path, path, length + 1);
    atomic_store(&slots[i].state, USED);
    return 0;
  }
  errno = ENFILE;
  return -1;
}

void ts_temporary_forget(const char *path) {
  for (int i = 0; i < SLOTS; i++) {
    if (atomic_load(&slots[i].state) != USED || strcmp(slots[i].path, path) != 0) continue;
    atomic_store(&slots[i].state, FREE);
    return;
  }
}

/// A directory entry as getdents64 returns it. A signal handler may not call readdir.
struct entry {
  uint64_t inode;
  int64_t next;
  uint16_t bytes;
  uint8_t type;
  char name[];
};

/// Removes a folder and its contents, down to `levels` levels of subfolders.
static void remove_folder(int parent, const char *name, int levels) {
  int descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return;
  _Alignas(struct entry) char buffer[2048];
  long got;
  while ((got = syscall(SYS_getdents64, descriptor, buffer, sizeof buffer)) > 0) {
    for (long at = 0; at < got;) {
      struct entry *entry = (struct entry *)(buffer + at);
      at += entry->bytes;
      if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0) continue;
      if (unlinkat(descriptor, entry->name, 0) != 0 && errno == EISDIR && levels > 0) {
        remove_folder(descriptor, entry->name, levels - 1);
      }
    }
  }
  close(descriptor);
  unlinkat(parent, name, AT_REMOVEDIR);
}

static void remove_path(const char *path) {
  if (unlink(path) != 0 && errno == EISDIR) remove_folder(AT_FDCWD, path, 2);
}

void ts_temporary_discard(const char *path) {
  ts_temporaries_hold();
  remove_path(path);
  ts_temporary_forget(path);
  ts_temporaries_release();
}

void ts_temporaries_remove(void) {
  for (int i = 0; i < SLOTS; i++) {
    if (atomic_load(&slots[i].state) == USED) remove_path(slots[i].path);
  }
}

/// Removes the registered files, then lets the signal take its default action.
static void end(int number) {
  ts_temporaries_remove();
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = SIG_DFL;
  sigaction(number, &action, NULL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, number);
  raise(number);
  pthread_sigmask(SIG_UNBLOCK, &only, NULL);
  _exit(128 + number);
}

// Either the handler sees that a thread holds, or that thread sees `ending` when it releases. So exactly one of them
// ends the process, and no unregistered file stays on the disk.
void ts_temporaries_end(int number) {
  atomic_store(&ending, number);
  if (atomic_load(&held) == 0) end(number);
}

void ts_temporaries_hold(void) {
  if (atomic_fetch_add(&held, 1) != 0) return;
  int number = atomic_load(&ending);
  if (number != 0) end(number);
}

void ts_temporaries_release(void) {
  if (atomic_fetch_sub(&held, 1) != 1) return;
  int number = atomic_load(&ending);
  if (number != 0) end(number);
}
