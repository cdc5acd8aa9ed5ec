/**
 * Has SIGUSR1 do nothing. By default it makes Node.js open its debugger on a port of the
 * loopback interface, where every user of the machine can have this program run code. Any
 * process that is started here could send it.
 */
export function ignoreDebuggerSignal(): void {
  process.on('SIGUSR1', () => {});
}
