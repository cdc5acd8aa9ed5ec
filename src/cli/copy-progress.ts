import { isatty } from 'node:tty';
import { sizeText } from '../quantities.ts';
import { sayAsIs } from './print.ts';

/** How far a copy is. */
export interface Copied {
  /** Bytes that were copied. */
  readonly bytes: number;
  /** All that there are; undefined: that is not known. */
  readonly totalBytes?: number | undefined;
  /** Files that were copied; undefined: it is a stream. */
  readonly files?: number | undefined;
}

/** Shows how far a copy is. */
export interface CopyProgress {
  readonly show: (copied: Copied) => void;
  /** Takes away what it shows. */
  end(): void;
}

/** How often a terminal shows it, in milliseconds; also before it shows the first: most are done then. */
const EVERY_MS = 250;

const NOTHING: CopyProgress = { show: () => {}, end: () => {} };

/** On a terminal as standard error: a line that is written over and over, and gone at the end. */
export function copyProgress(quiet: boolean): CopyProgress {
  if (quiet || !isatty(2)) return NOTHING;
  const began = performance.now();
  let last = began;
  let width = 0;
  return {
    show(copied) {
      const now = performance.now();
      if (now - last < EVERY_MS) return;
      last = now;
      const line = progressLine(copied, now - began);
      sayAsIs(`\r${line.padEnd(width)}`);
      width = line.length;
    },
    end() {
      if (width > 0) sayAsIs(`\r${' '.repeat(width)}\r`);
      width = 0;
    },
  };
}

/** ` 45%  461 MiB of 1.0 GiB  118 MiB/s  0:05 left`, after so many milliseconds. */
export function progressLine({ bytes, files, totalBytes }: Copied, ms: number): string {
  const perSecond = bytes / Math.max(0.001, ms / 1000);
  const rate = `${sizeText(perSecond)}/s`;
  if (totalBytes === undefined) {
    const count = files === undefined ? '' : `${files} files  `;
    return `${count}${sizeText(bytes)}  ${rate}`;
  }
  const part = totalBytes === 0 ? 1 : Math.min(1, bytes / totalBytes);
  const percent = `${String(Math.floor(part * 100)).padStart(3)}%`;
  const left = perSecond > 0 ? `  ${clockText((totalBytes - bytes) / perSecond)} left` : '';
  return `${percent}  ${sizeText(bytes)} of ${sizeText(totalBytes)}  ${rate}${left}`;
}

/** Seconds as minutes and seconds, or with hours: `0:05`, `1:02:03`. */
function clockText(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = two(whole % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}
