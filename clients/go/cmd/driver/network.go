package main

import (
	"errors"
	"io"

	runletv1 "github.com/runlet/runlet/clients/go/runlet/v1"
)

// What came of a stream: the kinds of its messages, and all of the bytes.
type received struct {
	kinds []string
	data  []byte
}

func (r *received) take(kind string, data []byte) {
	if len(r.kinds) == 0 || r.kinds[len(r.kinds)-1] != kind {
		r.kinds = append(r.kinds, kind)
	}
	r.data = append(r.data, data...)
}

func (c *call) connect() (facts, error) {
	stream, err := c.tunnels().Connect(c.context())
	if err != nil {
		return nil, err
	}
	// The reason for a failure to send comes with the answers.
	if err := c.sendOver(stream); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	got := received{data: []byte{}}
	peer := ""
	end := &runletv1.TunnelEnded{}
	for err == nil {
		var answer *runletv1.ConnectResponse
		if answer, err = stream.Recv(); err != nil {
			break
		}
		switch what := answer.GetResponse().(type) {
		case *runletv1.ConnectResponse_Opened:
			got.take("opened", nil)
			peer = what.Opened.GetPeer()
		case *runletv1.ConnectResponse_Data:
			got.take("data", what.Data)
		case *runletv1.ConnectResponse_Eof:
			got.take("eof", nil)
		case *runletv1.ConnectResponse_End:
			got.take("end", nil)
			end = what.End
		}
	}
	return facts{
		"kinds": got.kinds, "peer": peer, "data": got.data,
		"end": facts{
			"kind": end.GetKind().String(), "sent_bytes": end.GetSentBytes(),
			"received_bytes": end.GetReceivedBytes(),
		},
	}, unlessEnd(err)
}

// sendOver sends all that there is, and that nothing follows. A stream that is over fails with io.EOF.
func (c *call) sendOver(stream runletv1.TunnelService_ConnectClient) error {
	open := &runletv1.ConnectRequest_Open{Open: &runletv1.TunnelOpen{
		SessionId: c.SessionID, AttachmentId: c.AttachmentID, Host: c.Host, Port: c.Port,
	}}
	if err := stream.Send(&runletv1.ConnectRequest{Request: open}); err != nil {
		return err
	}
	if len(c.Data) > 0 {
		data := &runletv1.ConnectRequest_Data{Data: c.Data}
		if err := stream.Send(&runletv1.ConnectRequest{Request: data}); err != nil {
			return err
		}
	}
	eof := &runletv1.ConnectRequest_Eof{Eof: &runletv1.TunnelEof{}}
	return stream.Send(&runletv1.ConnectRequest{Request: eof})
}

func (c *call) request() (facts, error) {
	stream, err := c.http().Request(c.context())
	if err != nil {
		return nil, err
	}
	// The reason for a failure to send comes with the answers.
	if err := c.sendRequest(stream); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	got := received{data: []byte{}}
	head, end := &runletv1.HttpResponseHead{}, &runletv1.HttpResponseEnd{}
	for err == nil {
		var answer *runletv1.RequestResponse
		if answer, err = stream.Recv(); err != nil {
			break
		}
		switch what := answer.GetResponse().(type) {
		case *runletv1.RequestResponse_Head:
			got.take("head", nil)
			head = what.Head
		case *runletv1.RequestResponse_Body:
			got.take("body", what.Body)
		case *runletv1.RequestResponse_End:
			got.take("end", nil)
			end = what.End
		}
	}
	return facts{
		"kinds": got.kinds, "status": head.GetStatus(), "headers": pairsOf(head.GetHeaders()),
		"final_url": head.GetFinalUrl(), "http_version": head.GetHttpVersion(),
		"data": got.data, "trailers": pairsOf(end.GetTrailers()), "truncated": end.GetTruncated(),
	}, unlessEnd(err)
}

// sendRequest sends a head, the body, and that it is all. A stream that is over fails with io.EOF.
func (c *call) sendRequest(stream runletv1.HttpService_RequestClient) error {
	head := &runletv1.HttpRequestHead{
		SessionId: c.SessionID, AttachmentId: c.AttachmentID, Method: c.Method, Url: c.URL,
	}
	for _, pair := range c.Headers {
		header := &runletv1.HttpHeader{Name: pair[0], Value: []byte(pair[1])}
		head.Headers = append(head.Headers, header)
	}
	opened := &runletv1.RequestRequest_Head{Head: head}
	if err := stream.Send(&runletv1.RequestRequest{Request: opened}); err != nil {
		return err
	}
	for _, piece := range c.Pieces {
		body := &runletv1.RequestRequest_Body{Body: piece}
		if err := stream.Send(&runletv1.RequestRequest{Request: body}); err != nil {
			return err
		}
	}
	end := &runletv1.RequestRequest_End{End: &runletv1.HttpRequestEnd{}}
	return stream.Send(&runletv1.RequestRequest{Request: end})
}

func pairsOf(headers []*runletv1.HttpHeader) [][2]string {
	pairs := [][2]string{}
	for _, header := range headers {
		pairs = append(pairs, [2]string{header.GetName(), string(header.GetValue())})
	}
	return pairs
}
