// Command driver performs calls of runlet.v1 for the interop tests: it reads
// commands from standard input, one JSON object a line, and answers on standard
// output. test/interop/clients/protocol.ts describes both.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"google.golang.org/grpc"

	"github.com/runlet/runlet/clients/go/runlet"
	runletv1 "github.com/runlet/runlet/clients/go/runlet/v1"
)

// One line may hold a write to stdin.
const maxLine = 16 << 20

type driver struct {
	options     runlet.Options
	output      sync.Mutex
	mutex       sync.Mutex
	connections map[string]*grpc.ClientConn
	readers     map[string]*reader
	downloads   map[string]*download
}

func main() {
	options, err := access()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	d := &driver{
		options: options, connections: map[string]*grpc.ClientConn{},
		readers: map[string]*reader{}, downloads: map[string]*download{},
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		go d.answer(c)
	}
}

func (d *driver) answer(c command) {
	perform, known := operations[c.Op]
	if !known {
		fmt.Fprintln(os.Stderr, "no such operation:", c.Op)
		os.Exit(2)
	}
	facts, err := perform(&call{command: c, driver: d})
	if err != nil {
		d.print(map[string]any{"id": c.ID, "error": failureOf(err)})
		return
	}
	d.print(map[string]any{"id": c.ID, "result": facts})
}

func (d *driver) print(reply map[string]any) {
	line, err := json.Marshal(reply)
	if err != nil {
		panic(err)
	}
	d.output.Lock()
	defer d.output.Unlock()
	fmt.Println(string(line))
}

// connection returns the connection to an address, which is made with its first call.
func (d *driver) connection(address string) *grpc.ClientConn {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if known, ok := d.connections[address]; ok {
		return known
	}
	options := d.options
	options.DialOptions = []grpc.DialOption{grpc.WithDefaultCallOptions(grpc.WaitForReady(true))}
	made, err := runlet.DialWith(address, &options)
	if err != nil {
		panic(err)
	}
	d.connections[address] = made
	return made
}

func (d *driver) reader(name string) *reader {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if known, ok := d.readers[name]; ok {
		return known
	}
	made := newReader()
	d.readers[name] = made
	return made
}

func (d *driver) download(name string) *download {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if known, ok := d.downloads[name]; ok {
		return known
	}
	made := newDownload()
	d.downloads[name] = made
	return made
}

func (c *call) sessions() runletv1.SessionServiceClient {
	return runletv1.NewSessionServiceClient(c.driver.connection(c.Address))
}

func (c *call) processes() runletv1.ProcessServiceClient {
	return runletv1.NewProcessServiceClient(c.driver.connection(c.Address))
}

func (c *call) files() runletv1.FileServiceClient {
	return runletv1.NewFileServiceClient(c.driver.connection(c.Address))
}

func (c *call) http() runletv1.HttpServiceClient {
	return runletv1.NewHttpServiceClient(c.driver.connection(c.Address))
}

func (c *call) tunnels() runletv1.TunnelServiceClient {
	return runletv1.NewTunnelServiceClient(c.driver.connection(c.Address))
}

func (c *call) note(fact map[string]any) {
	c.driver.print(map[string]any{"id": c.ID, "note": fact})
}
