"""Knows a server by its reflection alone: lists the services, resolves a message, and calls
a method with messages that it makes from what it was told.

    reflection_client.py HOST:PORT
"""

import json
import sys

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

TIMEOUT_SECONDS = 20
SESSION_ID = "0b0e7b4e-6f5d-4c0a-9a39-5d6c4b0d8f02"


def explore(address):
    with grpc.insecure_channel(address) as channel:
        grpc.channel_ready_future(channel).result(timeout=TIMEOUT_SECONDS)
        database = ProtoReflectionDescriptorDatabase(channel)
        pool = DescriptorPool(database)
        spec = pool.FindMessageTypeByName("runlet.v1.ProcessSpec")
        return {
            "services": list(database.get_services()),
            "fields": {field.name: field.number for field in spec.fields},
            "answer": {"asked": SESSION_ID, "got": create_session(channel, pool)},
        }


def create_session(channel, pool):
    service = pool.FindServiceByName("runlet.v1.SessionService")
    method = service.FindMethodByName("CreateSession")
    request_class = GetMessageClass(method.input_type)
    response_class = GetMessageClass(method.output_type)
    call = channel.unary_unary(
        f"/{service.full_name}/{method.name}",
        request_serializer=request_class.SerializeToString,
        response_deserializer=response_class.FromString,
    )
    response = call(request_class(session_id=SESSION_ID), timeout=TIMEOUT_SECONDS)
    return response.session.session_id


if __name__ == "__main__":
    json.dump(explore(sys.argv[1]), sys.stdout)
