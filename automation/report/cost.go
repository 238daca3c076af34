package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

//go:embed prices.json
var pricesJSON []byte

// HoursPerMonth is what AWS's calculator takes.
const HoursPerMonth = 730

// Item is one line of an estimate.
type Item struct {
	What string `json:"what"`
	// Count is how many, each for MonthlyUSD divided by it.
	Count      int     `json:"count"`
	UnitUSD    float64 `json:"unitUsdPerMonth"`
	MonthlyUSD float64 `json:"usdPerMonth"`
}

// Estimate is a month's cost in US dollars.
type Estimate struct {
	Items      []Item  `json:"items"`
	MonthlyUSD float64 `json:"usdPerMonth"`
	// ByUse are prices that depend on traffic.
	ByUse []string `json:"byUse"`
	// Unknown are resources whose price is not in the table.
	Unknown []string `json:"unknown,omitempty"`
	Region  string   `json:"pricesOfRegion"`
	AsOf    string   `json:"pricesAsOf"`
}

type prices struct {
	Region string `json:"region"`
	AsOf   string `json:"asOf"`
	Hourly struct {
		EKSCluster               float64 `json:"eksCluster"`
		NATGateway               float64 `json:"natGateway"`
		PublicAddress            float64 `json:"publicAddress"`
		NetworkLoadBalancer      float64 `json:"networkLoadBalancer"`
		InterfaceEndpointPerZone float64 `json:"interfaceEndpointPerZone"`
	} `json:"hourly"`
	Monthly struct {
		WebACL     float64 `json:"webAcl"`
		WebACLRule float64 `json:"webAclRule"`
		Alarm      float64 `json:"alarm"`
		Dashboard  float64 `json:"dashboard"`
		KMSKey     float64 `json:"kmsKey"`
		GP3PerGB   float64 `json:"gp3PerGB"`
	} `json:"monthly"`
	CacheHourlyByGB    map[string]float64 `json:"cacheHourlyByGB"`
	InstanceHourly     map[string]float64 `json:"instanceHourly"`
	PerMillionRequests float64            `json:"perMillionRequests"`
	// Free are the resource types that cost nothing, and ByUse those that cost by use alone.
	Free  []string `json:"free"`
	ByUse []string `json:"byUse"`
}

// estimator adds up.
type estimator struct {
	prices prices
	result Estimate
}

// Cost estimates what the resources that an operation leaves cost in a month, from a table of list prices. It knows what
// costs by the hour; what costs by use is named, not guessed.
func Cost(steps []Step) Estimate {
	e := estimator{}
	if err := json.Unmarshal(pricesJSON, &e.prices); err != nil {
		// The table is part of the program, and tested.
		return Estimate{}
	}
	e.result.Region, e.result.AsOf = e.prices.Region, e.prices.AsOf
	for _, s := range steps {
		if s.Op != "delete" {
			e.add(s)
		}
	}
	slices.SortStableFunc(e.result.Items, func(a, b Item) int {
		switch {
		case a.MonthlyUSD > b.MonthlyUSD:
			return -1
		case a.MonthlyUSD < b.MonthlyUSD:
			return 1
		}
		return 0
	})
	for _, item := range e.result.Items {
		e.result.MonthlyUSD += item.MonthlyUSD
	}
	e.result.ByUse = []string{
		fmt.Sprintf("REST API: %.2f USD a million requests", e.prices.PerMillionRequests),
		"NAT gateway, load balancer, VPC endpoints, logs, metrics: by volume",
	}
	return e.result
}

func (e *estimator) hourly(what string, count int, price float64) {
	e.monthly(what, count, price*HoursPerMonth)
}

func (e *estimator) monthly(what string, count int, price float64) {
	if count == 0 {
		return
	}
	for i := range e.result.Items {
		if item := &e.result.Items[i]; item.What == what && item.UnitUSD == price {
			item.Count += count
			item.MonthlyUSD += float64(count) * price
			return
		}
	}
	e.result.Items = append(e.result.Items, Item{what, count, price, float64(count) * price})
}

func (e *estimator) add(r Step) {
	hourly, monthly := e.prices.Hourly, e.prices.Monthly
	switch r.Type {
	case "aws:eks/cluster:Cluster":
		e.hourly("EKS control plane", 1, hourly.EKSCluster)
	case "aws:ec2/natGateway:NatGateway":
		e.hourly("NAT gateway", 1, hourly.NATGateway)
	case "aws:ec2/eip:Eip":
		e.hourly("public IPv4 address", 1, hourly.PublicAddress)
	case "aws:lb/loadBalancer:LoadBalancer":
		e.hourly("Network Load Balancer", 1, hourly.NetworkLoadBalancer)
	case "aws:ec2/vpcEndpoint:VpcEndpoint":
		if r.Inputs["vpcEndpointType"] == "Interface" {
			zones, _ := r.Inputs["subnetIds"].([]any)
			// Before the subnets exist their number is not known; two is the least.
			e.hourly("interface VPC endpoint, per zone", max(2, len(zones)), hourly.InterfaceEndpointPerZone)
		}
	case "aws:wafv2/webAcl:WebAcl":
		rules, _ := r.Inputs["rules"].([]any)
		e.monthly("web ACL", 1, monthly.WebACL)
		e.monthly("web ACL rule", len(rules), monthly.WebACLRule)
	case "aws:cloudwatch/metricAlarm:MetricAlarm":
		e.monthly("CloudWatch alarm", 1, monthly.Alarm)
	case "aws:kms/key:Key":
		e.monthly("KMS key", 1, monthly.KMSKey)
	case "aws:cloudwatch/dashboard:Dashboard":
		e.monthly("CloudWatch dashboard", 1, monthly.Dashboard)
	case "aws:apigateway/stage:Stage":
		if size, _ := r.Inputs["cacheClusterSize"].(string); size != "" {
			e.hourly("API cache of "+size+" GB", 1, e.prices.CacheHourlyByGB[size])
		}
	case "aws:eks/nodeGroup:NodeGroup":
		e.nodes(r)
	default:
		if strings.HasPrefix(r.Type, "aws:") && !slices.Contains(e.prices.Free, r.Type) && !slices.Contains(e.prices.ByUse, r.Type) {
			e.result.Unknown = append(e.result.Unknown, r.Type+" "+r.Name())
		}
	}
}

func (e *estimator) nodes(r Step) {
	scaling, _ := r.Inputs["scalingConfig"].(map[string]any)
	count, _ := scaling["desiredSize"].(float64)
	types, _ := r.Inputs["instanceTypes"].([]any)
	kind := "t3.medium"
	if len(types) > 0 {
		kind = fmt.Sprint(types[0])
	}
	price, known := e.prices.InstanceHourly[kind]
	if !known {
		e.result.Unknown = append(e.result.Unknown, fmt.Sprintf("%.0f nodes of type %s", count, kind))
	}
	label := "node " + kind
	if r.Inputs["capacityType"] == "SPOT" {
		label += " (spot costs less; list price)"
	}
	e.hourly(label, int(count), price)
	// The launch template's disk, which only it knows; 20 GB is the default.
	const diskGB = 20
	e.monthly("node disk of 20 GB", int(count), diskGB*e.prices.Monthly.GP3PerGB)
}
