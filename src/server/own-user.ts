import { userInfo } from 'node:os';
import type { OwnUser } from '../policy/policy-guard.ts';

/** Ours. A container need not have an entry for it. */
export function ownUser(): OwnUser {
  const uid = process.geteuid?.() ?? 0;
  try {
    return { uid, name: userInfo().username };
  } catch {
    return { uid, name: undefined };
  }
}
