import type { DescMethod } from '@bufbuild/protobuf';
import { Health } from '../../src/gen/grpc/health/v1/health_pb.ts';
import { ServerReflection } from '../../src/gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '../../src/gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { FileService } from '../../src/gen/runlet/v1/file_pb.ts';
import { HttpService } from '../../src/gen/runlet/v1/http_pb.ts';
import { ProcessService } from '../../src/gen/runlet/v1/process_pb.ts';
import { ServerService } from '../../src/gen/runlet/v1/server_pb.ts';
import { SessionService } from '../../src/gen/runlet/v1/session_pb.ts';
import { TunnelService } from '../../src/gen/runlet/v1/tunnel_pb.ts';

/** Every service that a server has. */
const SERVICES = [
  SessionService,
  ProcessService,
  FileService,
  HttpService,
  TunnelService,
  ServerService,
  Health,
  ServerReflection,
  ServerReflectionAlpha,
] as const;

/** Every method that it answers. */
export const SERVED: readonly DescMethod[] = SERVICES.flatMap(
  (service): readonly DescMethod[] => service.methods,
);
