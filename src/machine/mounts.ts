/** A mount, as a line of proc_pid_mountinfo(5) tells of it. */
export interface Mount {
  /** Which folder of the file system is mounted: `/` is all of it. */
  readonly root: string;
  /** Where. */
  readonly point: string;
  /** The type of the file system: `proc`. */
  readonly type: string;
  /** The options of the file system itself: `hidepid=2`. */
  readonly options: readonly string[];
}

/** Reads `/proc/self/mountinfo`: the mounts in the order in which they were made. */
export function parseMounts(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.split(' ');
    const [, , , root, point] = fields;
    // What comes before the lone hyphen are as many fields as there are.
    const [type, , options = ''] = fields.slice(fields.indexOf('-', 6) + 1);
    if (root === undefined || point === undefined || type === undefined) return [];
    return [{ root: unescaped(root), point: unescaped(point), type, options: options.split(',') }];
  });
}

/** What is seen at a path that is a mount: the last one there hides those before. */
export function mountAt(mounts: readonly Mount[], point: string): Mount | undefined {
  return mounts.findLast((mount) => mount.point === point);
}

/** Spaces, tabs, ends of lines and backslashes are octal. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
