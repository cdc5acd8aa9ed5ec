import { idleClock } from '../clock.ts';
import type { Launcher } from '../process/launcher.ts';
import { toolRunner } from '../process/users/run-tool.ts';
import type { RunUser } from '../process/users/run-user.ts';
import { findTool } from '../process/users/system-tools.ts';
import type { Asker } from '../turn-queue.ts';
import { isFiltered, systemCallFilter } from './filter/system-call-filter.ts';
import { type Bubblewrap, findBubblewrap, type NoBubblewrap } from './find-bubblewrap.ts';
import type { PreparedSandbox } from './prepared-sandbox.ts';
import { type ProbeResult, probe } from './probe/probes.ts';
import { sandboxUnavailable } from './sandbox-failure.ts';
import type { SandboxLayer, SandboxNetwork, SandboxSpec } from './sandbox-spec.ts';

/** What makes sandboxes. */
export interface SandboxMechanism {
  /** The path of bwrap(1), which root alone can change. */
  readonly program: string;
  readonly version: string;
  /** Whether it can keep what is inside from making namespaces of users: `--disable-userns`. */
  readonly disablesUserNamespaces: boolean;
}

/** Whether a part of a sandbox was seen to work. */
export interface SandboxProbeFact {
  /** `mechanism`, where there is none, or as {@link ProbeResult} has it. */
  readonly name: string;
  readonly works: boolean;
  /** What failed; empty: nothing. */
  readonly step: string;
  /** The name of the system's error; empty where it is none. */
  readonly errnoName: string;
}

/** What `GetServerInfo` tells of sandboxes. */
export interface SandboxFacts {
  /** Empty: nothing can enforce any. */
  readonly mechanism: '' | 'bubblewrap';
  /** Empty with that. */
  readonly version: string;
  readonly probes: readonly SandboxProbeFact[];
}

/** For whom a sandbox is prepared. */
export interface PrepareOptions {
  /** The working directory of the process; undefined: none was named. */
  readonly cwd: string | undefined;
  /** Whose turn it takes to look at paths. */
  readonly asker: Asker;
  /** The user that what is inside runs as. Default: the server's. */
  readonly user?: RunUser;
}

/** Finds what a spec names, and holds it. */
export type PrepareSandbox = (
  spec: SandboxSpec,
  options: PrepareOptions,
) => Promise<PreparedSandbox>;

/** Sandboxes, as far as this machine can enforce them. */
export interface Sandboxes {
  /** Those that the operator has configured, by their names, as they are now. */
  readonly profiles: ReadonlyMap<string, SandboxLayer>;
  /** Whether nothing is done without one. */
  readonly required: boolean;
  /**
   * What was found out by trying, once: by whoever asks first; others wait for it. Never rejects.
   */
  facts(): Promise<SandboxFacts>;
  /**
   * What makes sandboxes with such a network, where all works that they rely on.
   *
   * @throws RunletError `SANDBOX_UNAVAILABLE`
   */
  mechanism(network: SandboxNetwork): Promise<SandboxMechanism>;
  /**
   * The filter of system calls for sandboxes with such a network: a compiled BPF program, `struct
   * sock_filter[]`.
   *
   * @throws RunletError `SANDBOX_UNAVAILABLE`
   */
  filter(network: SandboxNetwork): Uint8Array;
  /**
   * Finds what a spec names.
   *
   * @throws RunletError `SANDBOX_UNAVAILABLE`, `INVALID_REQUEST`
   */
  readonly prepare: PrepareSandbox;
}

/** What they are made with. */
export interface SandboxesOptions {
  /** What starts bwrap(1), to try it, and processes in sandboxes. */
  readonly launcher: Launcher;
  /** Default: there are none. */
  readonly profiles?: (() => ReadonlyMap<string, SandboxLayer>) | undefined;
  /** Default: false. */
  readonly required?: boolean | undefined;
  readonly prepare: PrepareSandbox;
  /** Told once what was found out. */
  readonly onFound?: (found: SandboxesFound) => void;
}

/** What was found out, for the log. */
export interface SandboxesFound extends SandboxFacts {
  /** The path of bwrap(1); empty: there is none. */
  readonly program: string;
  /** What does not work, by the names of probes, for people. */
  readonly problems: Readonly<Record<string, string>>;
}

interface Findings {
  readonly bubblewrap: Bubblewrap | NoBubblewrap;
  /** None, where there is no bwrap(1). */
  readonly probes: readonly ProbeResult[];
}

const NO_PROFILES: ReadonlyMap<string, SandboxLayer> = new Map();

/**
 * What a launcher's bwrap(1) can do is a fact of the machine: it is the same for all servers that a
 * process has.
 */
const known = new WeakMap<Launcher, Promise<Findings>>();

/** Makes the sandboxes of a server. Nothing is tried before somebody asks. */
export function openSandboxes(options: SandboxesOptions): Sandboxes {
  const { launcher, onFound, prepare, profiles, required = false } = options;
  let found: Promise<Findings> | undefined;
  const find = (): Promise<Findings> => {
    found ??= findingsOf(launcher).then((findings) => {
      onFound?.(shown(findings));
      return findings;
    });
    return found;
  };
  return {
    get profiles() {
      return profiles?.() ?? NO_PROFILES;
    },
    required,
    facts: async () => factsOf(await find()),
    mechanism: async (network) => mechanismOf(await find(), network),
    filter: () => ownFilter(),
    prepare,
  };
}

/** What a launcher can start in sandboxes on this machine, tried once. Never rejects. */
export async function lookForSandboxes(launcher: Launcher): Promise<SandboxesFound> {
  return shown(await findingsOf(launcher));
}

function findingsOf(launcher: Launcher): Promise<Findings> {
  let findings = known.get(launcher);
  if (findings === undefined) {
    findings = look(launcher).catch((error: unknown): Findings => {
      const problem = error instanceof Error ? error.message : String(error);
      return { bubblewrap: { step: 'find', errnoName: '', problem }, probes: [] };
    });
    known.set(launcher, findings);
  }
  return findings;
}

async function look(launcher: Launcher): Promise<Findings> {
  if (process.platform !== 'linux' || !isFiltered(process.arch)) {
    return none('find', 'ENOSYS', `there are no sandboxes on ${process.platform}-${process.arch}`);
  }
  if (launcher.sandboxes !== true) {
    return none('find', 'ENOSYS', `the launcher ${launcher.name} cannot start anything in one`);
  }
  // Its clock is the machine's: the time of processes may stand still.
  const run = toolRunner(launcher, idleClock);
  const shell = await findTool('sh');
  if (shell === undefined) {
    return none('find', 'ENOENT', 'there is no sh that root alone can change');
  }
  const bubblewrap = await findBubblewrap(run);
  if ('step' in bubblewrap) return { bubblewrap, probes: [] };
  return { bubblewrap, probes: await probe({ bubblewrap, shell, filter: ownFilter(), run }) };
}

function none(step: NoBubblewrap['step'], errnoName: string, problem: string): Findings {
  return { bubblewrap: { step, errnoName, problem }, probes: [] };
}

let filter: Uint8Array | undefined;

/** The same for both networks: what a network of one's own reaches is nothing but oneself. */
function ownFilter(): Uint8Array {
  if (!isFiltered(process.arch)) {
    throw sandboxUnavailable('mechanism', 'ENOSYS', `there is no filter for ${process.arch}`);
  }
  filter ??= systemCallFilter(process.arch);
  return filter;
}

function mechanismOf(findings: Findings, network: SandboxNetwork): SandboxMechanism {
  const { bubblewrap } = findings;
  if ('step' in bubblewrap) {
    throw sandboxUnavailable('mechanism', bubblewrap.errnoName, bubblewrap.problem);
  }
  const broken = brokenFor(findings, network);
  if (broken?.failure === undefined) return bubblewrap;
  const { errnoName, problem, step } = broken.failure;
  throw sandboxUnavailable(broken.name, errnoName, `${broken.name}: ${step}: ${problem}`);
}

/** The first probe that such sandboxes rely on, and that does not work. */
function brokenFor({ probes }: Findings, network: SandboxNetwork): ProbeResult | undefined {
  return probes.find(
    ({ failure, name }) => failure !== undefined && (network === 'none' || name !== 'network'),
  );
}

function factsOf(findings: Findings): SandboxFacts {
  const { bubblewrap } = findings;
  if ('step' in bubblewrap) {
    const { errnoName, step } = bubblewrap;
    const probes = [{ name: 'mechanism', works: false, step, errnoName }];
    return { mechanism: '', version: '', probes };
  }
  const probes = findings.probes.map(({ failure, name }) => ({
    name,
    works: failure === undefined,
    step: failure?.step ?? '',
    errnoName: failure?.errnoName ?? '',
  }));
  // The network is what some do without.
  return brokenFor(findings, 'host') === undefined
    ? { mechanism: 'bubblewrap', version: bubblewrap.version, probes }
    : { mechanism: '', version: '', probes };
}

function shown(findings: Findings): SandboxesFound {
  const { bubblewrap, probes } = findings;
  const facts = factsOf(findings);
  if ('step' in bubblewrap) {
    return { ...facts, program: '', problems: { mechanism: bubblewrap.problem } };
  }
  const failed = probes.flatMap(({ failure, name }) =>
    failure === undefined ? [] : [[name, `${failure.step}: ${failure.problem}`] as const],
  );
  return { ...facts, program: bubblewrap.program, problems: Object.fromEntries(failed) };
}
