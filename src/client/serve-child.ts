import { rmSync } from 'node:fs';

/*
 * The server of a program, as a process of its own: `runlet serve`, which ends when whoever
 * started it does, in whatever way, since its standard input ends then. The first argument is a
 * folder that goes with it, the others are those of the command line.
 */

const [, , folder = ''] = process.argv;
process.argv.splice(2, 1);
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
process.stdin.on('close', () => process.kill(process.pid, 'SIGTERM'));
process.stdin.on('error', () => {});
process.stdin.resume();
await import(new URL('../../bundle/main.js', import.meta.url).href);
