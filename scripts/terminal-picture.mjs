// @ts-check
/**
 * Draws the terminal that the README shows: runs the commands below with the built program, and
 * writes what they print.
 *
 *     npm run build && node scripts/terminal-picture.mjs [FILE]
 *
 * Ids and times differ each time. A test compares the rest with what is in the repository.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Step What is typed.
 * @property {string} command
 * @property {string} [killedAfter] the line after which the command is killed
 *
 * @typedef {object} Line
 * @property {'command' | 'output' | 'remark'} kind
 * @property {string} text
 */

const MAIN = fileURLToPath(new URL('../bundle/main.js', import.meta.url));
const PICTURE = fileURLToPath(new URL('../docs/images/terminal.svg', import.meta.url));

/** @type {readonly Step[]} */
const STEPS = [
  {
    command:
      "runlet start --id build -- sh -c 'for n in 1 2 3 4 5; do echo step $n; sleep 1; done'",
  },
  { command: 'runlet logs -f', killedAfter: 'step 2' },
  { command: 'runlet ps' },
  { command: 'runlet logs -f' },
  { command: 'runlet ps -a' },
];

const KILLED = '# kill -9 ends this reader; the process goes on, and so can another reader';

/** In pixels. A character of a monospace font is 0.6 times as wide as the font is large. */
const FONT = 14;
const CHARACTER = FONT * 0.6;
const LINE = 20;
const MARGIN = 20;
const BAR = 32;

const COLORS = { command: '#e6edf3', output: '#b7c0ca', remark: '#d29922', prompt: '#3fb950' };

await main(process.argv[2] ?? PICTURE);

/** @param {string} file */
async function main(file) {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-picture-'));
  const programs = join(folder, 'bin');
  const env = {
    ...process.env,
    PATH: `${programs}:${process.env['PATH']}`,
    XDG_RUNTIME_DIR: folder,
    XDG_STATE_HOME: folder,
    RUNLET_ADDRESS: '',
  };
  mkdirSync(programs);
  symlinkSync(MAIN, join(programs, 'runlet'));
  const server = spawn(process.execPath, [MAIN, 'serve', '--log-level', 'error'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(server, 'exit');
  try {
    const listening = once(createInterface(server.stdout), 'line');
    const [line] = await Promise.race([listening, ended]);
    if (typeof line !== 'string') throw new Error('the server ended before it listened');
    /** @type {Line[]} */
    const lines = [];
    for (const step of STEPS) lines.push(...(await perform(step, env)));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, draw(lines));
  } finally {
    server.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs a command, and gives what is then on the terminal.
 *
 * @param {Step} step
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Line[]>}
 */
async function perform({ command, killedAfter }, env) {
  const child = spawn('sh', ['-c', `exec ${command}`], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  /** @type {Line[]} */
  const lines = [{ kind: 'command', text: command }];
  for await (const text of createInterface(child.stdout)) {
    lines.push({ kind: 'output', text });
    if (text !== killedAfter) continue;
    child.kill('SIGKILL');
    lines.push({ kind: 'remark', text: KILLED });
    break;
  }
  // It is closed when all of its output was read.
  child.stdout.resume();
  const [code, signal] = await closed;
  const expected = killedAfter === undefined ? code === 0 : signal === 'SIGKILL';
  if (!expected) throw new Error(`${command} ended with ${code ?? signal}`);
  return lines;
}

/** @param {readonly Line[]} lines */
function draw(lines) {
  const columns = Math.max(...lines.map(({ text }) => text.length)) + 2;
  const width = Math.ceil(columns * CHARACTER) + 2 * MARGIN;
  const height = BAR + lines.length * LINE + MARGIN;
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (color, i) => `<circle cx="${MARGIN + i * 18}" cy="16" r="5" fill="${color}"/>`,
  );
  const rows = lines.map(({ kind, text }, i) => {
    const y = BAR + i * LINE + FONT;
    if (kind !== 'command') return row(MARGIN, y, COLORS[kind], text);
    const start = MARGIN + 2 * CHARACTER;
    return row(MARGIN, y, COLORS.prompt, '$') + row(start, y, COLORS.command, text);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>A process is started, its reader is killed, and another reader gets every line</title>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="#161b22" stroke="#444c56"/>
${dots.join('\n')}
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace" font-size="${FONT}">
${rows.join('\n')}
</g>
</svg>
`;
}

/**
 * A piece of text that is as wide as its characters, whatever the font.
 *
 * @param {number} x
 * @param {number} y
 * @param {string} color
 * @param {string} text
 */
function row(x, y, color, text) {
  const width = (text.length * CHARACTER).toFixed(1);
  const length = `textLength="${width}" lengthAdjust="spacingAndGlyphs"`;
  return `<text x="${x.toFixed(1)}" y="${y}" fill="${color}" xml:space="preserve" ${length}>${escaped(text)}</text>`;
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
