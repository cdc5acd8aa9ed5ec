import { pino } from 'pino';
import { defaultAddress, formatAddress } from '../address.ts';
import { USAGE_EXIT_CODE } from './exit-codes.ts';
import { describeFailure, failureExitCode } from './failure.ts';
import { printable } from './human-text.ts';
import { printJson, printLine, say } from './print.ts';
import { redact } from './redact.ts';
import { type NamedFile, namedFiles } from './serve-check-files.ts';
import { crossFlagProblems } from './serve-checks.ts';
import type { FoundConfig, Origin, Setting } from './serve-config.ts';
import type { ConfigProblem } from './serve-config-problem.ts';
import { defaultStateFolder } from './state-folder.ts';
import { table, tableWidth } from './table.ts';

/** What is wrong, with the code that a server would exit with because of it. */
type Problem = ConfigProblem & { readonly exitCode: number };

/** A file that was looked at. */
type LookedAt = Pick<NamedFile, 'key' | 'path'> & {
  readonly warnings: readonly string[];
  readonly problem: Problem | undefined;
};

/** What became of looking at a configuration. */
export interface CheckedConfig {
  readonly files: readonly LookedAt[];
  readonly warnings: readonly string[];
  /** All that is wrong, in the order in which a server would come upon it. */
  readonly problems: readonly ConfigProblem[];
  /** With which a server would exit for the first of them; 0: there are none. */
  readonly exitCode: number;
}

/**
 * Looks at all that a server would be told: at flags together, and at the files that they name.
 * Nothing is started or made.
 */
export async function checkConfig({ config, problems }: FoundConfig): Promise<CheckedConfig> {
  const files: LookedAt[] = [];
  for (const named of namedFiles(config.flags)) files.push(await lookedAt(named));
  const all: readonly Problem[] = [
    ...problems.map((problem) => ({ ...problem, exitCode: USAGE_EXIT_CODE })),
    // What is missing may be what was wrong.
    ...(problems.length > 0 ? [] : crossFlagProblems(config.flags)).map((error) =>
      problemOf(error),
    ),
    ...files.flatMap(({ problem }) => problem ?? []),
  ];
  return {
    files,
    warnings: files.flatMap((looked) => looked.warnings),
    problems: all.map(({ exitCode: _, ...problem }) => problem),
    exitCode: all[0]?.exitCode ?? 0,
  };
}

/**
 * `runlet serve --check`: prints what would be in force for each key and where that is said, and
 * all that is wrong.
 */
export async function printCheck(found: FoundConfig, json: boolean): Promise<void> {
  const { file = null, settings } = found.config;
  const { exitCode, files, problems, warnings } = await checkConfig(found);
  process.exitCode = exitCode;
  if (json) {
    return printJson({
      ok: exitCode === 0,
      config: file,
      settings: settings.map(jsonOf),
      files: files.map(({ key, path, problem }) => ({ key, path, ok: problem === undefined })),
      warnings,
      problems,
    });
  }
  const rows = settings.map((setting) => [
    setting.key.name,
    printable(shownTexts(setting).join(', ')) || '-',
    whence(setting.origin),
  ]);
  for (const line of table(rows, tableWidth())) await printLine(line);
  for (const warning of warnings) say(`warning: ${warning}`);
  for (const { message } of problems) say(message);
  if (exitCode === 0) await printLine('nothing wrong was found');
}

function problemOf(error: unknown, key?: string): Problem {
  return { message: redact(describeFailure(error)), key, exitCode: failureExitCode(error) };
}

async function lookedAt({ key, look, path }: NamedFile): Promise<LookedAt> {
  const warnings: string[] = [];
  const write = (line: string): void => {
    const { msg, warning }: { readonly msg: string; readonly warning?: string } = JSON.parse(line);
    warnings.push(redact(`${path}: ${warning ?? msg}`));
  };
  const log = pino({ level: 'warn', base: null }, { write });
  try {
    await look(log);
    return { key, path, warnings, problem: undefined };
  } catch (error) {
    return { key, path, warnings, problem: problemOf(error, key) };
  }
}

/** What would be in force, as it is written, or would be. */
function shownTexts({ key, texts }: Setting): readonly string[] {
  // All others name where a secret is; some would be taken for one.
  if (texts.length > 0) return texts.map((text) => (text.includes('://') ? redact(text) : text));
  if (key.isSwitch) return ['false'];
  if (key.name === 'listen') return [formatAddress(defaultAddress(process.env))];
  if (key.name === 'state-dir') return [defaultStateFolder(process.env)];
  const { defaultValue, defaultValueDescription } = key.option;
  return defaultValue === undefined ? [] : [defaultValueDescription ?? String(defaultValue)];
}

function whence(origin: Origin): string {
  switch (origin.kind) {
    case 'file':
      return `${origin.file}:${origin.line}`;
    case 'variable':
      return origin.name;
    default:
      return origin.kind;
  }
}

function jsonOf(setting: Setting): object {
  const { key, origin } = setting;
  const texts = shownTexts(setting);
  const [first = null] = texts;
  const value = key.list !== undefined && texts.length > 0 ? texts : first;
  return { key: key.name, value: key.isSwitch ? first === 'true' : value, from: origin };
}
