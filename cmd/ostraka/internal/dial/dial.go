package dial

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
)

// tlsScheme begins an address that is connected to by TLS.
const tlsScheme = "tls://"

// CheckAddress returns an error unless an address is host:port, perhaps after tls://.
func CheckAddress(flag, address string) error {
	_, port, err := net.SplitHostPort(strings.TrimPrefix(address, tlsScheme))
	if err != nil {
		return exit.Usage(flag, address, "give host:port, or tls://host:port for TLS")
	}
	if number, err := strconv.Atoi(port); err != nil || number < 1 || number > 65535 {
		return exit.Usage(flag, address, "the port is a number from 1 to 65535")
	}
	return nil
}

// Token is the flags that name a bearer token.
type Token struct {
	text, file string
}

// Define adds the flags to a set.
func (t *Token) Define(set *pflag.FlagSet) {
	set.StringVar(&t.text, "auth-token", "", "bearer token to send with each call; other users of this machine can see it")
	set.StringVar(&t.file, "auth-token-file", "", "file with the bearer token to send, read for each call")
}

// Set reports whether there is a token.
func (t *Token) Set() bool { return t.text != "" || t.file != "" }

// Check returns what is wrong with the flags.
func (t *Token) Check() error {
	if t.text != "" && t.file != "" {
		return exit.Misuse("--auth-token and --auth-token-file exclude each other: give one of them")
	}
	if t.file == "" {
		return nil
	}
	if _, err := t.Read(context.Background()); err != nil {
		return exit.With(exit.Misused, err)
	}
	return nil
}

// Read returns the token.
func (t *Token) Read(context.Context) (string, error) {
	if t.file == "" {
		return t.text, nil
	}
	text, err := os.ReadFile(t.file)
	if err != nil {
		return "", fmt.Errorf("--auth-token-file: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// bearer sends a token with each call. It says that it needs no TLS: whoever gives a
// token for an address without tls:// is taken at their word.
type bearer struct{ token *Token }

func (b bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	text, err := b.token.Read(ctx)
	if err != nil {
		return nil, err
	}
	return map[string]string{"authorization": "Bearer " + text}, nil
}

func (bearer) RequireTransportSecurity() bool { return false }

// New returns a connection, which is made with its first call. The caller closes it.
// Token may be nil.
func New(address string, token *Token) (*grpc.ClientConn, error) {
	secure := insecure.NewCredentials()
	plain, isTLS := strings.CutPrefix(address, tlsScheme)
	if isTLS {
		secure = credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
	}
	options := []grpc.DialOption{grpc.WithTransportCredentials(secure)}
	if token != nil && token.Set() {
		options = append(options, grpc.WithPerRPCCredentials(bearer{token}))
	}
	conn, err := grpc.NewClient("passthrough:///"+plain, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return conn, nil
}

// Explain words the error of a call to an address. What says whose port it should be,
// and by which flag it is chosen.
func Explain(err error, address, what string) error {
	s, ok := status.FromError(err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded) || ok && s.Code() == codes.DeadlineExceeded:
		return fmt.Errorf("no answer from %s in time: is it up, and is this %s?", address, what)
	case !ok:
		return fmt.Errorf("%s: %w", address, err)
	}
	switch s.Code() {
	case codes.Unavailable:
		return fmt.Errorf("cannot reach %s (%s): is it up, and is this %s?", address, reason(s.Message()), what)
	case codes.Unimplemented:
		return fmt.Errorf("%s does not offer this (%s): is this %s?", address, s.Message(), what)
	case codes.Unauthenticated:
		return fmt.Errorf("%s wants to know who you are (%s): give --auth-token-file or --auth-token", address, s.Message())
	case codes.InvalidArgument:
		return exit.With(exit.Misused, errors.New(s.Message()))
	case codes.NotFound:
		return exit.With(exit.NotFound, errors.New(s.Message()))
	}
	return fmt.Errorf("%s (%s)", s.Message(), s.Code())
}

// reason takes the wrapping of gRPC off what a connection failed with.
func reason(message string) string {
	const before, after = `connection error: desc = "transport: Error while dialing: `, `"`
	inner, found := strings.CutPrefix(message, before)
	if !found {
		return message
	}
	return strings.TrimSuffix(inner, after)
}
