/**
 * The variables by which systemd tells the main process of a service what is meant for it alone:
 * sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3).
 */
const NAMES = [
  'NOTIFY_SOCKET',
  'WATCHDOG_PID',
  'WATCHDOG_USEC',
  'LISTEN_PID',
  'LISTEN_PIDFDID',
  'LISTEN_FDS',
  'LISTEN_FDNAMES',
] as const;

/** What they say. */
export type SystemdVariables = Readonly<Partial<Record<(typeof NAMES)[number], string>>>;

/**
 * Takes them out of an environment: whatever has them beside this process would speak for it, or
 * take descriptors of its own for sockets.
 */
export function takeSystemdVariables(env: NodeJS.ProcessEnv): SystemdVariables {
  const taken: Partial<Record<(typeof NAMES)[number], string>> = {};
  for (const name of NAMES) {
    const value = env[name];
    if (value === undefined) continue;
    taken[name] = value;
    delete env[name];
  }
  return taken;
}
