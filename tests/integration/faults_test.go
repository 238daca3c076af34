package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/faults"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

// everythingVariable asks for every type of resource instead of some.
const everythingVariable = "FAULTS"

// fewTypes are those of the short run.
var fewTypes = []string{"aws:apigateway/vpcLink:VpcLink"}

// endingBadly are the types that AWS accepts and may then fail to create.
var endingBadly = []string{
	"aws:apigateway/vpcLink:VpcLink", "aws:ec2/natGateway:NatGateway", "aws:eks/addon:Addon", "aws:eks/cluster:Cluster",
	"aws:eks/nodeGroup:NodeGroup", "aws:lb/loadBalancer:LoadBalancer",
}

// neverUpdated are the types of which every change makes a new one.
var neverUpdated = []string{
	"aws:autoscaling/attachment:Attachment", "aws:ec2/route:Route", "aws:ec2/routeTableAssociation:RouteTableAssociation",
	"aws:iam/rolePolicyAttachment:RolePolicyAttachment",
}

// untagged are the types that could have tags, and get none from their component.
var untagged = []string{"aws:eks/addon:Addon", "aws:iam/openIdConnectProvider:OpenIdConnectProvider"}

// deploymentType goes with its API, and is never deleted by itself.
const deploymentType = "aws:apigateway/deployment:Deployment"

// A column of the report: what is done, and how it goes wrong.
type faultCase struct {
	operation faults.Operation
	kind      faults.Kind
}

func (c faultCase) String() string { return fmt.Sprintf("%s %s", c.operation, c.kind) }

var (
	createRefused  = faultCase{faults.Create, faults.Refused}
	createLost     = faultCase{faults.Create, faults.Lost}
	createTimedOut = faultCase{faults.Create, faults.TimedOut}
	createFailed   = faultCase{faults.Create, faults.Failed}
	updateRefused  = faultCase{faults.Update, faults.Refused}
	updateLost     = faultCase{faults.Update, faults.Lost}
	deleteRefused  = faultCase{faults.Delete, faults.Refused}
	deleteLost     = faultCase{faults.Delete, faults.Lost}

	// Nobody notices these.
	createThrottled = faultCase{faults.Create, faults.Throttled}
	createDelayed   = faultCase{faults.Create, faults.Delayed}
	updateThrottled = faultCase{faults.Update, faults.Throttled}
	deleteThrottled = faultCase{faults.Delete, faults.Throttled}
	deleteGone      = faultCase{faults.Delete, faults.Gone}

	columns = []faultCase{
		createRefused, createLost, createTimedOut, createFailed, createThrottled, createDelayed,
		updateRefused, updateLost, updateThrottled, deleteRefused, deleteLost, deleteThrottled, deleteGone,
	}
)

// faulty is a stack whose operations fail, and what is said of each.
type faulty struct {
	*environment
	report map[string]string
	// touched is the type whose resources the next update changes, all of them for touchedAll, and revision what it
	// changes in them.
	touched  atomic.Value
	revision atomic.Int64
}

const touchedAll = "*"

// Each operation on each type of resource fails once, in each way. The error names the resource and the cause; destroy
// succeeds at the first attempt from the state that is left; and the next up or destroy finishes.
func TestFaults(t *testing.T) {
	t.Parallel()
	f := &faulty{report: map[string]string{}}
	f.touched.Store("")
	f.environment = newEnvironment(t, f.wrap)
	f.up()
	types := f.types(t)
	require.Greater(t, len(types), 35)
	f.destroy()
	everything := os.Getenv(everythingVariable) != ""
	t.Run("nobody notices", func(t *testing.T) { f.overcome(t, types) })
	for _, token := range types {
		if everything || slices.Contains(fewTypes, token) {
			t.Run(token[strings.LastIndexByte(token, ':')+1:], func(t *testing.T) { f.failAll(t, token, everything) })
		}
	}
	if everything && !t.Failed() {
		writeReliability(t, types, f.report)
	}
}

func (f *faulty) types(t *testing.T) []string {
	t.Helper()
	resources, err := f.session.Resources(t.Context())
	require.NoError(t, err)
	var types []string
	for _, r := range resources {
		if r.Custom && localcloud.Keeps(r.Type) && !slices.Contains(types, r.Type) {
			types = append(types, r.Type)
		}
	}
	slices.Sort(types)
	return types
}

// overcome: one ThrottlingException, a delay until others know, a deletion by somebody else, for all types at once.
func (f *faulty) overcome(t *testing.T, types []string) {
	for _, round := range []struct{ create, update, remove faultCase }{
		{createThrottled, updateThrottled, deleteThrottled}, {create: createDelayed, remove: deleteGone},
	} {
		f.expect(types, round.create)
		f.up()
		f.came(t, types, round.create)
		if round.update.kind != "" {
			updated := slices.DeleteFunc(slices.Clone(types), func(token string) bool { return slices.Contains(neverUpdated, token) })
			f.expect(updated, round.update)
			f.touch(touchedAll)
			f.up()
			f.came(t, updated, round.update)
		}
		deleted := slices.DeleteFunc(slices.Clone(types), func(token string) bool { return token == deploymentType })
		f.expect(deleted, round.remove)
		f.destroy()
		f.came(t, deleted, round.remove)
	}
}

func (f *faulty) expect(types []string, c faultCase) {
	var list []faults.Fault
	for _, token := range types {
		list = append(list, faults.Fault{Type: token, Operation: c.operation, Kind: c.kind})
	}
	f.cloud.Faults().Set(list)
}

func (f *faulty) came(t *testing.T, types []string, c faultCase) {
	t.Helper()
	require.Empty(t, f.cloud.Faults().Left(), c)
	for _, token := range types {
		f.report[token+" "+c.String()] = "no error"
	}
}

// failAll takes a type through all that an engine hears of as an error.
func (f *faulty) failAll(t *testing.T, token string, everything bool) {
	// An access key is active at first, and inactive when the number is odd.
	f.revision.Add(f.revision.Load() % 2)
	if everything {
		f.failToCreate(t, token, createRefused)
		f.destroy()
	}
	f.failToCreate(t, token, createLost)
	f.destroy()
	if slices.Contains(endingBadly, token) {
		f.failToCreate(t, token, createFailed)
		f.upAgain(t)
		f.destroy()
	}
	if everything {
		f.failToCreate(t, token, createTimedOut)
	}
	f.upAgain(t)
	if !slices.Contains(neverUpdated, token) {
		f.failToUpdate(t, token, updateRefused)
		f.failToUpdate(t, token, updateLost)
	}
	if token == deploymentType {
		f.destroy()
		return
	}
	f.failToDelete(t, token, deleteLost)
	if everything {
		f.upAgain(t)
		f.failToDelete(t, token, deleteRefused)
	}
}

func (f *faulty) failToCreate(t *testing.T, token string, c faultCase) {
	t.Helper()
	f.expect([]string{token}, c)
	_, err := f.session.Updates.Up(context.Background())
	f.judge(t, token, c, err)
	f.mend(t)
}

func (f *faulty) failToUpdate(t *testing.T, token string, c faultCase) {
	t.Helper()
	f.touch(token)
	f.expect([]string{token}, c)
	_, err := f.session.Updates.Up(context.Background())
	f.judge(t, token, c, err)
	f.mend(t)
	f.upAgain(t)
}

func (f *faulty) failToDelete(t *testing.T, token string, c faultCase) {
	t.Helper()
	f.expect([]string{token}, c)
	_, err := f.session.Updates.Destroy(context.Background(), optdestroy.SuppressProgress())
	f.judge(t, token, c, err)
	f.mend(t)
	f.destroy()
}

var causes = map[faults.Kind]string{faults.Refused: "InternalFailure", faults.Lost: faults.ErrLost.Error(),
	faults.TimedOut: "i/o timeout", faults.Failed: "unexpected state"}

// judge wants the resource and the cause in the error.
func (f *faulty) judge(t *testing.T, token string, c faultCase, err error) {
	t.Helper()
	require.Empty(t, f.cloud.Faults().Left(), "%s has happened", c)
	require.ErrorContains(t, err, causes[c.kind], c)
	require.ErrorContains(t, err, token[strings.LastIndexByte(token, ':')+1:], "the resource is named")
	f.report[token+" "+c.String()] = causes[c.kind]
}

// mend is what the binary does before it begins.
func (f *faulty) mend(t *testing.T) {
	t.Helper()
	state, err := f.session.State(t.Context())
	require.NoError(t, err)
	known := []localcloud.Known{}
	for _, r := range state.Resources {
		if r.Custom && localcloud.Keeps(r.Type) {
			known = append(known, localcloud.Known{URN: r.URN, ID: r.ID})
		}
	}
	found, err := f.cloud.Recover(t.Context(), "apigateway-ingress", "local", known)
	require.NoError(t, err)
	if len(found.Missing) > 0 || len(state.Pending) > 0 {
		_, err := f.session.Stack.Refresh(t.Context(), optrefresh.ClearPendingCreates())
		require.NoError(t, err)
	}
}

// upAgain is the binary's up: what AWS could not create is made anew. Then everything is as it should be.
func (f *faulty) upAgain(t *testing.T) {
	t.Helper()
	state, err := f.session.State(t.Context())
	require.NoError(t, err)
	if failed := state.FailedCreations(); len(failed) > 0 {
		_, err := f.session.Updates.Destroy(context.Background(), optdestroy.Target(failed))
		require.NoError(t, err)
	}
	f.up()
	state, err = f.session.State(t.Context())
	require.NoError(t, err)
	require.Empty(t, state.Pending)
	for _, r := range state.Resources {
		require.Empty(t, r.InitErrors, r.URN)
	}
	f.expectNoChanges()
}

// touch lets the next update change something of a type's resources that needs no new ones.
func (f *faulty) touch(token string) {
	f.revision.Add(1)
	f.touched.Store(token)
}

// wrap is the program, with something in it that changes.
func (f *faulty) wrap(program pulumi.RunFunc) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		err := ctx.RegisterResourceTransform(func(_ context.Context, args *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
			if touched := f.touched.Load(); touched != touchedAll && touched != args.Type {
				return nil
			}
			change(args.Type, args.Props, int(f.revision.Load()))
			return &pulumi.ResourceTransformResult{Props: args.Props, Opts: args.Opts}
		})
		if err != nil {
			return err
		}
		return program(ctx)
	}
}

func change(token string, inputs pulumi.Map, revision int) {
	mark := pulumi.String(fmt.Sprint(revision))
	within := func(outer pulumi.Map, name string) pulumi.Map {
		inner, _ := outer[name].(pulumi.Map)
		if inner == nil {
			inner = pulumi.Map{}
		}
		outer[name] = inner
		return inner
	}
	switch {
	case strings.HasPrefix(token, "kubernetes:"):
		within(within(inputs, "metadata"), "annotations")["revision"] = mark
	case token == "aws:iam/rolePolicy:RolePolicy" || token == "aws:iam/userPolicy:UserPolicy":
		// White space in a document means nothing.
		inputs["policy"] = pulumi.Sprintf("%v%s", inputs["policy"], strings.Repeat(" ", revision))
	case token == "aws:iam/accessKey:AccessKey":
		inputs["status"] = pulumi.String([]string{"Active", "Inactive"}[revision%2])
	case token == deploymentType:
		inputs["description"] = mark
	case strings.HasPrefix(token, "aws:") && (inputs["tags"] != nil || slices.Contains(untagged, token)):
		within(inputs, "tags")["revision"] = mark
	}
}

func writeReliability(t *testing.T, types []string, report map[string]string) {
	t.Helper()
	var b strings.Builder
	b.WriteString(`# Fault matrix

Written by ` + "`make faults`" + `, which lets each operation on each type of resource fail once on the local target, with the real engine:

- **refused**: an error before anything happened (5xx, a limit). **lost**: a success whose answer does not arrive. **timedOut**: nothing is
  heard. **failed**: AWS accepts, and ends in CREATE_FAILED or FAILED after a while. **throttled**: ThrottlingException. **delayed**: others
  answer for a while that the new thing does not exist. **gone**: somebody has deleted it already.
- After each creation that was refused, lost or failed ` + "`destroy`" + ` succeeded at its first attempt or the next ` + "`up`" + ` finished, and nothing remained.
- After each failed update the next ` + "`up`" + ` finished, and then had nothing to do. After each failed deletion the next ` + "`destroy`" + ` finished.
- Each error names the resource and the cause, as below. An empty cell is what cannot happen: a deployment goes with its API, four types are
  replaced and never updated, and most have no state of failure.

` + "`make chaos`" + ` kills the binary, the engine and the local cloud at many moments of ` + "`up`, an update and `destroy`" + `: the next command finishes,
nothing exists twice, and nothing is forgotten. ` + "`make soak`" + ` loads the chain for ten minutes and looks for leaks in every process; ` + "`TestNoDowntime`" + ` changes routes, policy, replicas, images, settings
and nodes under load, and no request fails.

| type of resource |`)
	for _, c := range columns {
		fmt.Fprintf(&b, " %s |", c)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(columns)) + "\n")
	for _, token := range types {
		fmt.Fprintf(&b, "| `%s` |", token)
		for _, c := range columns {
			fmt.Fprintf(&b, " %s |", report[token+" "+c.String()])
		}
		b.WriteString("\n")
	}
	require.NoError(t, os.WriteFile(filepath.Join(repository, "docs", "contributing", "fault-matrix.md"), []byte(b.String()), 0o600))
}
