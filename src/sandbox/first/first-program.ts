import { FIRST_PROGRAMS } from './programs.ts';

let decoded: Buffer | undefined;

/** The program of the first process for this machine; undefined: it was not written for it. */
export function firstProgram(): Buffer | undefined {
  const { arch } = process;
  if (arch !== 'x64' && arch !== 'arm64') return undefined;
  decoded ??= Buffer.from(FIRST_PROGRAMS[arch], 'base64');
  return decoded;
}
