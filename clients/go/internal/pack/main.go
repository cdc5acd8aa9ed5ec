// Command pack makes a proxy of modules, in a folder, that has this module in one version: what
// `go get` fetches once the version is tagged. Tests install the module from it.
//
//	go run ./internal/pack VERSION FOLDER
package main

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const module = "github.com/runlet/runlet/clients/go"

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: pack VERSION FOLDER")
		os.Exit(2)
	}
	if err := pack(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// pack writes the files of the protocol of proxies: https://go.dev/ref/mod#goproxy-protocol
func pack(version, folder string) error {
	to := filepath.Join(folder, filepath.FromSlash(module), "@v")
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		return err
	}
	info := fmt.Sprintf(`{"Version":%q,"Time":%q}`, version, time.Now().UTC().Format(time.RFC3339))
	for name, text := range map[string]string{
		"list": version + "\n", version + ".info": info, version + ".mod": string(mod),
	} {
		if err := os.WriteFile(filepath.Join(to, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return writeZip(filepath.Join(to, version+".zip"), module+"@"+version+"/")
}

// writeZip packs what is in git, or is about to be.
func writeZip(path, prefix string) error {
	listed, err := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	archive := zip.NewWriter(file)
	// A module below the top folder of a repository gets the license that is there.
	if err := add(archive, prefix+"LICENSE", "../../LICENSE"); err != nil {
		return err
	}
	for _, name := range strings.Fields(string(listed)) {
		if err := add(archive, prefix+name, name); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return archive.Close()
}

func add(archive *zip.Writer, name, path string) error {
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := archive.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return err
}
