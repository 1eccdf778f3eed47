// What the signals' handlers do with temporary files.
#ifndef TINYRLHF_TEMPORARIES_H
#define TINYRLHF_TEMPORARIES_H

/// Removes every file and folder that is known; for signals' handlers.
void ts_temporaries_remove(void);
/// A signal's handler: removes what is known, then ends the process as the signal does by default; where
/// a thread holds, when it releases.
void ts_temporaries_end(int number);

#endif
