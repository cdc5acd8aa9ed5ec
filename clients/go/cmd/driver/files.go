package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"sync"

	runletv1 "github.com/runlet/runlet/clients/go/runlet/v1"
)

// Bytes of a piece of an upload.
const pieceBytes = 256 << 10

// A download has had a part of a file, from one call or several.
type download struct {
	mutex sync.Mutex
	file  *runletv1.File
	bytes uint64
	exact bool
	hash  hash.Hash
	end   *runletv1.ReadFileEnd
}

func newDownload() *download {
	return &download{exact: true, hash: sha256.New()}
}

// rest returns what the next call has to ask for: from where on, and of which version.
func (d *download) rest() (uint64, string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.bytes, d.file.GetVersion()
}

func (d *download) take(answer *runletv1.ReadFileResponse) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	switch what := answer.GetResponse().(type) {
	case *runletv1.ReadFileResponse_File:
		d.file = what.File
	case *runletv1.ReadFileResponse_Data:
		d.exact = d.exact && what.Data.GetOffset() == d.bytes
		d.bytes += uint64(len(what.Data.GetData()))
		d.hash.Write(what.Data.GetData())
	case *runletv1.ReadFileResponse_End:
		d.end = what.End
	}
}

func (d *download) facts() facts {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return facts{
		"file": factsOfFile(d.file), "bytes": d.bytes, "exact": d.exact,
		"sha256": hex.EncodeToString(d.hash.Sum(nil)),
		"end":    facts{"bytes": d.end.GetBytes(), "sha256": hex.EncodeToString(d.end.GetSha256())},
	}
}

func (c *call) listFiles() (facts, error) {
	stream, err := c.files().ListDirectory(c.context(), &runletv1.ListDirectoryRequest{
		SessionId: c.SessionID, AttachmentId: c.AttachmentID, Path: c.Path, RawPath: c.RawPath,
	})
	files := []facts{}
	for err == nil {
		var answer *runletv1.ListDirectoryResponse
		if answer, err = stream.Recv(); err != nil {
			break
		}
		for _, file := range answer.GetFiles() {
			files = append(files, factsOfFile(file))
		}
	}
	return facts{"files": files}, unlessEnd(err)
}

func (c *call) upload() (facts, error) {
	source, err := os.Open(c.From)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	stream, err := c.files().WriteFile(c.context())
	if err != nil {
		return nil, err
	}
	// The reason for a failure to send comes with the answer.
	if err := c.send(stream, source); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	answer, err := stream.CloseAndRecv()
	if err != nil {
		return nil, err
	}
	return facts{
		"file": factsOfFile(answer.GetFile()), "sha256": hex.EncodeToString(answer.GetSha256()),
	}, nil
}

// send sends a file from an offset on, and that it is all. A stream that is over fails with io.EOF.
func (c *call) send(stream runletv1.FileService_WriteFileClient, source *os.File) error {
	known, err := source.Stat()
	if err != nil {
		return err
	}
	size := uint64(known.Size())
	open := &runletv1.WriteFileOpen{
		SessionId: c.SessionID, AttachmentId: c.AttachmentID, Path: c.Path, RawPath: c.RawPath,
		UploadId: c.UploadID, IfVersion: c.IfVersion, Size: &size,
	}
	request := &runletv1.WriteFileRequest_Open{Open: open}
	if err := stream.Send(&runletv1.WriteFileRequest{Request: request}); err != nil {
		return err
	}
	offset := uint64(0)
	if c.Offset != nil {
		offset = *c.Offset
	}
	rest := io.NewSectionReader(source, int64(offset), known.Size()-int64(offset))
	for {
		// Not to be used again: a message that was sent may wait to be written.
		data := make([]byte, pieceBytes)
		n, err := io.ReadFull(rest, data)
		if n > 0 {
			piece := &runletv1.FileData{Offset: offset, Data: data[:n]}
			request := &runletv1.WriteFileRequest_Data{Data: piece}
			if err := stream.Send(&runletv1.WriteFileRequest{Request: request}); err != nil {
				return err
			}
			offset += uint64(n)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	finish := &runletv1.WriteFileRequest_Finish{Finish: &runletv1.WriteFileFinish{}}
	return stream.Send(&runletv1.WriteFileRequest{Request: finish})
}

func (c *call) getUpload() (facts, error) {
	answer, err := c.files().GetUpload(c.context(), &runletv1.GetUploadRequest{
		SessionId: c.SessionID, AttachmentId: c.AttachmentID, UploadId: c.UploadID,
	})
	return facts{"accepted_offset": answer.GetAcceptedOffset(), "finished": answer.GetFinished()}, err
}

func (c *call) download() (facts, error) {
	it := c.driver.download(c.Reader)
	offset, version := it.rest()
	stream, err := c.files().ReadFile(c.context(), &runletv1.ReadFileRequest{
		SessionId: c.SessionID, AttachmentId: c.AttachmentID, Path: c.Path, RawPath: c.RawPath,
		Offset: offset, IfVersion: version,
	})
	for err == nil {
		var answer *runletv1.ReadFileResponse
		if answer, err = stream.Recv(); err == nil {
			it.take(answer)
		}
	}
	return it.facts(), unlessEnd(err)
}

func factsOfFile(file *runletv1.File) facts {
	known := facts{
		"path": file.GetPath(), "kind": file.GetKind().String(),
		"size": file.GetSize(), "version": file.GetVersion(),
	}
	if len(file.GetRawPath()) > 0 {
		known["raw_path"] = file.GetRawPath()
	}
	return known
}
