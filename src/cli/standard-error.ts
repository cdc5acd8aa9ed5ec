let guarded = false;

/** Writes to standard error. What cannot be written there is lost, and ends nothing. */
export function writeStandardError(text: string): void {
  try {
    // A pipe whose reader is gone tells of it afterward.
    if (!guarded) process.stderr.on('error', () => {});
    guarded = true;
    process.stderr.write(text);
  } catch {
    // A file on a disk that is full.
  }
}
