/** A process of the machine, as proc(5) tells of it. */
export interface ScannedProcess {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** In clock ticks since the machine started: tells two processes with one pid apart. */
  readonly startTime: string;
  /** It ended and waits for its parent to reap it. */
  readonly ended: boolean;
  /** Processor time of it and of the children that it waited for, in clock ticks. */
  readonly cpuTicks: number;
  /** Its memory, in pages. */
  readonly residentPages: number;
}

const [SPACE, MINUS, ZERO, NINE] = [0x20, 0x2d, 0x30, 0x39];
const CLOSING_PARENTHESIS = 0x29;

/** The states of those that have ended: Z, X, x. */
const ENDED: readonly number[] = [0x5a, 0x58, 0x78];

/* The fields by their numbers in proc_pid_stat(5); the state, which is the third, is at the start. */
const STATE = 3;
const PARENT = 4;
const GROUP = 5;
const SESSION = 6;
/** In user and in system mode, and the same of children. */
const USER_TIME = 14;
const CHILDREN_SYSTEM_TIME = 17;
const START_TIME = 22;
const RESIDENT = 24;

/**
 * What `/proc/PID/stat` says, which is in the first bytes of a buffer; undefined: it is not whole.
 * Read byte by byte: there may be thousands of them every few seconds, of which nothing is needed
 * but some numbers.
 */
export function parseStat(pid: number, bytes: Buffer, length: number): ScannedProcess | undefined {
  // The command's name, in parentheses, may hold anything; the rest follows the last of them.
  let at = length - 1;
  while (at >= 0 && bytes[at] !== CLOSING_PARENTHESIS) at -= 1;
  at += 2;
  if (at < 2 || at >= length) return undefined;
  const ended = ENDED.includes(bytes[at] ?? 0);
  let [parent, group, session, cpuTicks, startTime, residentPages] = [0, 0, 0, 0, 0, 0];
  let field = STATE;
  for (let value = 0, negative = false; at <= length; at++) {
    const byte = at === length ? SPACE : (bytes[at] ?? 0);
    if (byte >= ZERO && byte <= NINE) value = value * 10 + (byte - ZERO);
    else if (byte === MINUS) negative = true;
    else if (byte === SPACE) {
      const signed = negative ? -value : value;
      if (field === PARENT) parent = signed;
      else if (field === GROUP) group = signed;
      else if (field === SESSION) session = signed;
      else if (field >= USER_TIME && field <= CHILDREN_SYSTEM_TIME) cpuTicks += signed;
      else if (field === START_TIME) startTime = signed;
      else if (field === RESIDENT) {
        residentPages = signed;
        const start = String(startTime);
        return { pid, parent, group, session, startTime: start, ended, cpuTicks, residentPages };
      }
      field += 1;
      value = 0;
      negative = false;
    }
  }
  return undefined;
}
