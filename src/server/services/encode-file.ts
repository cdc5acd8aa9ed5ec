import { toBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

/** A file of protos, as reflection sends it. */
export function encodeFile(proto: FileDescriptorProto): Uint8Array {
  return toBinary(FileDescriptorProtoSchema, proto);
}
