// Package clusterdns is the DNS of a cluster: the addresses of Services by their full names.
package clusterdns

import (
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// ttl is how many seconds an answer holds, as CoreDNS says of Services: https://coredns.io/plugins/kubernetes/
const ttl = 5

// Lookup gives the addresses of a name in small letters without a dot at its end. found is false where there is no such name.
type Lookup func(name string) (addresses []string, found bool)

// Serve answers queries for addresses of version 4 until the connection is closed. Other types of records are empty.
func Serve(connection net.PacketConn, lookup Lookup) {
	buffer := make([]byte, 4096)
	for {
		length, from, err := connection.ReadFrom(buffer)
		if err != nil {
			return
		}
		if response, err := answer(buffer[:length], lookup); err == nil {
			// Who asked may be gone.
			_, _ = connection.WriteTo(response, from)
		}
	}
}

// answer makes the response to a query; what is none gets none.
func answer(query []byte, lookup Lookup) ([]byte, error) {
	var parser dnsmessage.Parser
	header, err := parser.Start(query)
	if err != nil {
		return nil, err
	}
	question, err := parser.Question()
	if err != nil {
		return nil, err
	}
	addresses, found := lookup(strings.ToLower(strings.TrimSuffix(question.Name.String(), ".")))
	response := dnsmessage.Message{
		Header: dnsmessage.Header{ID: header.ID, Response: true, Authoritative: true, RecursionDesired: header.RecursionDesired,
			RecursionAvailable: true},
		Questions: []dnsmessage.Question{question},
	}
	switch {
	case !found:
		response.RCode = dnsmessage.RCodeNameError
	case question.Type == dnsmessage.TypeA:
		response.Answers = records(question.Name, addresses)
	}
	return response.Pack()
}

func records(name dnsmessage.Name, addresses []string) []dnsmessage.Resource {
	var list []dnsmessage.Resource
	for _, address := range addresses {
		parsed, err := netip.ParseAddr(address)
		if err != nil || !parsed.Is4() {
			continue
		}
		list = append(list, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET, TTL: ttl},
			Body:   &dnsmessage.AResource{A: parsed.As4()},
		})
	}
	return list
}
