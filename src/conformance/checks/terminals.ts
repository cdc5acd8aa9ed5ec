import { OutputStream } from '../../gen/runlet/v1/event_pb.ts';
import { TerminalModes } from '../../terminal-modes.ts';
import { ensure, ensureEqual, ensureFails, outcomeOf } from '../assert.ts';
import type { Check } from '../check.ts';
import { type CheckContext, PATH, type SpecInit } from '../context.ts';
import { kindsOf, textOf } from '../event-reader.ts';

const { TERMINAL } = OutputStream;

/** What a script shows on a terminal, without what its lines end with there. */
async function shown(context: CheckContext, script: string, spec: SpecInit): Promise<string> {
  return textOf(await context.runShell(script, spec), TERMINAL)
    .replaceAll('\r', '')
    .trim();
}

/** Processes on a terminal. */
export const terminals: readonly Check[] = [
  {
    id: 'TERM-01',
    title: 'The standard streams of a process with a terminal are that terminal',
    clause: 'ProcessSpec.terminal',
    needs: 'terminals',
    async run(context) {
      const script = 'test -t 0 && test -t 1 && test -t 2 && echo yes; echo error >&2';
      const target = await context.startShell(script, { terminal: {} });
      const all = await context.eventsOf(target);
      ensureEqual(textOf(all, TERMINAL), 'yes\r\nerror\r\n', 'what it shows');
      ensureEqual(kindsOf(all).at(-1), 'closed', 'the last event');
    },
  },
  {
    id: 'TERM-02',
    title: 'A terminal has the size and the name that are asked for',
    clause: 'Terminal.size',
    needs: 'terminals',
    async run(context) {
      const terminal = { size: { columns: 101, rows: 33 }, term: 'vt100' };
      const output = await shown(context, 'stty size; echo $TERM', { terminal });
      ensureEqual(output, '33 101\nvt100', 'rows, columns and name');
    },
  },
  {
    id: 'TERM-03',
    title: 'A terminal has 80 columns, 24 rows and the name `xterm-256color` where nothing is said',
    clause: 'Terminal.term',
    needs: 'terminals',
    async run(context) {
      const script = 'stty size; echo $TERM';
      ensureEqual(await shown(context, script, { terminal: {} }), '24 80\nxterm-256color', 'it');
      const env = { PATH, TERM: 'of-env' };
      ensureEqual(await shown(context, script, { terminal: {}, env }), '24 80\nof-env', 'by env');
    },
  },
  {
    id: 'TERM-04',
    title: 'To resize a terminal sets its size and tells its process by SIGWINCH',
    clause: 'ProcessService.ResizeTerminal',
    needs: 'terminals',
    async run(context) {
      // A trap runs before the command after the one that it found: whoever was told says no more.
      const script = "trap 'stty size; exit' WINCH; echo ready; read line; echo missed";
      const target = await context.startShell(script, { terminal: {} });
      const reader = context.watch(target);
      await reader.untilOutput('ready', TERMINAL);
      const { processes } = context;
      await processes.resizeTerminal({ ...target, size: { columns: 55, rows: 22 } });
      // It is gone if it was told by SIGWINCH.
      await outcomeOf(context.write(target, '\n'));
      const output = textOf(await reader.rest(), TERMINAL);
      ensureEqual(output.match(/22 55|missed/g), ['22 55'], 'what the process was told');
    },
  },
  {
    id: 'TERM-05',
    title: 'Ctrl-C, written as the byte 3, interrupts what runs in the foreground',
    clause: 'ProcessSpec.terminal',
    needs: 'terminals',
    async run(context) {
      const script = `trap 'echo interrupted; exit' INT; echo ready
        read line; echo "a line: $line"`;
      const target = await context.startShell(script, { terminal: {} });
      const reader = context.watch(target);
      await reader.untilOutput('ready', TERMINAL);
      await context.write(target, '\u0003');
      await outcomeOf(context.write(target, 'x\n'));
      const output = textOf(await reader.rest(), TERMINAL);
      ensure(output.includes('interrupted'), `it showed ${JSON.stringify(output)}`);
    },
  },
  {
    id: 'TERM-06',
    title: '`eof` is end-of-file to what reads a line from a terminal',
    clause: 'WriteStdinRequest.eof',
    needs: 'terminals',
    async run(context) {
      const script = 'echo ready; if read line; then echo "a line"; else echo "the end"; fi';
      const target = await context.startShell(script, { terminal: {} });
      const reader = context.watch(target);
      await reader.untilOutput('ready', TERMINAL);
      await context.write(target, '', { eof: true });
      await outcomeOf(context.write(target, 'x\n'));
      const output = textOf(await reader.rest(), TERMINAL);
      ensure(output.includes('the end'), `it showed ${JSON.stringify(output)}`);
    },
  },
  {
    id: 'TERM-07',
    title:
      'Of a process with a terminal it is told that it has one, and standard input, after its end too',
    clause: 'Process.has_terminal',
    needs: 'terminals',
    async run(context) {
      const target = await context.startShell('true', { terminal: {} });
      await context.processes.waitProcess(target);
      const { hasStdin, hasTerminal } = await context.get(target);
      ensureEqual({ hasStdin, hasTerminal }, { hasStdin: true, hasTerminal: true }, 'it');
    },
  },
  {
    id: 'TERM-08',
    title: 'A process without a terminal has none to resize',
    clause: 'ERROR_REASON_NO_TERMINAL',
    async run(context) {
      const target = await context.startShell('exec sleep 1000');
      await ensureFails(
        context.processes.resizeTerminal({ ...target, size: { columns: 80, rows: 24 } }),
        'FAILED_PRECONDITION/NO_TERMINAL',
        'ResizeTerminal',
      );
    },
  },
  {
    id: 'TERM-09',
    title: 'The terminal is the controlling one of a session that its process leads',
    clause: 'ProcessSpec.terminal',
    needs: 'terminals',
    async run(context) {
      const script = 'echo by name > /dev/tty; kill -0 -$$ && echo leader';
      const output = await shown(context, script, { terminal: {} });
      ensureEqual(output, 'by name\nleader', 'what it shows');
    },
  },
  {
    id: 'TERM-10',
    title: '`eof` is end-of-file though what was written before it does not end a line',
    clause: 'WriteStdinRequest.eof',
    needs: 'terminals',
    async run(context) {
      const script = 'stty -echo; echo ready; cat; echo " the end"';
      const target = await context.startShell(script, { terminal: {} });
      const reader = context.watch(target);
      await reader.untilOutput('ready', TERMINAL);
      await context.write(target, 'unfinished');
      await context.write(target, '', { eof: true });
      // Where that was none, what was read goes on, and this ends it. Where it was, nobody is left.
      await outcomeOf(context.write(target, ' line\n\u0004'));
      const output = textOf(await reader.rest(), TERMINAL);
      ensure(output.includes('unfinished the end'), `it showed ${JSON.stringify(output)}`);
    },
  },
  {
    id: 'TERM-11',
    title:
      'Of a terminal the size is told that it has now, and the modes that are in force, however long ago they were set',
    clause: 'Process.terminal',
    needs: 'terminals',
    async run(context) {
      const script = `printf '\\033[?1049h\\033[?1000;1006h\\033[?2004h'
        printf '\\033[?1000l\\033='; head -c 65536 /dev/zero | tr '\\0' x; echo ready; read line`;
      const output = { retainedBytes: 1024n };
      const target = await context.startShell(script, { terminal: {}, output });
      await context.watch(target).untilOutput('ready', TERMINAL);
      await context.processes.resizeTerminal({ ...target, size: { columns: 55, rows: 22 } });
      const { terminal } = await context.get(target);
      ensure(terminal !== undefined, 'nothing is told of its terminal');
      ensureEqual(
        { columns: terminal.size?.columns, rows: terminal.size?.rows },
        { columns: 55, rows: 22 },
        'its size',
      );
      // How they are told is left to the server.
      const modes = new TerminalModes();
      modes.feed(terminal.modes);
      ensureEqual(
        modes.sequences(),
        '\x1b[?1049h\x1b[?2004h\x1b[?1006h\x1b=',
        'what sets a terminal to the modes in force',
      );
      const piped = await context.startShell('exec sleep 1000');
      ensureEqual(
        (await context.get(piped)).terminal,
        undefined,
        'the terminal of a process without',
      );
    },
  },
  {
    id: 'TERM-12',
    title:
      'The size of a terminal is told at its start, and each new one before what is written in it',
    clause: 'ProcessEvent.resized',
    needs: 'terminals',
    async run(context) {
      const script = 'stty -echo; echo one; read line; echo two; read line; echo three';
      const terminal = { size: { columns: 101, rows: 33 } };
      const target = await context.startShell(script, { terminal });
      const reader = context.watch(target);
      await reader.untilOutput('one', TERMINAL);
      for (const columns of [50, 55]) {
        await context.processes.resizeTerminal({ ...target, size: { columns, rows: 22 } });
      }
      await context.write(target, '\n');
      await reader.untilOutput('two', TERMINAL);
      await context.write(target, '\n');
      const seen: string[] = [];
      for (const { event } of await context.eventsOf(target)) {
        if (event.case === 'resized') seen.push(`${event.value.columns}x${event.value.rows}`);
        if (event.case === 'output') seen.push(Buffer.from(event.value.data).toString());
      }
      const shown = seen.join(' ').match(/\d+x\d+|one|two|three/g);
      const usual = ['101x33', 'one', '55x22', 'two', 'three'];
      // One in which nothing was written may be told, too.
      ensureEqual(
        shown?.filter((text) => text !== '50x22'),
        usual,
        'sizes and output',
      );
    },
  },
];
