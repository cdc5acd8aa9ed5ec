import type { Check, Outcome } from '../check.ts';
import type { FolderFacts } from '../folder-facts.ts';
import { MEND_NATIVE } from '../remedies.ts';

type Problem = 'locks' | 'memory' | 'native' | 'network' | 'silent';

/** What file systems are called by their numbers, statfs(2), and what is to be known of them. */
const KINDS: Readonly<
  Record<number, readonly [name: string, kind: 'local' | 'memory' | 'network']>
> = {
  16914836: ['tmpfs', 'memory'],
  2240043254: ['ramfs', 'memory'],
  26985: ['NFS', 'network'],
  20859: ['SMB', 'network'],
  4266872130: ['SMB', 'network'],
  4283649346: ['CIFS', 'network'],
  1397113167: ['AFS', 'network'],
  12805120: ['Ceph', 'network'],
  16914839: ['9P', 'network'],
  198183888: ['Lustre', 'network'],
  1702057286: ['FUSE', 'local'],
  2035054128: ['overlay', 'local'],
  61267: ['ext4', 'local'],
  1481003842: ['XFS', 'local'],
  2435016766: ['Btrfs', 'local'],
  801189825: ['ZFS', 'local'],
};

/** Whether a file system is one for the state of a server. */
export function judgeFileSystem(
  facts: FolderFacts | undefined,
  keepsOutput: boolean,
  hasNative: boolean,
): Outcome<Problem> {
  if (facts === undefined) return { detail: 'it does not answer', problem: 'silent' };
  const { errnoName, locks, nearest, space } = facts;
  if (space === undefined) return { detail: `what ${nearest} is on is not told` };
  // Of the number, Node.js may have made a negative one.
  const number = space.type >>> 0;
  const [name, kind] = KINDS[number] ?? [`number 0x${number.toString(16)}`, 'local'];
  const detail = `${nearest} is on ${name}`;
  if (kind === 'network') return { detail, problem: 'network' };
  if (kind === 'memory' && keepsOutput) return { detail, problem: 'memory' };
  if (!locks && errnoName === undefined) {
    return { detail: `${detail}, without locks`, problem: hasNative ? 'locks' : 'native' };
  }
  return { detail: name === 'overlay' ? `${detail}, which goes with its container` : detail };
}

const APART =
  'Servers with this folder do not know of one another: one may take another that runs for one that was killed, and remove its files.';

export const stateFileSystem: Check<Problem> = {
  name: 'state-file-system',
  about: 'what kind of file system `--state-dir` is on, and whether files can be locked there',
  required: false,
  problems: {
    silent: {
      consequence: 'Output cannot be written to files, and the server is not ready for new work.',
      remedy: 'Mend `state-folder` first.',
    },
    network: {
      consequence:
        'Where the file server does not answer, output is kept in memory as far as that reaches, processes wait, and the server is not ready for new work. Its disk may be slow. Servers on several machines may take one another for killed.',
      remedy: 'Name a folder on a disk of this machine with `--state-dir`.',
    },
    memory: {
      consequence:
        'What goes to files stays in memory: `--output-disk` counts there too, and what is kept there may have the kernel kill the server.',
      remedy: 'Name a folder on a disk with `--state-dir`, or serve with `--output-disk 0`.',
    },
    native: { consequence: APART, remedy: MEND_NATIVE },
    locks: { consequence: APART, remedy: 'Name a folder with `--state-dir` where flock(2) works.' },
  },
  look: async ({ lookAtFolder, native, wanted }) =>
    judgeFileSystem(
      await lookAtFolder(wanted.stateFolder),
      wanted.outputDiskBytes > 0,
      'libc' in native,
    ),
};
