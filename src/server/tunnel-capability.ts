import type { MessageInitShape } from '@bufbuild/protobuf';
import type { TunnelCapabilitySchema } from '../gen/runlet/v1/server_pb.ts';
import type { Sandboxes } from '../sandbox/sandboxes.ts';

/**
 * What `GetServerInfo` tells of connections: networks of processes can be entered where sandboxes
 * without a network can be made, and sockets reached where files are, outside of a sandbox.
 */
export async function tunnelCapability(
  sandboxes: Sandboxes,
  files: { readonly supported: boolean },
): Promise<MessageInitShape<typeof TunnelCapabilitySchema>> {
  const namespaces = await sandboxes.mechanism('none').then(
    () => true,
    () => false,
  );
  return { supported: true, namespaces, unixSockets: files.supported && !sandboxes.required };
}
