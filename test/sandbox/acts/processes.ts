import { type Act, always, never, type Outcome, unconfined, unconfinedRoot } from './act.ts';
import { nonce, type Stage } from './stage.ts';
import type { Victim } from './victim.ts';

/** Signals are the real-time ones from `SIGRTMIN` on. */
const SIGNALS = ['kill', 'kill-group', 'tgkill', 'sigqueue', 'pidfd-signal'];

/** The number of `SCHED_BATCH`. */
const BATCH = 3;

/** Acts on a process outside, whose number they are told, and on process 1 and their own. */
export function processActs(stage: Stage, victim: Victim): readonly Act[] {
  const pid = String(victim.pid);
  const tells =
    (text: string) =>
    ({ told }: Outcome) =>
      told.includes(text);
  const says = async (text: string): Promise<boolean> =>
    (await victim.tell()).split(' ').includes(text);
  const outside = stage.spot(stage.path('outside', 'of-proc'));
  const traced = nonce().slice(0, 8);
  const written = nonce();
  const acts: Act[] = SIGNALS.map((name, index) => ({
    name: `signal a process outside, by ${name}`,
    does: [name, pid, String(index)],
    allowed: unconfined,
    done: () => says(`signal-${index}`),
  }));
  const others: Readonly<Record<string, Omit<Act, 'allowed' | 'name'>>> = {
    'open by pidfd_open': { does: ['pidfd-open', pid] },
    'take a descriptor of': { does: ['pidfd-getfd', pid, '3'], done: tells(victim.held) },
    'change by ptrace': {
      does: ['ptrace', pid, victim.word(0), traced],
      done: async () => (await victim.tell()).includes(traced),
    },
    'seize by ptrace': { does: ['ptrace-seize', pid] },
    'read the memory of': {
      does: ['vm-read', pid, victim.word(1)],
      done: tells(`${victim.secret}-1`),
    },
    'write to the memory of': {
      does: ['vm-write', pid, victim.word(2), written],
      done: async () => (await victim.tell()).includes(written),
    },
    'read the memory, through /proc, of': {
      does: ['proc-mem', pid, victim.word(3)],
      done: tells(`${victim.secret}-3`),
    },
    'read the environment of': {
      does: ['read', `/proc/${pid}/environ`],
      done: tells(`${victim.secret}-environment`),
    },
    'read the command line of': {
      does: ['read', `/proc/${pid}/cmdline`],
      done: tells(victim.secret),
    },
    'read through the root of': {
      does: ['read', `/proc/${pid}/root${outside.file}`],
      done: tells(outside.secret),
    },
    'read through the folder of': {
      does: ['read', `/proc/${pid}/cwd/file`],
      done: tells(victim.held),
    },
    'read through a descriptor of': {
      does: ['read', `/proc/${pid}/fd/3`],
      done: tells(victim.held),
    },
    'find, among all processes,': {
      does: ['processes'],
      done: tells(victim.secret),
      answersAnyway: true,
    },
    'set the priority of': {
      does: ['setpriority', pid],
      done: () => victim.stat(19) === 7,
    },
    'set the I/O priority of': { does: ['ioprio', pid] },
    'set the scheduler of': { does: ['scheduler', pid], done: () => victim.stat(41) === BATCH },
    'set the processors of': {
      does: ['affinity', pid],
      done: () => /^Cpus_allowed_list:\t0$/m.test(victim.proc('status')),
    },
    'set a limit of': {
      does: ['prlimit', pid],
      done: () => /^Max core file size +123 /m.test(victim.proc('limits')),
    },
    'compare what is held by': { does: ['kcmp', pid], onlyInside: true },
    'have the kernel end': {
      does: ['put', `/proc/${pid}/oom_score_adj`, '555'],
      done: () => victim.proc('oom_score_adj') === '555\n',
    },
  };
  for (const [name, act] of Object.entries(others)) {
    acts.push({ ...act, name: `${name} a process outside`, allowed: unconfined });
  }
  return [...acts, ...onOthers(outside.file, outside.secret)];
}

function onOthers(file: string, secret: string): readonly Act[] {
  const [tellsSecret, tellsAny] = [
    ({ told }: Outcome) => told.includes(secret),
    ({ told }: Outcome) => told !== '',
  ];
  const first = (name: string, does: readonly string[], done = tellsAny): Act => ({
    name: `${name} process 1`,
    does,
    allowed: unconfinedRoot,
    done,
    // Of what is process 1 outside, the one who tests may know nothing either.
    onlyInside: true,
    answersAnyway: true,
  });
  return [
    first('read the environment of', ['read', '/proc/1/environ']),
    first('read through the root of', ['read', `/proc/1/root${file}`], tellsSecret),
    first('list the root of', ['list', '/proc/1/root']),
    // The socket by which it speaks with the server.
    first('look at a descriptor of', ['readlink', '/proc/1/fd/3']),
    first('read from a descriptor of', ['open', '/proc/1/fd/3'], ({ answer }) => answer === 0),
    first('look at the folder of', ['readlink', '/proc/1/cwd']),
    first('look at the program of', ['readlink', '/proc/1/exe']),
    first('open the memory of', ['open', '/proc/1/mem'], ({ answer }) => answer === 0),
    first('read the maps of', ['read', '/proc/1/maps']),
    first('take a descriptor of', ['pidfd-getfd', '1', '3'], ({ answer }) => answer === 0),
    {
      name: 'trace process 1',
      does: ['ptrace-seize', '1'],
      allowed: never,
      onlyInside: true,
    },
    { name: 'trace a child of its own', does: ['ptrace-own'], allowed: always },
    { name: 'end a child of its own', does: ['kill-own'], allowed: always },
  ];
}
