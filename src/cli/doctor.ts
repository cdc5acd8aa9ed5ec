import { Command, Option } from 'commander';
import type { Finding } from '../doctor/check.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import { VERSION } from '../version.ts';
import { absolutePath, bytes, positive, positiveBytes } from './arguments.ts';
import { addExamples } from './examples.ts';
import { MISSING_EXIT_CODE } from './exit-codes.ts';
import { printable, wrapped } from './human-text.ts';
import { printJson, printLine } from './print.ts';
import { startedWith } from './started-with.ts';
import { defaultStateFolder } from './state-folder.ts';

interface DoctorFlags {
  readonly stateDir?: string;
  readonly maxProcesses: number;
  readonly outputMemory: number;
  readonly outputDisk: number;
  readonly json?: boolean;
  readonly lookAt?: string;
}

/** `runlet doctor` */
export function doctorCommand(): Command {
  const command = new Command('doctor')
    .option(
      '--state-dir <path>',
      "the folder that the server would have (default: runlet in the user's state folder)",
      absolutePath,
    )
    .option(
      '--max-processes <count>',
      'how many processes it would have',
      positive,
      DEFAULT_LIMITS.maxProcesses,
    )
    .option(
      '--output-memory <size>',
      'how much retained output it would have in memory',
      positiveBytes,
      DEFAULT_LIMITS.outputMemoryBytes,
    )
    .option(
      '--output-disk <size>',
      'how much it would have in files; 0: none',
      bytes,
      DEFAULT_LIMITS.outputDiskBytes,
    )
    .option('--json', 'print it as a line of JSON')
    // What looks at a folder for this command, and may never come back.
    .addOption(new Option('--look-at <path>').hideHelp())
    .action(doctor);
  return addExamples(command, [
    {
      command: 'runlet doctor --output-disk 1MiB --max-processes 100',
      does: 'See what this machine offers and lacks for a small server',
      prints: /^ok +node-version +Node\.js /,
    },
    {
      command: 'runlet doctor --state-dir "$FOLDER/state" --output-memory 1MiB --json',
      does: 'Look at it in a script, with a state folder of its own',
      prints: /^\{"ok":true,"version":"/,
    },
  ]);
}

async function doctor(flags: DoctorFlags): Promise<void> {
  if (flags.lookAt !== undefined) {
    const { lookAtFolder } = await import('../doctor/folder-facts.ts');
    await printJson(await lookAtFolder(flags.lookAt));
    return;
  }
  const findings = await examineThis(flags);
  const isFit = findings.every(({ ok, required }) => ok || !required);
  if (flags.json === true) {
    const checks = findings.map((found) => {
      const { consequence = null, remedy = null, ...rest } = found;
      return { ...rest, consequence, remedy };
    });
    await printJson({ ok: isFit, version: VERSION, checks });
  } else {
    await printFindings(findings);
  }
  if (!isFit) process.exitCode = MISSING_EXIT_CODE;
}

/** What looks at this machine takes much of the code of a server, which is loaded here. */
async function examineThis(flags: DoctorFlags): Promise<readonly Finding[]> {
  const [{ systemClock }, { examineAll }, { surroundings }, { exitAtOnce }] = await Promise.all([
    import('../clock.ts'),
    import('../doctor/examine-all.ts'),
    import('../doctor/surroundings.ts'),
    import('../process/native/exit-at-once.ts'),
  ]);
  const { argv, env, execArgv, execPath } = process;
  const around = surroundings({
    wanted: {
      stateFolder: flags.stateDir ?? defaultStateFolder(env),
      isStateFolderAsked: flags.stateDir !== undefined,
      maxProcesses: flags.maxProcesses,
      outputMemoryBytes: flags.outputMemory,
      outputDiskBytes: flags.outputDisk,
    },
    startedWith: startedWith(),
    folderCommand: [execPath, ...execArgv, argv[1] ?? '', 'doctor', '--look-at'],
    env,
    // Its timers keep this program from ending before all is found: nothing else may do so.
    clock: systemClock,
  });
  // Whatever hangs is not waited for.
  exitAtOnce();
  return examineAll(around);
}

/** How far a finding is from being well. */
const MARKS = { ok: 'ok', lacking: 'warn', missing: 'fail' } as const;

function markOf({ ok, required }: Finding): keyof typeof MARKS {
  if (ok) return 'ok';
  return required ? 'missing' : 'lacking';
}

/** Columns of what is said where there is no terminal. */
const WIDTH = 100;

/** A line for each, and below those that are not well what that means and what to do. */
async function printFindings(findings: readonly Finding[]): Promise<void> {
  const width = process.stdout.isTTY ? process.stdout.columns : WIDTH;
  const longest = Math.max(...findings.map(({ name }) => name.length));
  const indent = ' '.repeat(MARKS.missing.length + 2);
  for (const finding of findings) {
    const { consequence, detail, name, remedy } = finding;
    const mark = MARKS[markOf(finding)].padEnd(MARKS.missing.length);
    await printLine(`${mark}  ${name.padEnd(longest)}  ${printable(detail)}`);
    for (const text of [consequence, remedy && `To mend it: ${remedy}`]) {
      if (text === undefined) continue;
      for (const line of wrapped(printable(text), width - indent.length)) {
        await printLine(`${indent}${line}`);
      }
    }
  }
  const count = (mark: keyof typeof MARKS): number =>
    findings.filter((finding) => markOf(finding) === mark).length;
  await printLine(
    `${count('ok')} ok; ${count('lacking')} warn, which a server can do without; ${count('missing')} fail, which it needs`,
  );
}
