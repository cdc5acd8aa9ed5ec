package main

import (
	"os"

	"github.com/runlet/runlet/clients/go/runlet"
)

// access reads from the environment how servers are reached, in the variables of the command line.
func access() (runlet.Options, error) {
	options := runlet.Options{}
	if files := (runlet.TLSFiles{
		CA:         os.Getenv("RUNLET_CA"),
		Cert:       os.Getenv("RUNLET_CERT"),
		Key:        os.Getenv("RUNLET_KEY"),
		ServerName: os.Getenv("RUNLET_SERVER_NAME"),
	}); files != (runlet.TLSFiles{}) {
		config, err := files.Config()
		if err != nil {
			return options, err
		}
		options.TLS = config
	}
	if path := os.Getenv("RUNLET_TOKEN_FILE"); path != "" {
		options.Token = runlet.TokenFile(path)
	} else if token := os.Getenv("RUNLET_TOKEN"); token != "" {
		options.Token = runlet.StaticToken(token)
	}
	return options, nil
}
