// Command reflection-client knows a server by its reflection alone: it lists the services,
// resolves a message, and calls a method with messages that it makes from what it was told.
//
// Usage: reflection-client HOST:PORT
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

const timeout = 20 * time.Second

// findings is what the program prints, as JSON.
type findings struct {
	Services []string          `json:"services"`
	Fields   map[string]int32  `json:"fields"`
	Answer   map[string]string `json:"answer"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: reflection-client HOST:PORT")
		os.Exit(2)
	}
	found, err := explore(os.Args[1])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(found)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "reflection-client:", err)
		os.Exit(1)
	}
}

func explore(address string) (*findings, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stream, err := reflectionpb.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		return nil, err
	}
	services, err := listServices(stream)
	if err != nil {
		return nil, err
	}
	files, err := filesOf(stream, "runlet.v1.ProcessService")
	if err != nil {
		return nil, err
	}
	fields, err := fieldsOf(files, "runlet.v1.ProcessSpec")
	if err != nil {
		return nil, err
	}
	answer, err := createSession(ctx, conn, stream)
	if err != nil {
		return nil, err
	}
	return &findings{services, fields, answer}, stream.CloseSend()
}

func listServices(stream reflectionpb.ServerReflection_ServerReflectionInfoClient) ([]string, error) {
	response, err := ask(stream, &reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{},
	})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, service := range response.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	return names, nil
}

// filesOf resolves the file that declares a symbol, and those that it imports.
func filesOf(stream reflectionpb.ServerReflection_ServerReflectionInfoClient, symbol string) (*protoregistry.Files, error) {
	pending := []*reflectionpb.ServerReflectionRequest{{
		MessageRequest: &reflectionpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: symbol},
	}}
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	asked := map[string]bool{}
	for len(pending) > 0 {
		response, err := ask(stream, pending[0])
		if err != nil {
			return nil, err
		}
		pending = pending[1:]
		for _, bytes := range response.GetFileDescriptorResponse().GetFileDescriptorProto() {
			file := &descriptorpb.FileDescriptorProto{}
			if err := proto.Unmarshal(bytes, file); err != nil {
				return nil, err
			}
			if seen[file.GetName()] {
				continue
			}
			seen[file.GetName()] = true
			set.File = append(set.File, file)
			for _, name := range file.GetDependency() {
				if seen[name] || asked[name] {
					continue
				}
				asked[name] = true
				pending = append(pending, &reflectionpb.ServerReflectionRequest{
					MessageRequest: &reflectionpb.ServerReflectionRequest_FileByFilename{FileByFilename: name},
				})
			}
		}
	}
	return protodesc.NewFiles(set)
}

func ask(stream reflectionpb.ServerReflection_ServerReflectionInfoClient, request *reflectionpb.ServerReflectionRequest) (*reflectionpb.ServerReflectionResponse, error) {
	if err := stream.Send(request); err != nil {
		return nil, err
	}
	response, err := stream.Recv()
	if err != nil {
		return nil, err
	}
	if failure := response.GetErrorResponse(); failure != nil {
		return nil, fmt.Errorf("reflection: %s", failure.GetErrorMessage())
	}
	return response, nil
}

func fieldsOf(files *protoregistry.Files, name protoreflect.FullName) (map[string]int32, error) {
	found, err := files.FindDescriptorByName(name)
	if err != nil {
		return nil, err
	}
	message, ok := found.(protoreflect.MessageDescriptor)
	if !ok {
		return nil, fmt.Errorf("%s is no message", name)
	}
	numbers := map[string]int32{}
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		numbers[string(field.Name())] = int32(field.Number())
	}
	return numbers, nil
}

// createSession calls a method without any generated code, and tells the id that it asked
// for and the one that it got.
func createSession(ctx context.Context, conn *grpc.ClientConn, stream reflectionpb.ServerReflection_ServerReflectionInfoClient) (map[string]string, error) {
	const asked = "0b0e7b4e-6f5d-4c0a-9a39-5d6c4b0d8f01"
	files, err := filesOf(stream, "runlet.v1.SessionService")
	if err != nil {
		return nil, err
	}
	found, err := files.FindDescriptorByName("runlet.v1.SessionService.CreateSession")
	if err != nil {
		return nil, err
	}
	method := found.(protoreflect.MethodDescriptor)
	request := dynamicpb.NewMessage(method.Input())
	request.Set(method.Input().Fields().ByName("session_id"), protoreflect.ValueOfString(asked))
	response := dynamicpb.NewMessage(method.Output())
	if err := conn.Invoke(ctx, "/runlet.v1.SessionService/CreateSession", request, response); err != nil {
		return nil, err
	}
	session := response.Get(method.Output().Fields().ByName("session")).Message()
	got := session.Get(session.Descriptor().Fields().ByName("session_id")).String()
	return map[string]string{"asked": asked, "got": got}, nil
}
