import type { MessageInitShape } from '@bufbuild/protobuf';
import type { SandboxCapabilitySchema } from '../gen/runlet/v1/server_pb.ts';
import type { Sandboxes } from '../sandbox/sandboxes.ts';

/** What `GetServerInfo` tells of sandboxes. The first to ask waits until it was tried. */
export async function sandboxCapability(
  sandboxes: Sandboxes,
): Promise<MessageInitShape<typeof SandboxCapabilitySchema>> {
  const { mechanism, probes, version } = await sandboxes.facts();
  return {
    mechanism,
    version,
    probes: [...probes],
    profiles: [...sandboxes.profiles.keys()],
    required: sandboxes.required,
  };
}
