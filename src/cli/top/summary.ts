import type { Stats } from '../../client/index.ts';
import { sizeText } from '../../quantities.ts';
import { percentText } from './tables.ts';

/** What stands above the tables: how many there are, and how the server is. */
export function summaryLines({ server, totals }: Stats): readonly string[] {
  const sessions = totals.attachedSessions + totals.detachedSessions;
  const all = [
    `sessions: ${sessions}, ${totals.attachedSessions} attached`,
    `processes: ${totals.runningProcesses} running, ${totals.exitedProcesses} exited, ${totals.closedProcesses} closed`,
    `output kept: ${sizeText(totals.retainedMemoryBytes)} in memory, ${sizeText(totals.retainedFileBytes)} in files`,
    `calls: ${totals.openCalls}`,
  ];
  if (server === undefined) return [all.join('   ')];
  const own = [
    `server: ${percentText(server.cpu)} % cpu, ${sizeText(server.residentBytes)}`,
    `event loop: ${percentText(server.eventLoopUtilization)} % busy, ${server.eventLoopDelayMs?.toFixed(1) ?? '-'} ms late at most`,
    `starting: ${server.startingProcesses}`,
  ];
  return [all.join('   '), own.join('   ')];
}
