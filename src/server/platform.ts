import type { MessageInitShape } from '@bufbuild/protobuf';
import type { PlatformSchema } from '../gen/runlet/v1/server_pb.ts';
import { memoryBound, openFileLimits, processBound } from '../machine/bounds.ts';
import { readText } from '../machine/read-text.ts';

/** What `GetServerInfo` tells of the machine: some small files of the kernel are read for it, once. */
export function platformOfThis(): MessageInitShape<typeof PlatformSchema> {
  return {
    os: process.platform,
    arch: process.arch,
    // Node.js has raised its own soft limit to the hard one.
    maxOpenFiles: count(openFileLimits(readText)?.hard),
    maxProcesses: count(processBound(readText, process.geteuid?.())?.most),
    memoryBytes: count(memoryBound(readText)?.most),
  };
}

/** What is not bounded is told as what is not known. */
function count(most: number | undefined): bigint {
  return BigInt(most === undefined || !Number.isFinite(most) ? 0 : most);
}
