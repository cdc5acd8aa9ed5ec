// Package runlet runs processes on a runlet server as if they were here.
//
// The processes do not belong to a connection. When one breaks, the package makes another and
// goes on at the exact byte: readers miss nothing and get nothing twice, writes are not doubled,
// and a command is started once.
//
// A [Client] has sessions, a [Session] has processes, and a [Process] can be read, written to,
// waited for and ended. Everything may be used by several goroutines at a time.
package runlet

//go:generate ../../../node_modules/.bin/buf generate ../../../proto --template ../buf.gen.yaml --output ..
