import { type DescFile, type DescService, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { file_google_rpc_error_details } from '../gen/google/rpc/error_details_pb.ts';
import { file_health_v1_health } from '../gen/health/v1/health_pb.ts';
import { file_runlet_v1_error } from '../gen/runlet/v1/error_pb.ts';

/** What `ReflectionService` takes; it looks at the files alone. */
type PackageDefinition = ConstructorParameters<typeof ReflectionService>[0];

/** Adds `grpc.reflection.v1` and `v1alpha`, from the generated descriptors. */
export function addReflection(server: Server, services: readonly DescService[]): void {
  const files = new Map<string, DescFile>();
  const add = (file: DescFile): void => {
    if (files.has(file.name)) return;
    files.set(file.name, file);
    file.dependencies.forEach(add);
  };
  for (const service of services) add(service.file);
  // grpc-health-check's own descriptors break its map field, so they are generated here too.
  add(file_health_v1_health);
  // What the details of errors are made of; no service names them.
  add(file_google_rpc_error_details);
  add(file_runlet_v1_error);
  const fileDescriptorProtos = [...files.values()].map((file) =>
    Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)),
  );
  const definition: PackageDefinition = {
    runlet: { format: 'Protocol Buffer 3 DescriptorProto', type: {}, fileDescriptorProtos },
  };
  new ReflectionService(definition).addToServer(server);
}
