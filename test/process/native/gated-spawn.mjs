// Makes a child that stands at a gate which is never opened, and says when it does.

import { loadLibc } from '../../../dist/process/native/libc.js';
import { newActions } from '../../../dist/process/native/spawn-actions.js';
import { spawnAttributes } from '../../../dist/process/native/spawn-attributes.js';
import { SpawnGates } from '../../../dist/process/native/spawn-gate.js';

const libc = loadLibc();
const gate = SpawnGates.create(libc).close(() => process.stdout.write('arrived\n'));
const actions = newActions(libc);
// It would lose its standard output otherwise when it becomes its program, and nobody would see that.
libc.fileActionsAddDup2(actions, 1, 1);
gate.addTo(actions);
const attributes = spawnAttributes(libc, []);
libc.posixSpawn.async(
  [0],
  '/bin/sleep',
  actions,
  attributes,
  ['sleep', '1000', null],
  [null],
  () => {},
);
