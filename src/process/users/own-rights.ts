import { readFile } from 'node:fs/promises';

/**
 * The rights that it takes to run processes as other users, to give them their terminals and
 * pipes, and to signal them: CAP_CHOWN, CAP_KILL, CAP_SETGID, CAP_SETUID and CAP_SYS_CHROOT of
 * capabilities(7), by their numbers.
 */
const NEEDED = [0n, 5n, 6n, 7n, 18n];

/** Whether this program has them. */
export async function canBecomeOthers(): Promise<boolean> {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return false;
  try {
    const status = await readFile('/proc/self/status', 'latin1');
    const [, effective] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status) ?? [];
    // A namespace of users may forbid it, user_namespaces(7).
    const setgroups = await readFile('/proc/self/setgroups', 'latin1').catch(() => 'allow');
    if (effective === undefined || setgroups.trim() !== 'allow') return false;
    const rights = BigInt(`0x${effective}`);
    return NEEDED.every((right) => ((rights >> right) & 1n) === 1n);
  } catch {
    return false;
  }
}
