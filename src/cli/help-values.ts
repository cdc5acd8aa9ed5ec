import type { Command } from 'commander';
import { KIB, MINUTE, SECOND } from '../units.ts';

/** Units, the largest first, and what one of each is. */
type Units = readonly (readonly [unit: string, size: number])[];

const SIZES: Units = [
  ['GiB', KIB ** 3],
  ['MiB', KIB ** 2],
  ['KiB', KIB],
];

const SPANS: Units = [
  ['d', (24 * 60 * MINUTE) / SECOND],
  ['h', (60 * MINUTE) / SECOND],
  ['m', MINUTE / SECOND],
  ['s', 1],
  ['ms', 0.001],
];

/** Has the help of a command say its defaults as they would be typed, with units. */
export function sayDefaultsWithUnits(command: Command): void {
  for (const option of command.options) {
    if (typeof option.defaultValue !== 'number') continue;
    if (option.flags.endsWith('<size>')) {
      option.defaultValueDescription = withUnit(option.defaultValue, SIZES);
    } else if (option.flags.endsWith('<duration>')) {
      option.defaultValueDescription = withUnit(option.defaultValue, SPANS);
    }
  }
}

function withUnit(value: number, units: Units): string {
  const [unit, size] = units.find(([, one]) => Number.isInteger(value / one)) ?? ['', 1];
  return value === 0 ? '0' : `${value / size}${unit}`;
}
