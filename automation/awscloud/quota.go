package awscloud

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	balancertypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
)

// Needs is how many of what is counted a new stack takes.
type Needs struct{ VPCs, ElasticIPs, Clusters, LoadBalancers, VPCLinks int }

// Quota is what an account may have of something in a region, and has.
type Quota struct {
	// Name is AWS's own.
	Name string
	// Code is what Service Quotas knows it by, and Service whose it is.
	Service, Code      string
	Needed, Used, Most int
	// Err is why it is not known.
	Err error
}

// Enough says whether there is room.
func (q Quota) Enough() bool { return q.Used+q.Needed <= q.Most }

// Quotas compares what a new stack needs with what the account has room for. What is not needed is not asked for.
func (a *Account) Quotas(ctx context.Context, needs Needs) []Quota {
	all := []struct {
		quota Quota
		count func(context.Context) (int, error)
	}{
		{Quota{Name: "VPCs per Region", Service: "vpc", Code: "L-F678F1CE", Needed: needs.VPCs}, a.countVPCs},
		{Quota{Name: "EC2-VPC Elastic IPs", Service: "ec2", Code: "L-0263D0A3", Needed: needs.ElasticIPs}, a.countAddresses},
		{Quota{Name: "EKS clusters", Service: "eks", Code: "L-1194D53C", Needed: needs.Clusters}, a.countClusters},
		{Quota{Name: "Network Load Balancers per Region", Service: "elasticloadbalancing", Code: "L-69A177A2", Needed: needs.LoadBalancers},
			a.countBalancers},
		{Quota{Name: "VPC links per Region", Service: "apigateway", Code: "L-A4C7274F", Needed: needs.VPCLinks}, a.countVPCLinks},
	}
	var quotas []Quota
	var counts []func(context.Context) (int, error)
	for _, q := range all {
		if q.quota.Needed > 0 {
			quotas, counts = append(quotas, q.quota), append(counts, q.count)
		}
	}
	var waiting sync.WaitGroup
	for i := range quotas {
		waiting.Go(func() { a.measure(ctx, &quotas[i], counts[i]) })
	}
	waiting.Wait()
	return quotas
}

func (a *Account) measure(ctx context.Context, q *Quota, count func(context.Context) (int, error)) {
	if q.Used, q.Err = count(ctx); q.Err != nil {
		return
	}
	// An account whose quota was never raised may have AWS's default only.
	found, err := a.quotas.GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: &q.Service, QuotaCode: &q.Code})
	if err == nil {
		q.Most = int(aws.ToFloat64(found.Quota.Value))
		return
	}
	standard, err := a.quotas.GetAWSDefaultServiceQuota(ctx, &servicequotas.GetAWSDefaultServiceQuotaInput{ServiceCode: &q.Service,
		QuotaCode: &q.Code})
	if err != nil {
		q.Err = err
		return
	}
	q.Most = int(aws.ToFloat64(standard.Quota.Value))
}

func (a *Account) countClusters(ctx context.Context) (int, error) {
	n := 0
	for pages := eks.NewListClustersPaginator(a.clusters, &eks.ListClustersInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, err
		}
		n += len(page.Clusters)
	}
	return n, nil
}

func (a *Account) countBalancers(ctx context.Context) (int, error) {
	n := 0
	for pages := elasticloadbalancingv2.NewDescribeLoadBalancersPaginator(a.balancers,
		&elasticloadbalancingv2.DescribeLoadBalancersInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, err
		}
		for _, balancer := range page.LoadBalancers {
			if balancer.Type == balancertypes.LoadBalancerTypeEnumNetwork {
				n++
			}
		}
	}
	return n, nil
}

func (a *Account) countVPCLinks(ctx context.Context) (int, error) {
	n := 0
	for pages := apigateway.NewGetVpcLinksPaginator(a.gateway, &apigateway.GetVpcLinksInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, err
		}
		n += len(page.Items)
	}
	return n, nil
}

func (a *Account) countVPCs(ctx context.Context) (int, error) {
	return a.countEC2(ctx, "DescribeVpcs")
}

func (a *Account) countAddresses(ctx context.Context) (int, error) {
	return a.countEC2(ctx, "DescribeAddresses")
}

// countEC2 asks EC2's query interface. Its SDK package takes a minute and gigabytes to compile, for two counts.
func (a *Account) countEC2(ctx context.Context, action string) (int, error) {
	endpoint := "https://ec2." + a.config.Region + ".amazonaws.com"
	if a.config.BaseEndpoint != nil {
		endpoint = *a.config.BaseEndpoint
	}
	body := []byte(url.Values{"Action": {action}, "Version": {"2016-11-15"}}.Encode())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	credentials, err := a.config.Credentials.Retrieve(ctx)
	if err != nil {
		return 0, err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), "ec2", a.config.Region, time.Now()); err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	var document struct {
		VPCs      []struct{} `xml:"vpcSet>item"`
		Addresses []struct{} `xml:"addressesSet>item"`
		Problem   string     `xml:"Errors>Error>Message"`
	}
	if err := xml.Unmarshal(answer, &document); err != nil {
		return 0, fmt.Errorf("%s: %s: %w", action, response.Status, err)
	}
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s: %s", action, response.Status, document.Problem)
	}
	return len(document.VPCs) + len(document.Addresses), nil
}
