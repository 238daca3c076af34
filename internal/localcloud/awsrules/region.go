package awsrules

import (
	"slices"
	"strings"
)

// Partition is the partition of a region: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func Partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

func partition(region string) properties {
	name := Partition(region)
	suffix, reverse := "amazonaws.com", "com.amazonaws"
	if name == "aws-cn" {
		suffix, reverse = "amazonaws.com.cn", "cn.com.amazonaws"
	}
	return properties{"id": name, "partition": name, "dnsSuffix": suffix, "reverseDnsPrefix": reverse}
}

// zone is an availability zone: its name in this account and its id in all accounts, which need not be in the same order.
// https://docs.aws.amazon.com/ram/latest/userguide/working-with-az-ids.html
type zone struct{ name, id string }

// unusual are the zones of regions that have others than a, b and c with ids in that order.
var unusual = map[string][]string{
	"us-east-1":    {"a use1-az1", "b use1-az2", "c use1-az4", "d use1-az6", "e use1-az3", "f use1-az5"},
	"us-west-1":    {"a usw1-az2", "b usw1-az1", "c usw1-az3"},
	"ca-central-1": {"a cac1-az1", "b cac1-az2", "c cac1-az3", "d cac1-az4"},
}

// withoutEKS are the zones in which a control plane cannot have subnets:
// https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
var withoutEKS = []string{"use1-az3", "usw1-az2", "cac1-az3"}

func zonesOf(region string) []zone {
	described := unusual[region]
	if described == nil {
		for i, letter := range []string{"a", "b", "c"} {
			described = append(described, letter+" "+zonePrefix(region)+"-az"+string(rune('1'+i)))
		}
	}
	var zones []zone
	for _, text := range described {
		letter, id, _ := strings.Cut(text, " ")
		zones = append(zones, zone{region + letter, id})
	}
	return zones
}

// zonePrefix shortens a region as ids of zones do: eu-west-1 is euw1, ap-southeast-2 apse2, us-gov-west-1 usgw1.
func zonePrefix(region string) string {
	short := strings.NewReplacer("us-gov-", "usg-", "northeast", "ne", "northwest", "nw", "southeast", "se", "southwest", "sw",
		"north", "n", "south", "s", "east", "e", "west", "w", "central", "c")
	return strings.ReplaceAll(short.Replace(region), "-", "")
}

// zoneID is the id of a zone by its name, or empty.
func zoneID(region, name string) string {
	zones := zonesOf(region)
	if i := slices.IndexFunc(zones, func(z zone) bool { return z.name == name }); i >= 0 {
		return zones[i].id
	}
	return ""
}
