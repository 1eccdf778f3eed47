// Every call goes to the kernel directly: nothing here depends on which library's version is next.
#define _GNU_SOURCE
#include "CFaults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__linux__) && defined(__GLIBC__)

enum { longest = 1024, descriptors = 1024 };

static char folder[longest];
static char kind[16];
static int wanted, fault;
static int logFile = -1;
static atomic_int calls;
static atomic_bool armed;
// The names of open files below the folder; empty for all others.
static char names[descriptors][longest];

// What of a path lies below the folder ("." for itself); NULL for a path elsewhere.
static const char *below(const char *path) {
  size_t length = strlen(folder);
  if (!path || strncmp(path, folder, length) != 0) return NULL;
  if (path[length] == 0) return ".";
  return path[length] == '/' ? path + length + 1 : NULL;
}

static const char *name_of(int descriptor) {
  if (descriptor < 0 || descriptor >= descriptors || !names[descriptor][0]) return NULL;
  return names[descriptor];
}

// Whether this call is the one that fails; then errno says why.
static int fails(const char *call, const char *name, const char *other) {
  if (!atomic_load(&armed) || !name) return 0;
  if (logFile >= 0) {
    char line[2 * longest + 32];
    int length = snprintf(
        line, sizeof line, other ? "%s %s %s\n" : "%s %s\n", call, name, other ? other : "");
    syscall(SYS_write, logFile, line, (size_t)length);
  }
  if (strcmp(call, kind) != 0) return 0;
  if (atomic_fetch_add(&calls, 1) + 1 != wanted) return 0;
  if (fault != CF_SHORT) errno = fault;
  return 1;
}

static size_t half(size_t count) { return count > 1 ? count / 2 : count; }

static int opened(int descriptor, const char *name) {
  if (descriptor >= 0 && descriptor < descriptors) {
    snprintf(names[descriptor], longest, "%s", atomic_load(&armed) && name ? name : "");
  }
  return descriptor;
}

static int open_file(const char *path, int flags, mode_t mode) {
  const char *name = below(path);
  if (fails("open", name, NULL)) return -1;
  return opened((int)syscall(SYS_openat, AT_FDCWD, path, flags, mode), name);
}

#define MODE(flags, mode)                       \
  mode_t mode = 0;                              \
  if (flags & (O_CREAT | __O_TMPFILE)) {        \
    va_list rest;                               \
    va_start(rest, flags);                      \
    mode = va_arg(rest, mode_t);                \
    va_end(rest);                               \
  }

int open(const char *path, int flags, ...) {
  MODE(flags, mode)
  return open_file(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  MODE(flags, mode)
  return open_file(path, flags, mode);
}

DIR *opendir(const char *path) {
  const char *name = below(path);
  if (fails("opendir", name, NULL)) return NULL;
  int descriptor =
      (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  return descriptor < 0 ? NULL : fdopendir(descriptor);
}

int close(int descriptor) {
  const char *name = name_of(descriptor);
  int failed = fails("close", name, NULL), reason = errno;
  if (name) names[descriptor][0] = 0;
  // A close that fails has closed the descriptor all the same.
  int result = (int)syscall(SYS_close, descriptor);
  if (!failed) return result;
  errno = reason;
  return -1;
}

ssize_t read(int descriptor, void *bytes, size_t count) {
  if (fails("read", name_of(descriptor), NULL)) {
    if (fault != CF_SHORT) return -1;
    count = half(count);
  }
  return syscall(SYS_read, descriptor, bytes, count);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
  if (fails("write", name_of(descriptor), NULL)) {
    if (fault != CF_SHORT) return -1;
    count = half(count);
  }
  return syscall(SYS_write, descriptor, bytes, count);
}

ssize_t pread(int descriptor, void *bytes, size_t count, off_t offset) {
  if (fails("read", name_of(descriptor), NULL)) {
    if (fault != CF_SHORT) return -1;
    count = half(count);
  }
  return syscall(SYS_pread64, descriptor, bytes, count, offset);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
  if (fails("write", name_of(descriptor), NULL)) {
    if (fault != CF_SHORT) return -1;
    count = half(count);
  }
  return syscall(SYS_pwrite64, descriptor, bytes, count, offset);
}

ssize_t pread64(int descriptor, void *bytes, size_t count, off64_t offset) {
  return pread(descriptor, bytes, count, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
  return pwrite(descriptor, bytes, count, offset);
}

int fsync(int descriptor) {
  if (fails("fsync", name_of(descriptor), NULL)) return -1;
  return (int)syscall(SYS_fsync, descriptor);
}

int fdatasync(int descriptor) {
  if (fails("fsync", name_of(descriptor), NULL)) return -1;
  return (int)syscall(SYS_fdatasync, descriptor);
}

int ftruncate(int descriptor, off_t count) {
  if (fails("ftruncate", name_of(descriptor), NULL)) return -1;
  return (int)syscall(SYS_ftruncate, descriptor, count);
}

int ftruncate64(int descriptor, off64_t count) { return ftruncate(descriptor, count); }

int flock(int descriptor, int operation) {
  if (fails("flock", name_of(descriptor), NULL)) return -1;
  return (int)syscall(SYS_flock, descriptor, operation);
}

void *mmap(void *address, size_t count, int protection, int flags, int descriptor, off_t offset) {
  if (fails("mmap", name_of(descriptor), NULL)) return MAP_FAILED;
  return (void *)syscall(SYS_mmap, address, count, protection, flags, descriptor, offset);
}

void *mmap64(
    void *address, size_t count, int protection, int flags, int descriptor, off64_t offset) {
  return mmap(address, count, protection, flags, descriptor, offset);
}

int rename(const char *from, const char *to) {
  const char *old = below(from), *new = below(to);
  if (fails("rename", old ? old : new, old ? new : NULL)) return -1;
  return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path) {
  if (fails("unlink", below(path), NULL)) return -1;
  return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int rmdir(const char *path) {
  if (fails("rmdir", below(path), NULL)) return -1;
  return (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

int mkdir(const char *path, mode_t mode) {
  if (fails("mkdir", below(path), NULL)) return -1;
  return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

void cf_arm(const char *below_folder, const char *call, int number, int error, const char *log) {
  snprintf(folder, sizeof folder, "%s", below_folder);
  snprintf(kind, sizeof kind, "%s", call);
  wanted = number;
  fault = error;
  logFile = log ? (int)syscall(
                      SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)
                : -1;
  atomic_store(&calls, 0);
  atomic_store(&armed, 1);
}

int cf_disarm(void) {
  atomic_store(&armed, 0);
  if (logFile >= 0) syscall(SYS_close, logFile);
  logFile = -1;
  return atomic_load(&calls);
}

__attribute__((constructor)) static void arm_by_environment(void) {
  const char *path = getenv("TINYRLHF_FAULT_FOLDER");
  if (!path) return;
  const char *call = getenv("TINYRLHF_FAULT_CALL");
  const char *number = getenv("TINYRLHF_FAULT_NUMBER");
  const char *error = getenv("TINYRLHF_FAULT_ERROR");
  cf_arm(
      path, call ? call : "", number ? atoi(number) : 0, error ? atoi(error) : EIO,
      getenv("TINYRLHF_FAULT_LOG"));
}

#else

void cf_arm(const char *folder, const char *call, int number, int error, const char *log) {
  (void)folder, (void)call, (void)number, (void)error, (void)log;
}
int cf_disarm(void) { return 0; }

#endif
