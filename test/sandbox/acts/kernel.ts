import { readFileSync } from 'node:fs';
import { type Act, never, unconfined, unconfinedRoot } from './act.ts';
import { seen } from './look.ts';
import { nonce, type Stage } from './stage.ts';

/** What can be read and changed of the kernel through files: written is what was there. */
const KNOBS = [
  '/proc/sys/kernel/core_pattern',
  '/proc/sys/kernel/modprobe',
  '/proc/sys/kernel/hostname',
  '/proc/sys/vm/overcommit_memory',
  '/proc/sys/fs/file-max',
  '/proc/sys/net/ipv4/ip_forward',
  '/proc/irq/default_smp_affinity',
  '/sys/kernel/rcu_normal',
  '/sys/kernel/profiling',
  '/sys/kernel/uevent_helper',
  '/sys/module/kernel/parameters/panic',
];

function isPressure(path: string): boolean {
  return path.startsWith('/proc/pressure/');
}

/** Acts on the kernel, on the clock and names of the machine, and on what programs share by numbers. */
export function kernelActs(stage: Stage): readonly Act[] {
  const domain = nonce();
  const group = nonce();
  const acts: readonly Omit<Act, 'allowed'>[] = [
    ...KNOBS.map((path) => ({ name: `write to ${path}`, does: ['rewrite', path] })),
    // Where it is let in, the kernel says what it could be asked for.
    { name: 'press a key for the kernel', does: ['write', '/proc/sysrq-trigger', 'h'] },
    {
      name: 'make a group of processes of the kernel',
      does: ['mkdir', `/sys/fs/cgroup/${group}`],
      done: () => seen(`/sys/fs/cgroup/${group}`) !== undefined,
    },
    {
      name: 'write to anything in /proc that is of no process',
      does: ['find-writable', '/proc'],
      // To write to one of these is to ask to be told, which changes nothing.
      done: ({ told }) => told.split('\n').some((path) => path !== '' && !isPressure(path)),
      answersAnyway: true,
    },
    {
      name: 'write to anything in /sys',
      does: ['find-writable', '/sys'],
      done: ({ told }) => told !== '',
      answersAnyway: true,
    },
    { name: 'read the memory of the kernel', does: ['read', '/proc/kcore'] },
    { name: 'read the messages of the kernel, as they come', does: ['open', '/proc/kmsg'] },
    { name: 'read the messages of the kernel', does: ['syslog'] },
    {
      name: 'name the domain',
      does: ['domain', domain],
      done: ({ answer }) =>
        answer === 0 || readFileSync('/proc/sys/kernel/domainname', 'latin1').includes(domain),
    },
    { name: 'name the host', does: ['hostname'] },
    { name: 'adjust the clock', does: ['adjtimex'] },
    { name: 'set the clock', does: ['clock'] },
    { name: 'load a module', does: ['init-module'] },
    {
      name: 'load a module of a file',
      does: ['finit-module', stage.spot(stage.path('writable', 'module')).file],
    },
    { name: 'unload a module', does: ['delete-module'] },
    { name: 'load another kernel', does: ['kexec'] },
    { name: 'restart the machine', does: ['reboot'] },
    { name: 'swap to a file', does: ['swapon', stage.path('writable', 'nothing')] },
    { name: 'have all processes be noted down', does: ['acct', stage.path('writable', 'nothing')] },
    { name: 'use ports of devices', does: ['iopl'] },
    { name: 'load into the kernel, by bpf', does: ['bpf'] },
    { name: 'ask through a ring (io_uring)', does: ['io-uring'] },
    { name: 'count events', does: ['perf'] },
    { name: 'handle faults', does: ['userfaultfd'] },
    { name: 'make faults easier to use (personality)', does: ['personality'] },
    { name: 'call by numbers of 32 bits', does: ['int80'] },
    { name: 'call by numbers of x32', does: ['x32'] },
    { name: 'watch a whole file system', does: ['fanotify', stage.path('writable')] },
  ];
  return [
    ...acts.map((act) => ({ ...act, allowed: never, onlyInside: true })),
    ...keyActs(stage),
    ...sharedActs(stage),
    byHandle(stage),
  ];
}

/** A file that has no name inside, opened by what stands for it in its file system. */
function byHandle(stage: Stage): Act {
  const { file, secret } = stage.spot(stage.path('outside', 'by-handle'));
  return {
    name: 'open a file by its handle',
    does: ['open-handle', stage.here('name-handle', file), stage.path('writable')],
    allowed: unconfinedRoot,
    done: ({ told }) => told.includes(secret),
  };
}

function keyActs(stage: Stage): readonly Act[] {
  const [name, secret] = [`runlet-${nonce()}`, nonce()];
  const key = stage.here('add-key', name, secret);
  const tells = ({ told }: { readonly told: string }) => told.includes(secret);
  return [
    { name: 'read a key of others', does: ['read-key', key], allowed: unconfined, done: tells },
    {
      name: 'look for a key of others',
      does: ['find-key', name],
      allowed: never,
      done: tells,
      onlyInside: true,
    },
    {
      name: 'see the names of keys of others',
      does: ['read', '/proc/keys'],
      allowed: unconfined,
      done: ({ told }) => told.includes(name),
      answersAnyway: true,
    },
    { name: 'leave a key to others', does: ['add-key', `${name}-2`, secret], allowed: unconfined },
  ];
}

/** A number that System V names something by. */
function number(): string {
  return String(1 + Math.floor(Math.random() * 2_000_000_000));
}

/** What programs share by numbers and names that no folder has. */
function sharedActs(stage: Stage): readonly Act[] {
  const [segment, semaphore, messages, queue] = [
    number(),
    number(),
    number(),
    `/runlet-${nonce()}`,
  ];
  const [inSegment, message, queued] = [nonce(), nonce(), nonce()];
  stage.here('make-segment', segment, inSegment);
  stage.here('make-semaphore', semaphore);
  stage.here('make-messages', messages);
  stage.here('make-queue', queue);
  return [
    {
      name: 'read a segment of shared memory',
      does: ['read-segment', segment],
      allowed: unconfined,
      done: ({ told }) => {
        stage.here('remove-segment', segment);
        return told.includes(inSegment);
      },
    },
    {
      name: 'raise a semaphore',
      does: ['raise-semaphore', semaphore],
      allowed: unconfined,
      done: () => stage.here('remove-semaphore', semaphore) === '<1>',
    },
    {
      name: 'send a message',
      does: ['send-message', messages, message],
      allowed: unconfined,
      done: () => stage.here('remove-messages', messages) === message,
    },
    {
      name: 'send to a queue of messages',
      does: ['send-to-queue', queue, queued],
      allowed: unconfined,
      done: () => stage.here('remove-queue', queue) === queued,
    },
  ];
}
