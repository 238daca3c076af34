package engine

import (
	"io"
	"path/filepath"
	"strconv"

	"github.com/apigateway-ingress/apigateway-ingress/internal/wholefile"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

// Write sets whole numbers and booleans in a stack's file, and leaves the rest of it as it is, comments as well.
func (p *Project) Write(values map[string]any) error {
	project, err := workspace.LoadProject(filepath.Join(p.Root, projectFile))
	if err != nil {
		return err
	}
	name := p.FileOf(p.Stack)
	quiet := diag.DefaultSink(io.Discard, io.Discard, diag.FormatOptions{Color: colors.Never})
	settings, err := workspace.LoadProjectStack(quiet, project, name)
	if err != nil {
		return err
	}
	for key, value := range values {
		made := config.NewTypedValue("", config.TypeString)
		switch v := value.(type) {
		case int:
			made = config.NewTypedValue(strconv.Itoa(v), config.TypeInt)
		case bool:
			made = config.NewTypedValue(strconv.FormatBool(v), config.TypeBool)
		}
		if err := settings.Config.Set(config.MustMakeKey(p.Name, key), made, false); err != nil {
			return err
		}
	}
	content, err := encoding.YAML.Marshal(settings)
	if err != nil {
		return err
	}
	return wholefile.Write(name, content)
}
