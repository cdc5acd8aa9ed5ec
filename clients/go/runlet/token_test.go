package runlet

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"
)

// What every implementation has to agree on.
type vectors struct {
	Tokens []struct {
		Seed      string `json:"seed"`
		Token     string `json:"token"`
		PublicKey string `json:"public_key"`
	} `json:"tokens"`
	Narrowed []struct {
		vector
		NextSeed string `json:"next_seed"`
		Narrowed string `json:"narrowed"`
	} `json:"narrowed"`
	RefusedNarrowings []vector `json:"refused_narrowings"`
	ValidTokens       []vector `json:"valid_tokens"`
	InvalidTokens     []vector `json:"invalid_tokens"`
}

type vector struct {
	Name      string `json:"name"`
	Token     string `json:"token"`
	Narrowing struct {
		Grants  []string    `json:"grants"`
		Session string      `json:"session"`
		Exp     json.Number `json:"exp"`
	} `json:"narrowing"`
}

// narrowing reads what a vector asks for; false: a time of Go is always a whole second there.
func (v vector) narrowing() (Narrowing, bool) {
	narrowing := Narrowing{Grants: v.Narrowing.Grants, SessionID: v.Narrowing.Session}
	if v.Narrowing.Exp == "" {
		return narrowing, true
	}
	exp, err := v.Narrowing.Exp.Int64()
	narrowing.NotAfter = time.Unix(exp, 0)
	return narrowing, err == nil
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	text, err := os.ReadFile("../../../docs/token-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var read vectors
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if len(read.Tokens) == 0 || len(read.Narrowed) == 0 || len(read.RefusedNarrowings) == 0 ||
		len(read.ValidTokens) == 0 || len(read.InvalidTokens) == 0 {
		t.Fatal("there are kinds of vectors without any")
	}
	return read
}

func TestPublicKeys(t *testing.T) {
	for _, v := range readVectors(t).Tokens {
		seed, err := hex.DecodeString(v.Seed)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parseToken(v.Token)
		if err != nil || string(parsed.seed) != string(seed) || publicKeyOf(seed) != v.PublicKey {
			t.Errorf("%s: %x, %s, %v", v.Token, parsed.seed, publicKeyOf(seed), err)
		}
	}
}

func TestNarrowsToTheExactBytes(t *testing.T) {
	for _, v := range readVectors(t).Narrowed {
		t.Run(v.Name, func(t *testing.T) {
			next, err := hex.DecodeString(v.NextSeed)
			if err != nil {
				t.Fatal(err)
			}
			narrowing, _ := v.narrowing()
			narrowed, err := narrowToken(v.Token, narrowing, next)
			if err != nil || narrowed != v.Narrowed {
				t.Errorf("%s, %v", narrowed, err)
			}
			if _, err := parseToken(v.Narrowed); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRefusesToNarrow(t *testing.T) {
	for _, v := range readVectors(t).RefusedNarrowings {
		narrowing, known := v.narrowing()
		if !known {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			narrowed, err := NarrowToken(v.Token, narrowing)
			if !errors.Is(err, ErrInvalidNarrowing) && !errors.Is(err, ErrInvalidToken) {
				t.Errorf("%s, %v", narrowed, err)
			}
		})
	}
}

func TestTakesWhatOthersMayWrite(t *testing.T) {
	for _, v := range readVectors(t).ValidTokens {
		t.Run(v.Name, func(t *testing.T) {
			narrowed, err := NarrowToken(v.Token, Narrowing{NotAfter: time.Unix(1, 0)})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parseToken(narrowed); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNarrowsNoInvalidToken(t *testing.T) {
	for _, v := range readVectors(t).InvalidTokens {
		t.Run(v.Name, func(t *testing.T) {
			if narrowed, err := NarrowToken(v.Token, Narrowing{}); !errors.Is(err, ErrInvalidToken) {
				t.Errorf("%s, %v", narrowed, err)
			}
		})
	}
}

func TestNextHoldersDiffer(t *testing.T) {
	token := readVectors(t).Tokens[0].Token
	one, err := NarrowToken(token, Narrowing{})
	if err != nil {
		t.Fatal(err)
	}
	if other, err := NarrowToken(token, Narrowing{}); err != nil || other == one {
		t.Error(other, err)
	}
}
