package runlet

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// ErrInvalidToken is found by [errors.Is] where a token is wrong in itself. Its text has nothing of
// the token.
var ErrInvalidToken = errors.New("the token is wrong")

const (
	tokenPrefix   = "rlt1."
	maxTokenBytes = 8192
	maxBlocks     = 8
	blockType     = "runlet-block+jws"
	// The last second of the year 9999, in seconds since 1970.
	maxExp = 253_402_300_799
)

var sessionIDs = regexp.MustCompile(`^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// What a caller may do.
var allGrants = []string{
	"start", "observe", "input", "signal", "files:read", "files", "http", "tunnel", "admin",
}

// Points of small order, less the bit of their sign: under such a key anybody's signature may be
// right.
var smallOrder = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

// A parsedToken is one whose signatures are right; docs/tokens.md has the format.
type parsedToken struct {
	seed   []byte
	blocks []tokenBlock
}

// A tokenBlock is one narrowing of a token.
type tokenBlock struct {
	kid, next string
	// nil: it names none, and takes none away.
	grants  []string
	session string
}

// parseToken takes a token apart. Whatever is unknown is refused, since it may be a restriction.
func parseToken(text string) (parsedToken, error) {
	rest, known := strings.CutPrefix(text, tokenPrefix)
	if !known || len(text) > maxTokenBytes {
		return parsedToken{}, wrongToken("it does not begin with rlt1., or is too long")
	}
	parts := strings.Split(rest, "~")
	seed := decode(parts[len(parts)-1])
	if len(seed) != ed25519.SeedSize {
		return parsedToken{}, wrongToken("it does not end with a seed")
	}
	parts = parts[:len(parts)-1]
	if len(parts) > maxBlocks {
		return parsedToken{}, wrongToken("it has too many blocks")
	}
	parsed := parsedToken{seed: seed}
	session := ""
	for _, jws := range parts {
		block, err := parseBlock(jws)
		if err != nil {
			return parsedToken{}, err
		}
		if before := len(parsed.blocks) - 1; before >= 0 && parsed.blocks[before].next != block.kid {
			return parsedToken{}, wrongToken("a block is not signed by its holder")
		}
		if session != "" && block.session != "" && session != block.session {
			return parsedToken{}, wrongToken("its blocks name different sessions")
		}
		if session == "" {
			session = block.session
		}
		parsed.blocks = append(parsed.blocks, block)
	}
	if last := len(parsed.blocks) - 1; last >= 0 && parsed.blocks[last].next != publicKeyOf(seed) {
		return parsedToken{}, wrongToken("the seed is not that of the last holder")
	}
	return parsed, nil
}

func parseBlock(jws string) (tokenBlock, error) {
	parts := strings.Split(jws, ".")
	if len(parts) != 3 {
		return tokenBlock{}, wrongToken("a block is no compact JWS")
	}
	header, payload, signature := decode(parts[0]), decode(parts[1]), decode(parts[2])
	if header == nil || payload == nil || len(signature) != ed25519.SignatureSize {
		return tokenBlock{}, wrongToken("a block is no compact JWS")
	}
	members, known := strictObject(header, "alg", "typ", "kid")
	kid, _ := textOf(members["kid"])
	alg, _ := textOf(members["alg"])
	typ, _ := textOf(members["typ"])
	if !known || alg != "EdDSA" || typ != blockType || !isPublicKey(kid) {
		return tokenBlock{}, wrongToken("the header of a block is none, or has what is not known")
	}
	block, known := parsePayload(payload)
	if !known {
		return tokenBlock{}, wrongToken("the payload of a block is none, or has what is not known")
	}
	if !ed25519.Verify(decode(kid), []byte(parts[0]+"."+parts[1]), signature) {
		return tokenBlock{}, wrongToken("the signature of a block is wrong")
	}
	block.kid = kid
	return block, nil
}

func parsePayload(payload []byte) (block tokenBlock, known bool) {
	members, known := strictObject(payload, "cnf", "grants", "session", "exp")
	if !known {
		return block, false
	}
	if block.next, known = keyOf(members["cnf"]); !known {
		return block, false
	}
	if raw, named := members["grants"]; named {
		text, _ := textOf(raw)
		block.grants = strings.Split(text, ",")
		if checkGrants(block.grants) != nil {
			return block, false
		}
	}
	if raw, named := members["session"]; named {
		block.session, _ = textOf(raw)
		if !sessionIDs.MatchString(block.session) {
			return block, false
		}
	}
	if raw, named := members["exp"]; named {
		var exp *float64
		if json.Unmarshal(raw, &exp) != nil || exp == nil || !isExp(*exp) {
			return block, false
		}
	}
	return block, true
}

// keyOf reads `{"jwk":{"kty":"OKP","crv":"Ed25519","x":"…"}}`: RFC 7800, RFC 8037.
func keyOf(cnf json.RawMessage) (string, bool) {
	outer, known := strictObject(cnf, "jwk")
	if !known {
		return "", false
	}
	jwk, known := strictObject(outer["jwk"], "kty", "crv", "x")
	kty, _ := textOf(jwk["kty"])
	crv, _ := textOf(jwk["crv"])
	x, _ := textOf(jwk["x"])
	return x, known && kty == "OKP" && crv == "Ed25519" && isPublicKey(x)
}

// strictObject reads a JSON object that has no members but these, and none twice.
func strictObject(text []byte, names ...string) (map[string]json.RawMessage, bool) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if !json.Valid(text) || !utf8.Valid(text) {
		return nil, false
	}
	if begin, err := decoder.Token(); err != nil || begin != json.Delim('{') {
		return nil, false
	}
	members := map[string]json.RawMessage{}
	for decoder.More() {
		token, err := decoder.Token()
		name, isText := token.(string)
		if err != nil || !isText || !slices.Contains(names, name) || members[name] != nil {
			return nil, false
		}
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return nil, false
		}
		members[name] = value
	}
	return members, true
}

func textOf(raw json.RawMessage) (text string, known bool) {
	if !bytes.HasPrefix(raw, []byte{'"'}) {
		return "", false
	}
	err := json.Unmarshal(raw, &text)
	return text, err == nil
}

func checkGrants(names []string) error {
	if len(names) == 0 {
		return errors.New("there is no grant")
	}
	for _, name := range names {
		if !slices.Contains(allGrants, name) {
			return fmt.Errorf("there is no grant %q", name)
		}
	}
	return nil
}

func isExp(value float64) bool {
	return value == math.Trunc(value) && value >= 0 && value <= maxExp
}

// decode reads base64url without padding; nil: it is none, or not the only text of these bytes.
func decode(text string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || encode(raw) != text {
		return nil
	}
	return raw
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

func isPublicKey(text string) bool {
	key := decode(text)
	if len(key) != ed25519.PublicKeySize {
		return false
	}
	key[len(key)-1] &= 0x7f
	return !slices.Contains(smallOrder, hex.EncodeToString(key))
}

func publicKeyOf(seed []byte) string {
	return encode(ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey))
}

func wrongToken(why string) error { return fmt.Errorf("%w: %s", ErrInvalidToken, why) }
