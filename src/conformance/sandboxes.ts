import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ProcessEvent } from '../gen/runlet/v1/event_pb.ts';
import {
  SandboxAccess,
  SandboxPlace,
  type SandboxRuleSchema,
  type SandboxSchema,
} from '../gen/runlet/v1/sandbox_pb.ts';
import type { CheckContext, SpecInit } from './context.ts';
import { textOf } from './event-reader.ts';

/* Sandboxes as most checks make them. */

/** A sandbox; all that is missing is the contract's default. */
export type SandboxInit = MessageInitShape<typeof SandboxSchema> & { $typeName?: never };

/** A rule of one. */
export type RuleInit = MessageInitShape<typeof SandboxRuleSchema> & { $typeName?: never };

/** What a shell needs. */
export const PLATFORM: RuleInit = { place: SandboxPlace.PLATFORM, access: SandboxAccess.READ };

/** A private folder for temporary files. */
export const TEMP: RuleInit = { place: SandboxPlace.TEMP, access: SandboxAccess.WRITE };

/** A rule that lets a path be read. */
export function readable(path: string): RuleInit {
  return { path, access: SandboxAccess.READ };
}

/** A rule that lets a path be changed. */
export function writable(path: string): RuleInit {
  return { path, access: SandboxAccess.WRITE };
}

/** A rule that hides a path. */
export function hidden(path: string): RuleInit {
  return { path, access: SandboxAccess.NONE };
}

/** A sandbox with what a shell needs, and these rules. */
export function shellWith(...rules: readonly RuleInit[]): SandboxInit {
  return { rules: [PLATFORM, ...rules] };
}

/** Runs a script of the shell in a sandbox, and returns what it writes. */
export async function outputIn(
  context: CheckContext,
  sandbox: SandboxInit,
  script: string,
  spec: SpecInit = {},
): Promise<string> {
  return textOf(await runIn(context, sandbox, script, spec));
}

/** Runs a script of the shell in a sandbox, to its end. */
export function runIn(
  context: CheckContext,
  sandbox: SandboxInit,
  script: string,
  spec: SpecInit = {},
): Promise<ProcessEvent[]> {
  return context.runShell(script, { cwd: '/', ...spec, sandbox });
}
