import type { Command } from 'commander';

/** A command, as much of it as the help of the whole program says, and how to load the rest. */
export interface CommandEntry {
  readonly name: string;
  /** What it is called with, as its help has it. */
  readonly usage: string;
  /** The description in fewer words. Default: the description. */
  readonly summary?: string;
  readonly description: string;
  readonly hidden?: true;
  readonly load: () => Promise<Command>;
}

/**
 * All commands, in the order of the help. Each is loaded when it is asked for: reading the code
 * of all, and of what they use, is most of what a command takes.
 */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'serve',
    usage: '[options]',
    summary: 'Serve until SIGTERM or SIGINT.',
    description: 'Serve until SIGTERM or SIGINT. Logs are JSON on standard error.',
    load: async () => (await import('./serve.ts')).serveCommand(),
  },
  {
    name: 'run',
    usage: '[options] <program...>',
    summary: 'Run one process and behave like it.',
    description:
      'Run one process and behave like it: its output, its exit code (128+n for signal n), Ctrl-C passed on.',
    load: async () => (await import('./run.ts')).runCommand(),
  },
  {
    name: 'start',
    usage: '[options] <program...>',
    summary: 'Start a process that goes on by itself.',
    description:
      'Start a process that goes on by itself, and print the ids of its session and of it.',
    load: async () => (await import('./start.ts')).startCommand(),
  },
  {
    name: 'exec',
    usage: '[options] <where> <program...>',
    summary: 'Run a further process in a session.',
    description:
      'Run a further process in a session, and behave like it. Those that are there are left alone.',
    load: async () => (await import('./exec.ts')).execCommand(),
  },
  {
    name: 'attach',
    usage: '[options] [process]',
    summary: 'Join a process: see what it writes, and type to it.',
    description:
      'Join a process: see the last of what it wrote and all that follows, and type to it. Takes it over from whoever is attached to its session. Ends with its exit code.',
    load: async () => (await import('./attach.ts')).attachCommand(),
  },
  {
    name: 'logs',
    usage: '[options] [process]',
    summary: 'Print what a process wrote.',
    description:
      'Print what a process wrote. Whoever is attached to its session stays so, and breaks of the connection are passed over.',
    load: async () => (await import('./logs.ts')).logsCommand(),
  },
  {
    name: 'wait',
    usage: '[options] [process...]',
    summary: 'Wait until processes have ended.',
    description: 'Wait until processes have ended, and print their exit codes. Disturbs nobody.',
    load: async () => (await import('./wait.ts')).waitCommand(),
  },
  {
    name: 'ps',
    usage: '[options]',
    description: 'List the processes that run, in all sessions.',
    load: async () => (await import('./ps.ts')).psCommand(),
  },
  {
    name: 'top',
    usage: '[options]',
    summary: 'Watch sessions and processes, and what they use.',
    description:
      'Watch sessions and processes, and what they use: processor time and memory with all that came of a process, output, and how far readers lag. On a terminal it fills the screen; elsewhere it prints tables, one after the other.',
    load: async () => (await import('./top.ts')).topCommand(),
  },
  {
    name: 'inspect',
    usage: '[options] [process...]',
    description: 'Print all that is known of processes, as a list in JSON.',
    load: async () => (await import('./inspect.ts')).inspectCommand(),
  },
  {
    name: 'stop',
    usage: '[options] [process...]',
    description: 'End processes and what came of them: SIGTERM, and SIGKILL after the grace.',
    load: async () => (await import('./kill.ts')).stopCommand(),
  },
  {
    name: 'kill',
    usage: '[options] [process...]',
    summary: 'End processes, or send them a signal.',
    description:
      'End processes and what came of them: SIGTERM, and SIGKILL after the grace. Or send them a signal, also as -9 or -INT.',
    load: async () => (await import('./kill.ts')).killCommand(),
  },
  {
    name: 'cp',
    usage: '[options] <source> <target>',
    summary: 'Copy files and folders to the server, from it, or on it.',
    description:
      'Copy a file or folder to the server, from it, or on it. A path there is SESSION:PATH, or :PATH in the session of the last process or a new one. The other one may be - for standard input or output. Modes, times and links are kept.',
    load: async () => (await import('./cp.ts')).cpCommand(),
  },
  {
    name: 'files',
    usage: '',
    summary: 'List, print, change and watch files of the server.',
    description:
      'List, print, change and watch files of the server. A path is SESSION:PATH, or PATH alone in the session of the last process or a new one.',
    load: async () => (await import('./files.ts')).filesCommand(),
  },
  {
    name: 'forward',
    usage: '[options] [spec...]',
    summary: 'Carry connections from here to what a server reaches, or back.',
    description:
      'Carry connections from here to what the server reaches, or from there to here, until it is ended. Listens on, and connects anew, where the connection to the server breaks.',
    load: async () => (await import('./forward.ts')).forwardCommand(),
  },
  {
    name: 'fetch',
    usage: '[options] <url>',
    summary: 'Print what a URL has that the server reaches.',
    description:
      'Print what a URL has that the server reaches. The flags are those of curl, and so are the exit codes.',
    load: async () => (await import('./fetch.ts')).fetchCommand(),
  },
  {
    name: 'ports',
    usage: '[options]',
    description: 'List the ports at which the processes of a session listen.',
    load: async () => (await import('./ports.ts')).portsCommand(),
  },
  {
    name: 'sessions',
    usage: '[options]',
    description: 'List the sessions, oldest first.',
    load: async () => (await import('./sessions.ts')).sessionsCommand(),
  },
  {
    name: 'info',
    usage: '[options]',
    description: 'Say what a server is, and what it allows.',
    load: async () => (await import('./info.ts')).infoCommand(),
  },
  {
    name: 'doctor',
    usage: '[options]',
    summary: 'Say what this machine offers to a server, and lacks.',
    description:
      'Say what this machine offers to a server, and lacks: each with what does not work then, and what to do. No server is asked. The exit code is 1 where something is missing that a server needs.',
    load: async () => (await import('./doctor.ts')).doctorCommand(),
  },
  {
    name: 'token',
    usage: '',
    summary: 'Make tokens, and look at them.',
    description:
      'Make tokens with which a server lets somebody in, narrow them, and look at them. No server is asked.',
    load: async () => (await import('./token.ts')).tokenCommand(),
  },
  {
    name: 'version',
    usage: '[options]',
    summary: 'Print the versions of this program and of the server.',
    description: 'Print the version of this program, and that of the server, if one is up.',
    load: async () => (await import('./version.ts')).versionCommand(),
  },
  {
    name: 'conformance',
    usage: '[options]',
    summary: 'Check whether a server does what the contract says.',
    description:
      'Check from outside whether a server does what the contract runlet.v1 says. The exit code is 0 if every check passed or was skipped for something named that the server lacks, and 1 if one failed.',
    load: async () => (await import('./conformance.ts')).conformanceCommand(),
  },
  {
    name: 'completion',
    usage: '<shell>',
    summary: 'Print a script that completes words in a shell.',
    description: 'Print a script that completes the words of runlet in a shell.',
    load: async () => (await import('./completion.ts')).completionCommand(),
  },
  {
    name: 'end-leftovers',
    usage: '',
    description: 'End what a `runlet run` left that was killed.',
    hidden: true,
    load: async () => (await import('./end-leftovers.ts')).endLeftoversCommand(),
  },
  {
    name: 'complete',
    usage: '[options] <what>',
    description: 'Print what a server has for a word that is completed, or nothing.',
    hidden: true,
    load: async () => (await import('./complete.ts')).completeCommand(),
  },
];
