import { spawnSync } from 'node:child_process';
import { MAIN } from './served.ts';

/** A user that is not root, for whom rights and limits hold; undefined: the tests run as one. */
export const ORDINARY_USER = process.getuid?.() === 0 ? 65_534 : undefined;

/** Whether that user can read the program: this clone may be in a folder of root's. */
export const CAN_SERVE_AS_ORDINARY_USER =
  ORDINARY_USER === undefined ||
  spawnSync('test', ['-r', MAIN], { uid: ORDINARY_USER, gid: ORDINARY_USER }).status === 0;
