// What signal handlers do with temporary files.
#ifndef TINYRLHF_TEMPORARIES_H
#define TINYRLHF_TEMPORARIES_H

/// Removes every registered file and folder; for signal handlers.
void ts_temporaries_remove(void);
/// A signal handler: removes the registered files, then ends the process with the signal's default action. If a
/// thread holds, this happens when it releases.
void ts_temporaries_end(int number);

#endif
