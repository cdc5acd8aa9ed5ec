package runlet

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	runletv1 "github.com/runlet/runlet/clients/go/runlet/v1"
)

// startServer starts one that refuses every call, and tells what it presented.
func startServer(t *testing.T) (address string, presented <-chan []string) {
	t.Helper()
	told := make(chan []string, 16)
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		given, _ := metadata.FromIncomingContext(stream.Context())
		told <- given.Get("authorization")
		return status.Error(codes.Unimplemented, "no")
	}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return listener.Addr().String(), told
}

func TestTokenFileIsReadForEachCall(t *testing.T) {
	address, presented := startServer(t)
	path := filepath.Join(t.TempDir(), "token")
	conn, err := DialWith(address, &Options{Token: TokenFile(path)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	server := runletv1.NewServerServiceClient(conn)
	call := func() codes.Code {
		_, err := server.GetServerInfo(context.Background(), &runletv1.GetServerInfoRequest{})
		return status.Code(err)
	}
	if code := call(); code != codes.Unavailable {
		t.Errorf("without the file: %s", code)
	}
	for _, token := range []string{"one", "two\n"} {
		if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		if code := call(); code != codes.Unimplemented {
			t.Fatalf("%q: %s", token, code)
		}
		if got := <-presented; len(got) != 1 || got[0] != "Bearer "+token[:3] {
			t.Errorf("%q: %q", token, got)
		}
	}
	if err := os.WriteFile(path, []byte("two words"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code := call(); code != codes.Unauthenticated {
		t.Errorf("a token that is none: %s", code)
	}
}

func TestTokenStaysOnThisMachineWithoutTLS(t *testing.T) {
	token := StaticToken("secret")
	for _, address := range []string{"127.example.com:1", "example.com:1", "10.0.0.1:1", "[2001:db8::1]:1", "localhost"} {
		if _, err := DialWith(address, &Options{Token: token}); !errors.Is(err, ErrPlaintextToken) {
			t.Errorf("%s: %v", address, err)
		}
		if _, err := DialWith(address, &Options{Token: token, AllowInsecure: true}); err != nil {
			t.Errorf("%s, allowed: %v", address, err)
		}
	}
	for _, address := range []string{"127.0.0.1:1", "127.1.2.3:1", "[::1]:1", "localhost:1", "unix:/run/runlet"} {
		if _, err := DialWith(address, &Options{Token: token}); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// What cannot be is told at once, and not tried until the time is over.
func TestSessionTellsWhatCannotBe(t *testing.T) {
	client := Connect("example.com:1", &Options{Token: StaticToken("x"), ConnectTimeout: 24 * time.Hour})
	if _, err := client.Session(context.Background(), nil); !errors.Is(err, ErrPlaintextToken) {
		t.Error(err)
	}
}

func TestTLSFilesGoTogether(t *testing.T) {
	if _, err := (TLSFiles{Cert: "cert.pem"}).Config(); err == nil {
		t.Error("a certificate without its key")
	}
	if _, err := (TLSFiles{Key: "key.pem"}).Config(); err == nil {
		t.Error("a key without its certificate")
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (TLSFiles{CA: path}).Config(); err == nil {
		t.Error("an authority that is none")
	}
}
