import { type DescFile, type DescService, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { service as healthService } from 'grpc-health-check';

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
  const fileDescriptorProtos = [...files.values()].map((file) =>
    Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)),
  );
  const definition: PackageDefinition = {
    runlet: { format: 'Protocol Buffer 3 DescriptorProto', type: {}, fileDescriptorProtos },
    health: healthService,
  };
  new ReflectionService(definition).addToServer(server);
}
