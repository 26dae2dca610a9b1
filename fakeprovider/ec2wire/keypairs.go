package ec2wire

import (
	"fmt"
	"slices"
)

type keyPairXML struct {
	ID          string   `xml:"keyPairId"`
	Name        string   `xml:"keyName"`
	Type        string   `xml:"keyType"`
	Fingerprint string   `xml:"keyFingerprint"`
	Tags        struct{} `xml:"tagSet"`
}

var keyPairFields = fields[keyPairXML]{
	byName: map[string]func(keyPairXML) []string{
		"key-name":    one(func(k keyPairXML) string { return k.Name }),
		"key-pair-id": one(func(k keyPairXML) string { return k.ID }),
	},
}

func (r *request) describeKeyPairs() (reply, *apiError) {
	keep, failure := keyPairFields.matcher(r.params)
	if failure != nil {
		return nil, failure
	}
	names := r.texts("KeyName")
	for _, n := range names {
		if !slices.Contains(r.opt.KeyPairs, n) {
			return nil, bad("InvalidKeyPair.NotFound", "The key pair '%s' does not exist", shorten(n))
		}
	}
	out := &struct {
		meta
		Pairs items[keyPairXML] `xml:"keySet"`
	}{}
	for i, name := range r.opt.KeyPairs {
		k := keyPairXML{ID: fmt.Sprintf("key-%017x", i+1), Name: name, Type: "ed25519",
			Fingerprint: fmt.Sprintf("fake:%08x", i+1)}
		if keep(k) && (len(names) == 0 || slices.Contains(names, name)) {
			out.Pairs.Item = append(out.Pairs.Item, k)
		}
	}
	return out, nil
}
