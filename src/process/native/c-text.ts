import { bytesOfText, isPlain } from '../../system-text.ts';
import type { LaunchRequest } from '../launcher.ts';
import type { CText } from './libc.ts';

/** A text as the C library takes it, with the very bytes that it stands for. */
export function cText(text: string): CText {
  return isPlain(text) ? text : Buffer.concat([bytesOfText(text), Buffer.of(0)]);
}

/** What posix_spawn(3) is told of a program: its path, and its arguments and variables. */
export function programTexts({ arg0, args, env, program }: LaunchRequest): {
  readonly path: CText;
  readonly argv: readonly (CText | null)[];
  readonly envp: readonly (CText | null)[];
} {
  return {
    path: cText(program),
    argv: [cText(arg0), ...args.map(cText), null],
    envp: [...Array.from(env, ([name, value]) => cText(`${name}=${value}`)), null],
  };
}
