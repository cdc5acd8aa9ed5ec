/** A user whom a process can run as, as the system's database has it. */
export interface RunUser {
  readonly name: string;
  readonly uid: number;
  /** Of its primary group. */
  readonly gid: number;
  /** Of all its groups, the primary one among them. */
  readonly groups: readonly number[];
  readonly home: string;
  readonly shell: string;
}

/** Ids that there are: the last one stands for none, setreuid(2). */
const MAX_ID = 0xffff_fffe;

/** Reads an entry of passwd(5); undefined: it is none. */
export function parsePasswdEntry(line: string): Omit<RunUser, 'groups'> | undefined {
  const [name = '', , uidText = '', gidText = '', , home, shell] = line.split(':');
  const uid = parseId(uidText);
  const gid = parseId(gidText);
  if (name === '' || uid === undefined || gid === undefined || shell === undefined)
    return undefined;
  return { name, uid, gid, home: home || '/', shell: shell || '/bin/sh' };
}

/** The number of a user or group; undefined: it is none. */
export function parseId(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}
