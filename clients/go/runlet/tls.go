package runlet

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLSFiles name files of PEM for TLS.
type TLSFiles struct {
	// CA has the certificates of the authorities that the server's is trusted for. Default: those
	// of the system.
	CA string
	// Cert has the client's own certificate, and those between it and its authority; Key has its
	// private key. Both or none: without them there is no mutual TLS. They are read again for every
	// connection, so that a certificate that was renewed is used for the next one.
	Cert, Key string
	// ServerName is whom the server's certificate has to name. Default: the host of the address.
	ServerName string
}

// Config reads the files. An error names the file that is wrong.
func (f TLSFiles) Config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: f.ServerName}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: there is no certificate in it", f.CA)
		}
	}
	if (f.Cert == "") != (f.Key == "") {
		return nil, errors.New("a certificate needs its key, and a key its certificate")
	}
	if f.Cert == "" {
		return config, nil
	}
	if _, err := f.pair(); err != nil {
		return nil, err
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return f.pair()
	}
	return config, nil
}

func (f TLSFiles) pair() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w", f.Cert, f.Key, err)
	}
	return &pair, nil
}
