/** Whether this Node.js is of a version or a later one; of which `major` may be the last. */
export function isSince(
  major: number,
  minor: number,
  lastMajor = Number.POSITIVE_INFINITY,
): boolean {
  const [ownMajor = 0, ownMinor = 0] = process.versions.node.split('.').map(Number);
  if (ownMajor > lastMajor) return false;
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
