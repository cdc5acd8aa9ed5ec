import { accessSync, constants, readFileSync } from 'node:fs';
import { isOwnVariable } from '../environment/env-policy.ts';
import { bytesOfText, isPlain } from '../system-text.ts';
import { keepPassedDescriptors } from '../systemd/passed-sockets.ts';
import { newerNode } from './newer-node.ts';
import { inheritedVariables } from './own-bytes.ts';
import { VARIABLE_PREFIX } from './serve-config-keys.ts';
import { STARTED_WITH_VARIABLE, toldFields } from './started-with.ts';

/**
 * Takes this program's own variables, `RUNLET_*`, out of what others can read of it. The
 * kernel shows the environment that a program was started with to all processes of its user,
 * in /proc/PID/environ, whatever it does with its variables afterward. So the program is
 * replaced by itself, started without them: as the same process, with the same arguments and
 * standard streams. That is before it has done anything, and not a second time, since the new
 * one was started with none.
 *
 * Where Node.js cannot do that it returns, and they stay readable.
 */
export function hideOwnVariables(): void {
  if (newerNode.execve === undefined || !ownVariablesShow()) return;
  try {
    accessSync(process.execPath, constants.X_OK);
  } catch {
    // It was removed since it was started. Replacing this one would end it.
    return;
  }
  try {
    // What this one has open is closed otherwise.
    keepPassedDescriptors(process.env, process.pid);
  } catch {
    // What was passed cannot be kept, or makes no sense, which is said later.
    return;
  }
  const { argv, argv0, execArgv } = process;
  newerNode.execve(process.execPath, [argv0, ...execArgv, ...argv.slice(1)], otherVariables());
}

/**
 * Whether one is in what the kernel shows. `process.env` may have one that a program before
 * this one or a file has set: that is not shown, and would come again every time.
 */
function ownVariablesShow(): boolean {
  try {
    const shown = readFileSync('/proc/self/environ', 'latin1').split('\0');
    return shown.some((variable) => isHidden(variable.replace(/=.*$/s, '')));
  } catch {
    return false;
  }
}

/** Those that are not UTF-8, which cannot be handed on in this way, are told beside them. */
function otherVariables(): Record<string, string> {
  const others: Record<string, string> = {};
  const bytes: Buffer[] = [];
  for (const [name, value] of inheritedVariables()) {
    if (isHidden(name)) continue;
    if (isPlain(name) && isPlain(value)) others[name] = value;
    else bytes.push(bytesOfText(`${name}=${value}`));
  }
  if (bytes.length > 0) others[STARTED_WITH_VARIABLE] = `${process.pid}:${toldFields(bytes)}`;
  return others;
}

/**
 * What this program was started with is no secret, and would be lost. Neither is what stands for
 * flags, which the kernel shows as well: where there are secrets, they name a file. No process gets
 * these variables.
 */
function isHidden(name: string): boolean {
  return isOwnVariable(name) && name !== STARTED_WITH_VARIABLE && !name.startsWith(VARIABLE_PREFIX);
}
