// Faults of the file system, for tests: the C library's calls on files below one folder are counted,
// written down, and one of them fails.
//
// A test that is linked with this speaks to the functions below. A program that is started with this
// as its LD_PRELOAD reads TINYRLHF_FAULT_FOLDER, _CALL, _NUMBER, _ERROR and _LOG.
//
// Calls: open, opendir, read, write, fsync, ftruncate, mmap, close, flock, rename, unlink, mkdir and
// rmdir; pread counts as read, pwrite as write, fdatasync as fsync, the names with 64 as those
// without.
#ifndef CFAULTS_H
#define CFAULTS_H

// The error of a read or write that does half of what it was asked for.
#define CF_SHORT (-1)

// From now on call number `number` of kind `call` on a file below `folder` fails with `error`, an
// errno or CF_SHORT. Calls are counted from 1; 0 only counts. `log`: a file to which every call is
// appended, as "kind path" relative to the folder, or NULL.
void cf_arm(const char *folder, const char *call, int number, int error, const char *log);

// Calls of the kind since cf_arm; ends what cf_arm began.
int cf_disarm(void);

#endif
