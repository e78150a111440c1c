// Package coord has what programs on the stubs of coord/v1 need besides them. Sessions are not in it yet.
package coord

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

// Environment is where the cluster is and who asks, in the variables that coordctl reads as well.
type Environment struct {
	Endpoints   []string // HOST:PORT each, of COORD_ENDPOINTS
	SessionMs   uint32   // COORD_SESSION_MS, 10,000 where it is not set
	credentials credentials.TransportCredentials
}

// ReadEnvironment reads the variables and the files that they name. The error says which of them is
// wrong and what it must be.
func ReadEnvironment() (*Environment, error) {
	endpoints, err := variable("COORD_ENDPOINTS", "HOST:PORT of each replica, with commas between them")
	if err != nil {
		return nil, err
	}
	sessionMs, err := sessionTimeout()
	if err != nil {
		return nil, err
	}
	authority, err := pemFile("COORD_CACERT", "the authority that signed the replicas' certificates")
	if err != nil {
		return nil, err
	}
	certificate, err := pemFile("COORD_CERT", "this client's certificate")
	if err != nil {
		return nil, err
	}
	key, err := pemFile("COORD_KEY", "the key of this client's certificate")
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("COORD_CACERT: %s has no certificate that can be read", os.Getenv("COORD_CACERT"))
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("COORD_CERT %s and COORD_KEY %s are no pair: %w",
			os.Getenv("COORD_CERT"), os.Getenv("COORD_KEY"), err)
	}
	return &Environment{
		Endpoints: strings.Split(endpoints, ","),
		SessionMs: sessionMs,
		credentials: credentials.NewTLS(&tls.Config{
			MinVersion: tls.VersionTLS13, RootCAs: pool, Certificates: []tls.Certificate{pair},
		}),
	}, nil
}

func (e *Environment) connect(turn int) (*grpc.ClientConn, error) {
	endpoint := e.Endpoints[turn%len(e.Endpoints)]
	return grpc.NewClient(endpoint, grpc.WithTransportCredentials(e.credentials))
}

func (e *Environment) unreachable(patience time.Duration, last error) error {
	return fmt.Errorf("no replica of %s answers within %v s (last error: %s); check that coordd runs there"+
		" and that the certificates fit", strings.Join(e.Endpoints, ","), patience.Seconds(),
		status.Convert(last).Message())
}

func variable(name, meaning string) (string, error) {
	value := os.Getenv(name)
	if value == "" {
		return "", fmt.Errorf("%s is not set; it must be %s, see README.md", name, meaning)
	}
	return value, nil
}

func sessionTimeout() (uint32, error) {
	text := os.Getenv("COORD_SESSION_MS")
	if text == "" {
		return 10000, nil
	}
	milliseconds, err := strconv.ParseUint(text, 10, 32)
	if err != nil || milliseconds == 0 {
		return 0, fmt.Errorf("COORD_SESSION_MS is %q; it must be a number of milliseconds", text)
	}
	return uint32(milliseconds), nil
}

func pemFile(name, owner string) ([]byte, error) {
	path, err := variable(name, "the PEM file of "+owner)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot read it: %w; it must name the PEM file of %s", name, err, owner)
	}
	if !strings.Contains(string(text), "-----BEGIN ") {
		return nil, fmt.Errorf("%s: %s is no PEM file; it must name that of %s", name, path, owner)
	}
	return text, nil
}
