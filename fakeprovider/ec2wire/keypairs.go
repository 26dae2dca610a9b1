package ec2wire

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"slices"
)

const maxKeyPairs = 5000

// keyPair is the public half of a key that machines are reached with. Nobody here uses one.
type keyPair struct {
	id, name, kind, fingerprint string
	tags                        map[string]string // never altered in place
}

func keyPairsOf(names []string) (all []keyPair) {
	for i, name := range names {
		all = append(all, keyPair{id: keyID(i + 1), name: name, kind: "ed25519", fingerprint: fmt.Sprintf("fake:%08x", i+1)})
	}
	return all
}

func keyID(n int) string { return fmt.Sprintf("key-%017x", n) }

type keyPairXML struct {
	ID          string         `xml:"keyPairId"`
	Name        string         `xml:"keyName"`
	Type        string         `xml:"keyType,omitempty"`
	Fingerprint string         `xml:"keyFingerprint"`
	Material    string         `xml:"keyMaterial,omitempty"`
	Tags        *items[tagXML] `xml:"tagSet"`
}

var keyPairFields = fields[keyPair]{
	byName: map[string]func(keyPair) []string{
		"key-name":    one(func(k keyPair) string { return k.name }),
		"key-pair-id": one(func(k keyPair) string { return k.id }),
		"fingerprint": one(func(k keyPair) string { return k.fingerprint }),
	},
	tags: func(k keyPair) map[string]string { return k.tags },
}

func (r *request) keyPair(name string) int {
	return slices.IndexFunc(r.keys, func(k keyPair) bool { return k.name == name })
}

func (r *request) describeKeyPairs() (reply, *apiError) {
	keep, failure := keyPairFields.matcher(r.params)
	if failure != nil {
		return nil, failure
	}
	names, ids := r.texts("KeyName"), r.texts("KeyPairId")
	for _, n := range names {
		if r.keyPair(n) < 0 {
			return nil, bad("InvalidKeyPair.NotFound", "The key pair '%s' does not exist", shorten(n))
		}
	}
	for _, id := range ids {
		if !slices.ContainsFunc(r.keys, func(k keyPair) bool { return k.id == id }) {
			return nil, bad("InvalidKeyPair.NotFound", "The key pair ID '%s' does not exist", shorten(id))
		}
	}
	out := &struct {
		meta
		Pairs items[keyPairXML] `xml:"keySet"`
	}{}
	for _, k := range r.keys {
		if keep(k) && (len(names)+len(ids) == 0 || slices.Contains(names, k.name) || slices.Contains(ids, k.id)) {
			out.Pairs.Item = append(out.Pairs.Item, k.xml())
		}
	}
	return out, nil
}

func (k keyPair) xml() keyPairXML {
	return keyPairXML{ID: k.id, Name: k.name, Type: k.kind, Fingerprint: k.fingerprint, Tags: tagList(k.tags)}
}

// newKeyPair reads what CreateKeyPair and ImportKeyPair have in common.
func (r *request) newKeyPair() (k keyPair, failure *apiError) {
	k.name = r.text("KeyName")
	switch {
	case k.name == "":
		return k, errMissing("KeyName")
	case len(k.name) > 255:
		return k, errValue("KeyName", k.name, "It is longer than 255 characters.")
	case r.keyPair(k.name) >= 0:
		return k, bad("InvalidKeyPair.Duplicate", "The keypair already exists")
	case len(r.keys) >= maxKeyPairs:
		return k, bad("KeyPairLimitExceeded", "The maximum number of key pairs has been reached.")
	}
	k.id = keyID(r.lastKey + 1)
	k.tags, failure = r.tagsFor("key-pair")
	return k, failure
}

// addKeyPair keeps it, and is the reply.
func (r *request) addKeyPair(k keyPair, material string) (reply, *apiError) {
	if r.dryRun {
		return nil, errDryRun()
	}
	r.lastKey++
	r.keys = append(r.keys, k)
	out := &struct {
		meta
		keyPairXML
	}{keyPairXML: k.xml()}
	out.Type, out.Material = "", material
	return out, nil
}

// createKeyPair makes a key of the server's seed: the same calls give the same one, and it protects nothing.
func (r *request) createKeyPair() (reply, *apiError) {
	k, failure := r.newKeyPair()
	if failure != nil {
		return nil, failure
	}
	switch k.kind = r.text("KeyType"); k.kind {
	case "", "rsa", "ed25519": // what comes is ed25519 all the same, which takes no time to make
		k.kind = "ed25519"
	default:
		return nil, bad("InvalidParameterValue", "Invalid value '%s' for KeyType.", shorten(k.kind))
	}
	seed := sha256.Sum256(fmt.Appendf(nil, "%d %s", r.opt.Seed, k.id))
	private := ed25519.NewKeyFromSeed(seed[:])
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, bad("InternalError", "%v", err)
	}
	sum := sha256.Sum256(private.Public().(ed25519.PublicKey))
	k.fingerprint = base64.StdEncoding.EncodeToString(sum[:])
	return r.addKeyPair(k, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

func (r *request) importKeyPair() (reply, *apiError) {
	k, failure := r.newKeyPair()
	if failure != nil {
		return nil, failure
	}
	material, err := base64.StdEncoding.DecodeString(r.text("PublicKeyMaterial"))
	if err != nil || len(material) == 0 {
		return nil, bad("InvalidKey.Format", "Key is not in valid OpenSSH public key format")
	}
	sum := sha256.Sum256(material)
	k.kind, k.fingerprint = "ed25519", base64.StdEncoding.EncodeToString(sum[:])
	return r.addKeyPair(k, "")
}

// deleteKeyPair is a success where there is none, as on EC2.
func (r *request) deleteKeyPair() (reply, *apiError) {
	name, id := r.text("KeyName"), r.text("KeyPairId")
	if name == "" && id == "" {
		return nil, errMissing("KeyName")
	}
	if r.dryRun {
		return nil, errDryRun()
	}
	r.keys = slices.DeleteFunc(slices.Clone(r.keys), func(k keyPair) bool { return k.name == name || k.id == id })
	return &done{Return: true}, nil
}
