import { isUtf8 } from 'node:buffer';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ProcessSpec as ProcessSpecMessage,
  ProcessSpecSchema,
} from '../gen/runlet/v1/process_pb.ts';
import { OptionError } from './client-error.ts';
import { commandArgv } from './command-line.ts';
import type { ProcessSpec, SystemText } from './process-spec.ts';

/**
 * A text as it is.
 *
 * @throws OptionError if it would become another: one that is none, or has half of a character
 * @internal
 */
export function text(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new OptionError(name, `${name} is no string`);
  if (!value.isWellFormed()) throw new OptionError(name, `${name} has no form in UTF-8`);
  return value;
}

type TextFields = Partial<
  Pick<
    Exclude<MessageInitShape<typeof ProcessSpecSchema>, ProcessSpecMessage>,
    'argv' | 'rawArgv' | 'arg0' | 'rawArg0' | 'cwd' | 'rawCwd' | 'env' | 'rawEnv'
  >
>;

/**
 * The fields of a spec that are bytes to the system. Where one of them is not UTF-8 the command
 * line is bytes as well: a server that does not know such fields finds no program then, and
 * refuses what it would do without them. So it is where there is a user, or a sandbox.
 *
 * @internal
 */
export function textFields(spec: ProcessSpec): TextFields {
  const argv = commandArgv(spec.argv, false).map((argument, i) =>
    systemText(`argv[${i}]`, argument),
  );
  const arg0 = systemText('arg0', spec.arg0 ?? '');
  const cwd = systemText('cwd', spec.cwd ?? '');
  const texts: Record<string, string> = {};
  const rawEnv: { readonly name: Uint8Array; readonly value: Uint8Array }[] = [];
  for (const [name, given] of Object.entries(spec.env ?? {})) {
    // Left out, as Node.js does when it starts a program.
    if (given === undefined) continue;
    const key = text('a name in env', name);
    const value = systemText(`env.${name}`, given);
    if (typeof value === 'string') texts[key] = value;
    else rawEnv.push({ name: Buffer.from(key), value });
  }
  const knowsMore = Boolean(spec.user) || Boolean(spec.sandbox);
  const plain = [...argv, arg0, cwd].every(isString) && rawEnv.length === 0 && !knowsMore;
  return {
    ...(plain ? { argv: argv.filter(isString) } : { rawArgv: argv.map(bytesOf) }),
    ...(isString(arg0) ? { arg0 } : { rawArg0: arg0 }),
    ...(isString(cwd) ? { cwd } : { rawCwd: cwd }),
    env: texts,
    rawEnv,
  };
}

/** For people: U+FFFD stands for what is not UTF-8. @internal */
export function shownText(value: SystemText): string {
  return typeof value === 'string' ? value : Buffer.from(value).toString();
}

/** A text where it is one, in whatever form it was given. @internal */
export function systemText(name: string, value: unknown): SystemText {
  if (!(value instanceof Uint8Array)) return text(name, value);
  return isUtf8(value) ? Buffer.from(value).toString() : value;
}

function bytesOf(value: SystemText): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value) : value;
}

function isString(value: SystemText): value is string {
  return typeof value === 'string';
}
