package runlet

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrInvalidNarrowing is found by [errors.Is] where a token was to be narrowed to what there is
// not, or to more than it has.
var ErrInvalidNarrowing = errors.New("the token cannot be narrowed so")

// A Narrowing says what the next holder of a token may at most.
type Narrowing struct {
	// Grants, one or more: start, observe, input, signal, files:read, files, http, tunnel, admin.
	// Default, nil: those that the token has.
	Grants []string
	// SessionID is that of the only session that may be used, a UUID in lower case. Default: any,
	// unless the token names one.
	SessionID string
	// NotAfter is when all is over, in whole seconds. Default: when the token is. One that is later
	// than the token's changes nothing.
	NotAfter time.Time
}

// NarrowToken makes a token of one with which no more can be done, and less where the narrowing
// says so. Nobody gets back from it to the token that it was made of. It asks no server, and can be
// done up to 8 times, by each holder in turn.
//
// A token that is wrong in itself is ErrInvalidToken, and what it cannot be narrowed to
// ErrInvalidNarrowing.
func NarrowToken(token string, narrowing Narrowing) (string, error) {
	next := make([]byte, ed25519.SeedSize)
	// It never fails: see there.
	_, _ = rand.Read(next)
	return narrowToken(token, narrowing, next)
}

// The payload of a block, in the order in which it is written.
type blockPayload struct {
	Cnf struct {
		JWK struct {
			Kty string `json:"kty"`
			Crv string `json:"crv"`
			X   string `json:"x"`
		} `json:"jwk"`
	} `json:"cnf"`
	Grants  string `json:"grants,omitempty"`
	Session string `json:"session,omitempty"`
	Exp     *int64 `json:"exp,omitempty"`
}

// narrowToken does so with a seed for the next holder that nobody else knows.
func narrowToken(token string, narrowing Narrowing, next []byte) (string, error) {
	parsed, err := parseToken(token)
	if err != nil {
		return "", err
	}
	if len(parsed.blocks) >= maxBlocks {
		return "", fmt.Errorf("%w: it was narrowed %d times already", ErrInvalidNarrowing, maxBlocks)
	}
	if err := parsed.check(narrowing); err != nil {
		return "", fmt.Errorf("%w: %w", ErrInvalidNarrowing, err)
	}
	payload := blockPayload{Session: narrowing.SessionID}
	payload.Cnf.JWK.Kty, payload.Cnf.JWK.Crv, payload.Cnf.JWK.X = "OKP", "Ed25519", publicKeyOf(next)
	for i, grant := range narrowing.Grants {
		if i > 0 {
			payload.Grants += ","
		}
		payload.Grants += grant
	}
	if !narrowing.NotAfter.IsZero() {
		exp := narrowing.NotAfter.Unix()
		payload.Exp = &exp
	}
	text, err := json.Marshal(payload)
	if err != nil {
		return "", err
	}
	header := fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"kid":%q}`, blockType, publicKeyOf(parsed.seed))
	signed := encode([]byte(header)) + "." + encode(text)
	signature := ed25519.Sign(ed25519.NewKeyFromSeed(parsed.seed), []byte(signed))
	before := token[:len(token)-len(encode(parsed.seed))]
	narrowed := before + signed + "." + encode(signature) + "~" + encode(next)
	if len(narrowed) > maxTokenBytes {
		return "", fmt.Errorf("%w: it would be longer than %d bytes", ErrInvalidNarrowing, maxTokenBytes)
	}
	return narrowed, nil
}

// check refuses what would come to less than its maker may think.
func (t parsedToken) check(narrowing Narrowing) error {
	if narrowing.Grants != nil {
		if err := checkGrants(narrowing.Grants); err != nil {
			return err
		}
	}
	for _, grant := range narrowing.Grants {
		for _, block := range t.blocks {
			if block.grants != nil && !includes(block.grants, grant) {
				return fmt.Errorf("the token does not grant %s", grant)
			}
		}
	}
	if id := narrowing.SessionID; id != "" {
		if !sessionIDs.MatchString(id) {
			return errors.New("the id of a session is a UUID in lower case")
		}
		for _, block := range t.blocks {
			if block.session != "" && block.session != id {
				return errors.New("the token is one for another session")
			}
		}
	}
	if !narrowing.NotAfter.IsZero() && !isExp(float64(narrowing.NotAfter.Unix())) {
		return errors.New("its end is not from 1970 to 9999")
	}
	return nil
}

// includes tells whether a grant is among some, or is what one of them includes.
func includes(names []string, grant string) bool {
	return slices.Contains(names, grant) || grant == "files:read" && slices.Contains(names, "files")
}
