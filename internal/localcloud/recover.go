package localcloud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
)

// Known is a resource as a stack's state knows it.
type Known struct {
	URN string `json:"urn"`
	ID  string `json:"id"`
}

// Recovered is what was found to differ between a stack's state and the cloud.
type Recovered struct {
	// Removed are objects that no state knows: the answer to their creation was lost.
	Removed []Known `json:"removed"`
	// Missing are resources of the state that do not exist: the answer to their deletion was lost.
	Missing []Known `json:"missing"`
}

// outliving are types whose objects stay when the engine has forgotten them: old deployments belong to their API.
var outliving = []string{awsrules.Deployment}

// Keeps says whether resources of a type are objects of the local cloud; providers and references are not.
func Keeps(token string) bool {
	return strings.HasPrefix(token, "aws:") || strings.HasPrefix(token, "kubernetes:")
}

// Recover compares a stack's state with what exists, after all operations for it have ended, and removes objects that
// the state does not know. Nothing can depend on those: nobody ever heard of them.
func (c *Cloud) Recover(ctx context.Context, project, stack string, known []Known) (Recovered, error) {
	if err := c.inflight.Wait(ctx, project, stack); err != nil {
		return Recovered{}, err
	}
	inState := map[Known]bool{}
	for _, k := range known {
		inState[k] = true
	}
	prefix := fmt.Sprintf("urn:pulumi:%s::%s::", stack, project)
	existing := map[Known]*store.Object{}
	for _, o := range c.store.Find(func(o *store.Object) bool { return strings.HasPrefix(o.URN, prefix) }) {
		existing[Known{o.URN, o.ID}] = o
	}
	orphans := map[Known]*store.Object{}
	for k, o := range existing {
		if !inState[k] && !slices.Contains(outliving, o.Type) {
			orphans[k] = o
		}
	}
	var result Recovered
	if err := c.removeAll(ctx, orphans, &result); err != nil {
		return result, err
	}
	for _, k := range known {
		if existing[k] == nil {
			result.Missing = append(result.Missing, k)
		}
	}
	return result, nil
}

// removeAll goes round until nothing is left: one may have to go before another.
func (c *Cloud) removeAll(ctx context.Context, orphans map[Known]*store.Object, result *Recovered) error {
	for len(orphans) > 0 {
		var problems []error
		before := len(orphans)
		for k, o := range orphans {
			if err := c.remove(ctx, o); err != nil {
				problems = append(problems, fmt.Errorf("remove %s, which no stack knows: %w", o.ID, err))
				continue
			}
			result.Removed = append(result.Removed, k)
			delete(orphans, k)
		}
		if len(orphans) == before {
			return errors.Join(problems...)
		}
	}
	return nil
}

func (c *Cloud) remove(ctx context.Context, o *store.Object) error {
	if o.Scope != "" {
		return c.kube.Delete(o.Scope, o.Type, o.ID)
	}
	region := strings.Split(o.Text("arn")+":::::", ":")[3]
	return c.aws.Delete(ctx, o.Type, region, o.ID)
}

// Tamper removes an object as somebody would behind a stack's back.
func (c *Cloud) Tamper(token, region, id string) error { return c.aws.Lose(token, region, id) }
