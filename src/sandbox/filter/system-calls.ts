/** A kind of machine that filters are made for, as Node.js names it. */
export type FilteredArch = 'x64' | 'arm64';

/** The numbers of a system call: on x86 with 64 bits, and on ARM; undefined: it has none there. */
type Numbers = readonly [x64: number, arm64: number | undefined];

/**
 * System calls that nothing in a sandbox is to do, whatever their arguments. Most would take a
 * capability of the machine; that they are refused before the kernel looks at them keeps what is
 * wrong in it out of reach.
 */
export const REFUSED: Readonly<Record<string, Numbers>> = {
  // Other namespaces, and what is mounted in this one.
  setns: [308, 268],
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  open_tree_attr: [467, 467],
  // Keyrings are of users, and no namespace keeps them apart.
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  // Programs in the kernel, what they read, and what holds it up.
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  // What is asked for through a ring passes by this filter.
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  // The kernel itself.
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  create_module: [174, undefined],
  init_module: [175, 105],
  delete_module: [176, 106],
  query_module: [178, undefined],
  finit_module: [313, 273],
  // What the kernel says of the machine and of others.
  syslog: [103, 116],
  lookup_dcookie: [212, 18],
  // Files past the folders that they are in, and what is counted of them.
  open_by_handle_at: [304, 265],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  acct: [163, 89],
  // The machine.
  swapon: [167, 224],
  swapoff: [168, 225],
  reboot: [169, 142],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  iopl: [172, undefined],
  ioperm: [173, undefined],
  vhangup: [153, 58],
  // Of old, for nobody.
  uselib: [134, undefined],
  ustat: [136, undefined],
  sysfs: [139, undefined],
  _sysctl: [156, undefined],
  nfsservctl: [180, 42],
};

/** System calls of which it depends on their arguments. */
export const LOOKED_AT = {
  clone: [56, 220],
  clone3: [435, 435],
  unshare: [272, 97],
  ioctl: [16, 29],
  socket: [41, 198],
  socketpair: [53, 199],
  personality: [135, 92],
} as const satisfies Record<string, Numbers>;

/** The numbers of the system calls that are refused always. */
export function refusedCalls(arch: FilteredArch): readonly number[] {
  return Object.values(REFUSED)
    .map((numbers) => numberOn(arch, numbers))
    .filter((number) => number !== undefined);
}

/** The number of a system call whose arguments are looked at. */
export function callNumber(arch: FilteredArch, name: keyof typeof LOOKED_AT): number {
  const [x64, arm64] = LOOKED_AT[name];
  return arch === 'x64' ? x64 : arm64;
}

function numberOn(arch: FilteredArch, [x64, arm64]: Numbers): number | undefined {
  return arch === 'x64' ? x64 : arm64;
}
