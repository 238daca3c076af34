package operation

import (
	"context"
	"errors"

	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
)

// Rotation is what Rotate makes anew.
type Rotation string

// RotateOrigin is the secret by which NGINX knows that requests come through the API; RotateClient is the access key of the
// client user.
const (
	RotateOrigin Rotation = "origin"
	RotateClient Rotation = "client"
)

// RotateOptions are Rotate's.
type RotateOptions struct {
	Options
	Rotation Rotation
	// Finish takes away the client user's former key, which stays valid until then.
	Finish bool
}

// originSteps are as many as NGINX accepts secrets at a time: whoever knew all of them knows none afterward.
const originSteps = 3

// Rotate makes a secret anew: it writes the next generation into the stack's file and brings the stack up. No request fails
// meanwhile. The result is that of the last update.
func Rotate(ctx context.Context, o RotateOptions) (*Result, error) {
	s, _, err := read(ctx, o.Options)
	if err != nil {
		return nil, err
	}
	if o.Rotation == RotateOrigin {
		return s.rotateOrigin(ctx)
	}
	return s.rotateClient(ctx, o.Finish)
}

func (s *site) rotateOrigin(ctx context.Context) (*Result, error) {
	settings, err := readConfig(s.project, s.Manifests)
	if err != nil {
		return nil, fail(Usage, err)
	}
	if held := settings.Platform.Gateway.Stage.Canary.StableDeployment; held != "" {
		return nil, fail(Usage, errors.New("stableDeployment "+held+
			" holds the stage at a deployment that sends the former secret: take it away first"))
	}
	var result *Result
	for step := range originSteps {
		s.note("Rotating the proof of origin, step %d of %d.", step+1, originSteps)
		result, err = s.write(ctx, map[string]any{"originGeneration": settings.Platform.Origin.Generation + step + 1})
		if err != nil {
			return result, err
		}
	}
	return result, nil
}

func (s *site) rotateClient(ctx context.Context, finish bool) (*Result, error) {
	settings, err := readConfig(s.project, s.Manifests)
	if err != nil {
		return nil, fail(Usage, err)
	}
	access := settings.Platform.Gateway.Access
	values, err := clientRotation(access, finish)
	if err != nil {
		return nil, fail(Usage, err)
	}
	return s.write(ctx, values)
}

// clientRotation is what a rotation of the client user's key changes in the config.
func clientRotation(access gateway.Access, finish bool) (map[string]any, error) {
	switch {
	case !access.ClientUser:
		return nil, errors.New("the stack has no client user: set clientUser")
	case finish && !access.KeepFormerClientKey:
		return nil, errors.New("there is no former key: nothing is to be finished")
	case finish:
		return map[string]any{"keepFormerClientKey": false}, nil
	case access.KeepFormerClientKey:
		return nil, errors.New("the last rotation is not finished, and a user has two keys at most: " +
			"run rotate client --finish once nobody uses the former key")
	}
	return map[string]any{"clientKeyGeneration": max(access.ClientKeyGeneration, 1) + 1, "keepFormerClientKey": true}, nil
}

// write changes the stack's file, and then the stack.
func (s *site) write(ctx context.Context, values map[string]any) (*Result, error) {
	if err := s.project.Write(values); err != nil {
		return nil, err
	}
	return Up(ctx, UpOptions{Options: s.Options})
}
