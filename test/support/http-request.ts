import type { MessageInitShape } from '@bufbuild/protobuf';
import { createClient } from '../../src/bridge/create-client.ts';
import type { CallOptions } from '../../src/bridge/types.ts';
import { errorDetails } from '../../src/client/error-details.ts';
import { HttpFailureSchema, HttpStage } from '../../src/gen/runlet/v1/error_pb.ts';
import {
  type HttpHeader,
  type HttpRequestHeadSchema,
  type HttpResponseHead,
  HttpService,
  type RequestRequestSchema,
  type RequestResponse,
} from '../../src/gen/runlet/v1/http_pb.ts';
import type { Harness } from './harness.ts';
