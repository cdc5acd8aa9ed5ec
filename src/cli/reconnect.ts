/**
 * How long a command that follows a process tries to come back after the connection broke,
 * in seconds, if nothing is said: time for a laptop to find its network again.
 */
export const RECONNECT_SECONDS = 300;
