package ec2wire

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
)

const (
	version   = "2016-11-15"
	namespace = "http://ec2.amazonaws.com/doc/" + version + "/"
)

// reply is the body of a successful call. Its fields are named as EC2 names them.
type reply interface{ identify(requestID string) }

// meta is what every reply carries.
type meta struct {
	RequestID string `xml:"requestId"`
}

func (m *meta) identify(id string) { m.RequestID = id }

// encode returns the reply to the action as XML.
func encode(action, requestID string, r reply) ([]byte, error) {
	r.identify(requestID)
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	err := e.EncodeElement(r, xml.StartElement{
		Name: xml.Name{Local: action + "Response"},
		Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: namespace}},
	})
	if err != nil {
		return nil, fmt.Errorf("ec2wire: encoding the reply to %s: %w", action, err)
	}
	return b.Bytes(), nil
}

// encodeError returns an error reply as XML.
func encodeError(requestID string, e *apiError) []byte {
	type entry struct {
		Code    string
		Message string
	}
	body, err := xml.Marshal(struct {
		XMLName   xml.Name `xml:"Response"`
		Errors    []entry  `xml:"Errors>Error"`
		RequestID string
	}{Errors: []entry{{e.code, e.message}}, RequestID: requestID})
	if err != nil { // two strings can always be encoded
		return nil
	}
	return append([]byte(xml.Header), body...)
}

// items is a list; EC2 sends its element also when it is empty, which is how clients tell it from a broken reply.
type items[T any] struct {
	Item []T `xml:"item"`
}

type tagXML struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

// sortedTags returns the tags in the order of their keys.
func sortedTags(tags map[string]string) []tagXML {
	list := make([]tagXML, 0, len(tags))
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, tagXML{k, tags[k]})
	}
	return list
}

// tagList is the element of a resource's tags, which EC2 leaves out where there are none.
func tagList(tags map[string]string) *items[tagXML] {
	if len(tags) == 0 {
		return nil
	}
	return &items[tagXML]{sortedTags(tags)}
}

type stateXML struct {
	Code int    `xml:"code"`
	Name string `xml:"name"`
}

func stateOf(s State) stateXML { return stateXML{int(s), s.String()} }

type groupXML struct {
	ID   string `xml:"groupId"`
	Name string `xml:"groupName"`
}

// done is the reply of calls that have nothing to say.
type done struct {
	meta
	Return bool `xml:"return"`
}
